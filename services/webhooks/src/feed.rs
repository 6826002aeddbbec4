//! The change feed: pages of several logs, merged by time, with a cursor behind every event.

pub(crate) mod cursor;
pub(crate) mod news;
pub(crate) mod page;
