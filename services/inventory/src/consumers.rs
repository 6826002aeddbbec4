//! What other services' events do here.

pub mod ship_tracked;
