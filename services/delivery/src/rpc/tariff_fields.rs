//! Reads the fields of a delivery method that may be set or changed.

use proto::delivery::v1 as pb;
use rpc::Fields;
use types::CarrierAccountId;

use super::address_fields::{country_code, not_negative, sum};
use crate::model::delivery_method::Kind;
use crate::model::tariff::Tariff;

/// Most tariffs of a method.
const TARIFFS_MAX: usize = 200;
/// Most cities, and most postal prefixes, of a tariff.
const PLACES_MAX: usize = 500;
/// The longest delivery.
const DAYS_MAX: i32 = 365;
const NAME_LENGTH_MAX: usize = 200;
const SERVICE_LENGTH_MAX: usize = 64;

/// The name buyers see.
pub fn name(fields: &mut Fields, name: &str) -> String {
    fields.required_text("delivery_method.name", name, NAME_LENGTH_MAX)
}

/// The tariffs, in the order in which they are tried.
pub fn tariffs(fields: &mut Fields, tariffs: &[pb::Tariff]) -> Vec<Tariff> {
    fields.list_length("delivery_method.tariffs", tariffs.len(), TARIFFS_MAX);
    let read = tariffs.iter().take(TARIFFS_MAX).enumerate().map(|(at, one)| tariff(fields, at, one));
    read.collect::<Vec<_>>().into_iter().flatten().collect()
}

/// Who carries the parcels of a method outside, and how; the shop's own carriers have neither.
pub fn carrier(
    fields: &mut Fields,
    kind: Kind,
    account: &str,
    service: &str,
) -> (Option<CarrierAccountId>, String) {
    let (account_field, service_field) =
        ("delivery_method.carrier_account_id", "delivery_method.carrier_service");
    if kind != Kind::Parcel {
        let problem = "only a method of kind PARCEL has a carrier account";
        fields.check(account.is_empty(), account_field, "NOT_ALLOWED", problem);
        fields.check(service.is_empty(), service_field, "NOT_ALLOWED", problem);
        return (None, String::new());
    }
    let account = fields.parse(account_field, account);
    (account, fields.required_text(service_field, service, SERVICE_LENGTH_MAX))
}

fn tariff(fields: &mut Fields, at: usize, tariff: &pb::Tariff) -> Option<Tariff> {
    let path = |field: &str| format!("delivery_method.tariffs[{at}].{field}");
    let country_code = country_code(fields, &path("country_code"), &tariff.country_code);
    let cities = places(fields, &path("cities"), &tariff.cities);
    let postal_prefixes = places(fields, &path("postal_prefixes"), &tariff.postal_prefixes);
    let weight_grams_max = not_negative(fields, &path("weight_grams_max"), tariff.weight_grams_max);
    let price = sum(fields, &path("price"), tariff.price.as_ref());
    let minimum = tariff.goods_total_min.as_ref();
    let goods_total_min = minimum.and_then(|minimum| sum(fields, &path("goods_total_min"), Some(minimum)));
    let one_currency =
        price.zip(goods_total_min).is_none_or(|(price, min)| price.currency() == min.currency());
    let problem = "must be the currency of the price";
    fields.check(one_currency, &path("goods_total_min.currency_code"), "CURRENCY_MISMATCH", problem);
    let (days_min, days_max) = (tariff.days_min, tariff.days_max);
    fields.check((0..=DAYS_MAX).contains(&days_min), &path("days_min"), "OUT_OF_RANGE", "0 to 365");
    let ordered = (days_min..=DAYS_MAX).contains(&days_max);
    fields.check(ordered, &path("days_max"), "OUT_OF_RANGE", "from days_min to 365");
    let price = price?;
    Some(Tariff {
        country_code,
        cities,
        postal_prefixes,
        weight_grams_max,
        goods_total_min,
        price,
        days_min,
        days_max,
    })
}

fn places(fields: &mut Fields, field: &str, places: &[String]) -> Vec<String> {
    if places.len() > PLACES_MAX {
        fields.refuse(field, "TOO_MANY", format!("at most {PLACES_MAX} entries"));
        return Vec::new();
    }
    let named = places.iter().enumerate();
    named.map(|(at, place)| fields.required_text(&format!("{field}[{at}]"), place, NAME_LENGTH_MAX)).collect()
}
