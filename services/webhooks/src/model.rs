//! The nouns: endpoints, deliveries, and when they are tried again.

mod audience;
pub(crate) mod delivery;
pub(crate) mod delivery_rows;
pub(crate) mod endpoint;
pub(crate) mod endpoint_rows;
pub(crate) mod message_rows;
pub(crate) mod place_rows;
pub(crate) mod replay_rows;
pub(crate) mod schedule;
pub(crate) mod signature;

pub(crate) use audience::Audience;
