//! Reads the resources that requests carry.

use ::rpc::{Fields, Invalid, TEXT_LENGTH_MAX};
use proto::access::v1 as pb;
use types::WarehouseId;

use crate::model::{Channel, Country, OrganizationDetails, ShopDetails, ShortagePolicy};

/// The longest name, in characters.
pub(crate) const NAME_LENGTH_MAX: usize = 200;
/// The longest tax number, in characters.
pub(crate) const TAX_ID_LENGTH_MAX: usize = 40;
/// The longest bank details, in characters.
pub(crate) const BANK_DETAILS_LENGTH_MAX: usize = TEXT_LENGTH_MAX;

const NUMBER_PREFIX_LENGTH_MAX: usize = 8;
const WAREHOUSES_MAX: usize = 100;

/// Everything a caller may set on the organisation.
pub(crate) fn organization(organization: &pb::Organization) -> Result<OrganizationDetails, Invalid> {
    let mut fields = Fields::new();
    let name = fields.required_text("organization.name", &organization.name, NAME_LENGTH_MAX);
    let base_currency = fields.parse("organization.base_currency_code", &organization.base_currency_code);
    fields.finish_with(base_currency.map(|base_currency| OrganizationDetails { name, base_currency }))
}

/// Everything a caller may set on a shop.
pub(crate) fn shop(shop: &pb::Shop) -> Result<ShopDetails, Invalid> {
    let mut fields = Fields::new();
    let legal_entity = fields.parse("shop.legal_entity_id", &shop.legal_entity_id);
    let name = fields.required_text("shop.name", &shop.name, NAME_LENGTH_MAX);
    let time_zone = time_zone(&mut fields, &shop.time_zone);
    let locale = fields.parse("shop.locale", &shop.locale);
    let currency = fields.parse("shop.currency_code", &shop.currency_code);
    let shortage_policy = shortage_policy(&mut fields, shop.shortage_policy);
    let number_prefix = number_prefix(&mut fields, &shop.number_prefix);
    let warehouses = warehouses(&mut fields, &shop.warehouse_ids);
    let country: Option<Country> = fields.parse_optional("shop.country_code", &shop.country_code);

    let details = move || {
        let locale: crate::model::Locale = locale?;
        let country = country.or_else(|| locale.country()).unwrap_or_else(Country::home);
        Some(ShopDetails {
            legal_entity: legal_entity?,
            name,
            time_zone: time_zone?,
            locale,
            currency: currency?,
            shortage_policy: shortage_policy?,
            number_prefix,
            warehouses,
            country,
        })
    };
    fields.finish_with(details())
}

/// The kind of a channel account.
pub(crate) fn channel(fields: &mut Fields, field: &str, channel: i32) -> Option<Channel> {
    let channel = match pb::Channel::try_from(channel) {
        Ok(pb::Channel::Site) => Some(Channel::Site),
        Ok(pb::Channel::Marketplace) => Some(Channel::Marketplace),
        Ok(pb::Channel::Messenger) => Some(Channel::Messenger),
        Ok(pb::Channel::Phone) => Some(Channel::Phone),
        Ok(pb::Channel::Social) => Some(Channel::Social),
        Ok(pb::Channel::Offline) => Some(Channel::Offline),
        Ok(pb::Channel::Unspecified) => {
            fields.refuse(field, "REQUIRED", "is required");
            return None;
        }
        Err(_) => None,
    };
    fields.check(channel.is_some(), field, "UNKNOWN_VALUE", "not a channel of this version");
    channel
}

fn time_zone(fields: &mut Fields, name: &str) -> Option<chrono_tz::Tz> {
    if name.is_empty() {
        fields.refuse("shop.time_zone", "REQUIRED", "is required");
        return None;
    }
    let zone = name.parse().ok();
    fields.check(
        zone.is_some(),
        "shop.time_zone",
        "UNKNOWN_TIME_ZONE",
        "an IANA name such as \"Europe/Kyiv\"",
    );
    zone
}

fn shortage_policy(fields: &mut Fields, policy: i32) -> Option<ShortagePolicy> {
    match pb::ShortagePolicy::try_from(policy) {
        Ok(pb::ShortagePolicy::Unspecified | pb::ShortagePolicy::Refuse) => Some(ShortagePolicy::Refuse),
        Ok(pb::ShortagePolicy::Accept) => Some(ShortagePolicy::Accept),
        Err(_) => {
            fields.refuse("shop.shortage_policy", "UNKNOWN_VALUE", "not a shortage policy of this version");
            None
        }
    }
}

/// Stands in every order number: visible characters only.
fn number_prefix(fields: &mut Fields, prefix: &str) -> String {
    let visible = prefix.chars().all(|letter| !letter.is_whitespace() && !letter.is_control());
    fields.check(visible, "shop.number_prefix", "MALFORMED", "visible characters only");
    fields.text("shop.number_prefix", prefix, NUMBER_PREFIX_LENGTH_MAX)
}

fn warehouses(fields: &mut Fields, ids: &[String]) -> Vec<WarehouseId> {
    if ids.len() > WAREHOUSES_MAX {
        fields.list_length("shop.warehouse_ids", ids.len(), WAREHOUSES_MAX);
        return Vec::new();
    }
    let mut warehouses = Vec::with_capacity(ids.len());
    for (at, id) in ids.iter().enumerate() {
        let field = format!("shop.warehouse_ids[{at}]");
        match fields.parse(&field, id) {
            Some(id) if warehouses.contains(&id) => fields.refuse(field, "DUPLICATE", "is named twice"),
            Some(id) => warehouses.push(id),
            None => {}
        }
    }
    warehouses
}
