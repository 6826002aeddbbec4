//! The services that catalog asks: what it wants of each, in its own words.

mod inventory;

use rpc::Directory;

pub(crate) use inventory::Inventory;

/// All of them.
pub(crate) struct Upstreams {
    pub(crate) inventory: Inventory,
}

impl Upstreams {
    /// Finds them.
    pub(crate) fn new(directory: &Directory) -> Self {
        Self { inventory: Inventory::new(directory.channel("inventory")) }
    }
}
