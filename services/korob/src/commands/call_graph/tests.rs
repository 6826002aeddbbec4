//! The call graph that is committed is that of the binary: the chart opens these ways and no others.

use std::path::Path;

#[test]
fn the_committed_call_graph_is_the_binarys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("call-graph.json");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let text = super::text().expect("it is JSON");
    assert_eq!(
        committed, text,
        "run `cargo run -p korob -- call-graph > services/korob/call-graph.json`, then `cargo xtask chart`"
    );
}
