//! Whose changes somebody may hear of.

use types::{KeyId, ShopId};
use uuid::Uuid;

/// What a reader of the feed or an endpoint may hear, whatever the kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Audience {
    pub(crate) all_shops: bool,
    pub(crate) shops: Vec<ShopId>,
    /// Changes made with these keys are an echo.
    pub(crate) except_keys: Vec<KeyId>,
}

impl Audience {
    /// As the row of an endpoint has it.
    pub(crate) fn stored(all_shops: bool, shops: Vec<Uuid>, except_keys: Vec<Uuid>) -> Self {
        Self {
            all_shops,
            shops: shops.into_iter().map(ShopId::from_uuid).collect(),
            except_keys: except_keys.into_iter().map(KeyId::from_uuid).collect(),
        }
    }

    pub(crate) fn hears_of(&self, shop: ShopId) -> bool {
        self.all_shops || self.shops.contains(&shop)
    }
}
