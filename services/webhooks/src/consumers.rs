//! What is done with other services' events.

pub(crate) mod disable_endpoints;
