//! Tests of the whole: `tests/contracts` checks what `proto/` says, `tests/architecture` what the tree looks like. The
//! scenarios in `scenarios/` run against the binary and belong to its crate.
