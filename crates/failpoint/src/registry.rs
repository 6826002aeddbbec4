//! Every name there is. What is not listed does not compile; what is listed and used nowhere fails `tests/registry.rs`.

/// The places, in the order in which an order comes past them.
pub const POINTS: &[&str] = &[
    // crates/store. The place is the service.
    "store.commit.before",
    "store.commit.after",
    "store.outcome.before",
    // The place is the batcher.
    "store.batch.answer",
    // crates/saga. The place is the step that was done.
    "saga.step.done",
    "saga.unwinding.decided",
    "saga.undo.done",
    // crates/events. The place is the consumer.
    "events.page.read",
    "events.cursor.moved",
    "events.page.applied",
    // services/orders
    "orders.place.recorded",
    "orders.place.before_settle",
    // services/payments: around what cannot be taken back.
    "payments.provider.before_call",
    "payments.provider.answered",
    "payments.refund.answered",
    "payments.receipt.answered",
    // services/delivery
    "delivery.carrier.before_call",
    "delivery.carrier.answered",
];

/// The bugs, one per promise of the suite.
pub const BUGS: &[&str] = &[
    // An order is acknowledged before it is committed.
    "orders.acknowledged_before_recorded",
    // A repeated request is a new order.
    "orders.key_not_claimed",
    // A charge whose answer got lost is sent again under another key.
    "payments.retry_with_new_key",
    // A refund is compared with what was captured, and not with what is left of it.
    "payments.refund_without_sum",
    // Of two lines with one SKU only the last is held.
    "inventory.without_sum_over_lines",
    // A cursor moves past an event that was not applied.
    "events.cursor_skips",
    // A change commits without its event.
    "store.event_not_told",
    // A change commits without its history.
    "store.history_not_written",
    // What a refused order holds is kept.
    "saga.undo_forgotten",
    // A saga whose process died is nobody's.
    "saga.not_taken_over",
    // A key sees the orders of every shop.
    "orders.shop_not_checked",
];

/// Those of a moment that a real suite hardly ever meets: `tests/simulation` finds them.
pub const SIMULATED_BUGS: &[&str] = &[
    // Whoever takes over a saga that goes back, or hears that it does, lets it go forward.
    "saga.goes_forward_again",
    // A refused attempt undoes what it did itself, and nothing of the attempts before it.
    "saga.undoes_the_last_attempt_only",
    // What another process has ended is undone all the same.
    "saga.undoes_what_has_ended",
    // What a provider told late is believed like what it told last.
    "payments.late_report_is_news",
];

/// Whether a place has this name.
pub const fn has_point(name: &str) -> bool {
    contains(POINTS, name)
}

/// Whether a bug has this name.
pub const fn has_bug(name: &str) -> bool {
    contains(BUGS, name) || contains(SIMULATED_BUGS, name)
}

const fn contains(names: &[&str], name: &str) -> bool {
    let mut at = 0;
    while at < names.len() {
        if equal(names[at].as_bytes(), name.as_bytes()) {
            return true;
        }
        at += 1;
    }
    false
}

const fn equal(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}
