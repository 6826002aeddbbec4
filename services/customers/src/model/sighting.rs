//! A person as a channel has just seen him.

use ::rpc::Call;
use types::ShopId;

use crate::model::{Email, Identity, Phone};

/// A person with at least one readable contact, seen by a shop.
#[derive(Clone)]
pub(crate) struct Sighting {
    pub(crate) call: Call,
    pub(crate) shop: ShopId,
    pub(crate) name: String,
    pub(crate) phone: Option<Phone>,
    pub(crate) email: Option<Email>,
}

impl Sighting {
    /// The contacts; the phone comes first because its card wins.
    pub(crate) fn identities(&self) -> impl Iterator<Item = Identity> {
        let phone = self.phone.iter().cloned().map(Identity::Phone);
        phone.chain(self.email.iter().cloned().map(Identity::Email))
    }
}
