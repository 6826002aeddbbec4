//! The services that catalog asks: what it wants of each, in its own words.

mod access;
mod inventory;

use rpc::Directory;

pub(crate) use access::{Access, Shop};
pub(crate) use inventory::Inventory;

/// All of them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Upstreams {
    pub(crate) access: Access,
    pub(crate) inventory: Inventory,
}

impl Upstreams {
    /// Finds them.
    pub(crate) fn new(directory: &Directory) -> Self {
        Self {
            access: Access::new(directory.channel("access")),
            inventory: Inventory::new(directory.channel("inventory")),
        }
    }
}
