//! The test of the tests: what is planted, one bug a day.

/// Matters only where a shop gives up unpaid orders.
pub const FORGETTING: &str = "payments.refusal_forgotten";

/// Those of the product's own code (`crates/failpoint/src/registry.rs`), then those of what is simulated around it.
pub const BUGS: &[&str] = &[
    "saga.undo_forgotten",
    "saga.not_taken_over",
    "saga.goes_forward_again",
    "saga.undoes_the_last_attempt_only",
    "saga.undoes_what_has_ended",
    "payments.refund_without_sum",
    "payments.late_report_is_news",
    // Whoever unwinds does not see that somebody else went forward meanwhile.
    "saga.take_over_not_noticed",
    // An order is settled by a process whose saga another one has ended, or takes back.
    "orders.settled_by_whoever_comes",
    // What inventory told before the order was settled gives way to what it answered the saga.
    "orders.news_of_stock_overwritten",
    "orders.key_not_claimed",
    "orders.acknowledged_before_recorded",
    // The cursor is committed before the effect.
    "events.cursor_skips",
    // A late request takes what was given back before.
    "inventory.no_tombstone",
    "payments.no_tombstone",
    // Whoever asks again for a cancellation that was refused may get another answer.
    FORGETTING,
    // A charge whose answer got lost is sent again under another key.
    "payments.retry_with_new_key",
];
