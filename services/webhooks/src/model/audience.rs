//! Whose changes somebody may hear of.

use types::{KeyId, ShopId};

/// What a reader of the feed or an endpoint may hear, whatever the kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Audience {
    pub(crate) all_shops: bool,
    pub(crate) shops: Vec<ShopId>,
    /// Changes made with these keys are an echo.
    pub(crate) except_keys: Vec<KeyId>,
}

impl Audience {
    pub(crate) fn hears_of(&self, shop: ShopId) -> bool {
        self.all_shops || self.shops.contains(&shop)
    }
}
