//! What the clock does.

pub mod expire_holds;
