//! `traceparent` as W3C writes it, and nothing else.

use rpc::TraceContext;

#[test]
fn a_trace_reads_as_it_is_written() {
    let trace = TraceContext::root();
    assert_eq!(trace.to_string().parse(), Ok(trace));
    let known = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert_eq!(known.parse::<TraceContext>().expect("valid").to_string(), known);
}

#[test]
fn what_is_no_trace_is_refused() {
    for text in [
        "",
        "00",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
        "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0ж",
    ] {
        assert!(text.parse::<TraceContext>().is_err(), "{text}");
    }
}
