//! How calls are made and served: who may, until when, and what happens when a handler breaks.

mod admission;
mod buyer_tokens;
mod conformance;
mod desk;
mod fields;
mod identity;
mod outcomes;
mod replicas;
mod signing;
mod traces;
