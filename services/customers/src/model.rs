//! The nouns of customers.

mod card;
mod country;
mod email;
mod etag;
mod identity;
mod known;
mod name;
mod phone;
mod plan;
mod purchase;
mod sighting;

pub(crate) use card::Card;
pub(crate) use country::Country;
pub(crate) use email::Email;
pub(crate) use etag::Etag;
pub(crate) use identity::Identity;
pub(crate) use known::Known;
pub(crate) use name::name_words;
pub(crate) use phone::Phone;
pub(crate) use plan::{Change, Plan};
pub(crate) use purchase::Purchase;
pub(crate) use sighting::Sighting;
