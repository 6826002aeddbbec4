//! Reads the resources that requests carry.

use ::rpc::{Fields, Invalid, TEXT_LENGTH_MAX};
use proto::access::v1 as pb;
use proto::orders::v1::OrderState;
use types::WarehouseId;

use crate::model::{
    Channel, Country, Locale, Names, OrganizationDetails, PublicStatusNames, ShopDetails, ShortagePolicy,
};

/// The longest name, in characters.
pub(crate) const NAME_LENGTH_MAX: usize = 200;
/// The longest tax number, in characters.
pub(crate) const TAX_ID_LENGTH_MAX: usize = 40;
/// The longest bank details, in characters.
pub(crate) const BANK_DETAILS_LENGTH_MAX: usize = TEXT_LENGTH_MAX;

const NUMBER_PREFIX_LENGTH_MAX: usize = 8;
const WAREHOUSES_MAX: usize = 100;
/// Thirty days.
const PAY_BY_MINUTES_MAX: i32 = 30 * 24 * 60;
/// A day.
const QUOTE_MINUTES_MAX: i32 = 24 * 60;
const QUOTE_MINUTES_DEFAULT: i32 = 30;
const STATUS_NAMES_MAX: usize = 20;
const LANGUAGES_MAX: usize = 20;
const STATUS_NAME_LENGTH_MAX: usize = 60;

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
    let pay_by = (0..=PAY_BY_MINUTES_MAX).contains(&shop.pay_by_minutes);
    fields.check(pay_by, "shop.pay_by_minutes", "OUT_OF_RANGE", "0 to 43200; 0 never cancels");
    let quote = (0..=QUOTE_MINUTES_MAX).contains(&shop.quote_minutes);
    fields.check(quote, "shop.quote_minutes", "OUT_OF_RANGE", "0 to 1440; 0 means 30");
    let public_status_names = public_status_names(&mut fields, &shop.public_status_names);
    let page_url = fields.parse_optional("shop.page_url", &shop.page_url);

    let details = move || {
        let locale: Locale = locale?;
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
            pay_by_minutes: shop.pay_by_minutes,
            split_allowed: shop.split_allowed.unwrap_or(true),
            quote_minutes: if shop.quote_minutes == 0 { QUOTE_MINUTES_DEFAULT } else { shop.quote_minutes },
            public_status_names,
            page_url,
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

fn public_status_names(fields: &mut Fields, wanted: &[pb::PublicStatusName]) -> PublicStatusNames {
    let mut by_state = PublicStatusNames::default();
    if wanted.len() > STATUS_NAMES_MAX {
        fields.list_length("shop.public_status_names", wanted.len(), STATUS_NAMES_MAX);
        return by_state;
    }
    for (at, entry) in wanted.iter().enumerate() {
        let field = format!("shop.public_status_names[{at}]");
        let names = names(fields, &field, entry);
        let state = OrderState::try_from(entry.state).ok().filter(|state| *state != OrderState::Unspecified);
        let Some(state) = state else {
            fields.refuse(format!("{field}.state"), "UNKNOWN_VALUE", "name a state of an order");
            continue;
        };
        if by_state.0.insert(state.as_str_name().to_owned(), names).is_some() {
            fields.refuse(format!("{field}.state"), "DUPLICATE", "is named twice");
        }
    }
    by_state
}

fn names(fields: &mut Fields, field: &str, entry: &pb::PublicStatusName) -> Names {
    let field = format!("{field}.names");
    fields.list_length(&field, entry.names.len(), LANGUAGES_MAX);
    let mut names = Names::new();
    for (language, name) in entry.names.iter().take(LANGUAGES_MAX) {
        if language.parse::<Locale>().is_err() {
            fields.refuse(&field, "MALFORMED", "a language is a BCP 47 tag such as \"uk\" or \"uk-UA\"");
            continue;
        }
        let name = fields.required_text(&format!("{field}.{language}"), name, STATUS_NAME_LENGTH_MAX);
        names.insert(language.clone(), name);
    }
    names
}
