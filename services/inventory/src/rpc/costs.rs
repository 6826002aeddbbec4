//! Who sees what goods cost: it is the organisation's own business.

use rpc::{Caller, Shops};

use crate::error::{Error, Result};

/// A key that may see costs holds it.
const SCOPE: &str = "inventory.cost";

/// Whether an answer to `caller` says what units cost.
pub fn are_visible_to(caller: &Caller) -> bool {
    caller.may(SCOPE) && caller.shops == Shops::All
}

/// Refuses a caller of some shops only: stock has its costs for all of them.
pub fn require(caller: &Caller) -> Result<()> {
    if are_visible_to(caller) { Ok(()) } else { Err(Error::OrganizationWide) }
}
