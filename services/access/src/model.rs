//! The nouns of access.

mod api_key;
mod changes;
mod channel_account;
mod etag;
mod legal_entity;
mod organization;
mod page_url;
mod public_status_names;
mod region;
pub(crate) mod retired_secret;
mod shop;

pub(crate) use api_key::{ApiKey, RATE_LIMIT_DEFAULT, RATE_LIMIT_MAX, Secret};
pub(crate) use changes::{Changes, Fact};
pub(crate) use channel_account::{Channel, ChannelAccount};
pub(crate) use etag::Etag;
pub(crate) use legal_entity::LegalEntity;
pub(crate) use organization::{Organization, OrganizationDetails};
pub(crate) use page_url::PageUrl;
pub(crate) use public_status_names::{Names, PublicStatusNames};
pub(crate) use region::{Country, Locale};
pub(crate) use retired_secret::RETIRED_SECRETS_MAX;
pub(crate) use shop::{Shop, ShopDetails, ShortagePolicy};
