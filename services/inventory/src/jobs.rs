//! What the clock does.

pub mod cover_shortages;
pub mod expire_holds;
