//! What customers does with other services' events.

pub(crate) mod count_purchases;
