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

#[test]
fn so_many_new_traces_are_recorded_as_the_ratio_says() {
    for (ratio, least, most) in [(0.0, 0, 0), (0.25, 2_200, 2_800), (1.0, 10_000, 10_000)] {
        rpc::trace::set_sample_ratio(ratio);
        let sampled = (0..10_000).filter(|_| TraceContext::root().is_sampled()).count();
        assert!((least..=most).contains(&sampled), "{sampled} of 10,000 at {ratio}");
    }
    // Who begins a trace decides; the others follow.
    let theirs: TraceContext =
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00".parse().expect("valid");
    rpc::trace::set_sample_ratio(1.0);
    assert!(!theirs.is_sampled());
}
