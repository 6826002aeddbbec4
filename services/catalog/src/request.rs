//! Reads the resources that requests carry.

mod brand;
mod characteristic;
mod import_mapping;
mod product;

use ::rpc::{Fields, Invalid};
use chrono::SubsecRound;
use diesel_async::AsyncPgConnection;
use proto::catalog::v1 as pb;
use types::{Currency, Money};

use crate::error::Result;
use crate::model::{
    CategoryDetails, Definitions, Derivation, ExternalId, Percent, PriceListDetails, Rounding, ValueFilters,
};

pub(crate) use brand::brand;
pub(crate) use characteristic::characteristic_definition;
pub(crate) use import_mapping::import_mapping;
pub(crate) use product::{CHARACTERISTICS_MAX, VARIANTS_MAX, product};
pub(crate) use product::{barcode, characteristic, description, name, page_url, picture_url, vendor};

/// The longest name, in characters.
pub(crate) const NAME_LENGTH_MAX: usize = 500;
/// External ids of one thing.
const EXTERNAL_IDS_MAX: usize = 50;
/// Channels of one price list.
const CHANNELS_MAX: usize = 50;
/// The longest channel, in characters.
const CHANNEL_LENGTH_MAX: usize = 32;

/// Everything a caller may set on a category.
pub(crate) fn category(category: &pb::Category) -> Result<CategoryDetails, Invalid> {
    let mut fields = Fields::new();
    let parent = fields.parse_optional("category.parent_id", &category.parent_id);
    let name = fields.required_text("category.name", &category.name, NAME_LENGTH_MAX);
    let external_ids = external_ids(&mut fields, "category.external_ids", &category.external_ids);
    fields.finish()?;
    Ok(CategoryDetails { parent, name, external_ids })
}

/// Everything a caller may set on a price list.
pub(crate) fn price_list(list: &pb::PriceList) -> Result<PriceListDetails, Invalid> {
    let mut fields = Fields::new();
    let name = fields.required_text("price_list.name", &list.name, NAME_LENGTH_MAX);
    let currency = fields.parse("price_list.currency_code", &list.currency_code);
    let valid_from = fields.time_optional("price_list.valid_from_time", list.valid_from_time);
    let valid_until = fields.time_optional("price_list.valid_until_time", list.valid_until_time);
    let (valid_from, valid_until) =
        (valid_from.map(|time| time.trunc_subsecs(6)), valid_until.map(|time| time.trunc_subsecs(6)));
    if let (Some(from), Some(until)) = (valid_from, valid_until) {
        let problem = "must be after valid_from_time";
        fields.check(from < until, "price_list.valid_until_time", "OUT_OF_RANGE", problem);
    }
    if list.channels.len() > CHANNELS_MAX {
        fields.refuse("price_list.channels", "TOO_MANY", format!("at most {CHANNELS_MAX} entries"));
    }
    let mut channels: Vec<String> = list.channels.clone();
    for (at, name) in channels.iter().enumerate() {
        let field = format!("price_list.channels[{at}]");
        fields.check(!name.is_empty(), &field, "REQUIRED", "is required");
        channel(&mut fields, &field, name);
    }
    channels.sort_unstable();
    channels.dedup();
    let rounding =
        currency.zip(list.rounding.as_ref()).and_then(|(currency, one)| rounding(&mut fields, currency, one));
    let derivation = derivation(&mut fields, list);
    fields.finish_with(currency.map(|currency| PriceListDetails {
        name,
        currency,
        valid_from,
        valid_until,
        channels,
        priority: list.priority,
        rounding,
        derivation,
    }))
}

fn rounding(fields: &mut Fields, currency: Currency, rounding: &pb::PriceRounding) -> Option<Rounding> {
    let step = fields.money("price_list.rounding.step", rounding.step.as_ref())?;
    let ending = fields.money_optional("price_list.rounding.ending", rounding.ending.as_ref());
    let ending = ending.unwrap_or(Money::zero(currency));
    for (name, money) in [("step", step), ("ending", ending)] {
        let field = format!("price_list.rounding.{name}.currency_code");
        let problem = format!("the list is in {currency}");
        fields.check(money.currency() == currency, &field, "CURRENCY_MISMATCH", &problem);
    }
    fields.check(step.minor() > 0, "price_list.rounding.step.amount", "OUT_OF_RANGE", "must be above 0");
    let within = (0..step.minor().max(1)).contains(&ending.minor());
    fields.check(within, "price_list.rounding.ending.amount", "OUT_OF_RANGE", "must be below the step");
    Some(Rounding { step: step.minor(), ending: ending.minor() })
}

fn derivation(fields: &mut Fields, list: &pb::PriceList) -> Option<Derivation> {
    if list.base_price_list_id.is_empty() {
        let alone = list.percent.is_empty();
        fields.check(alone, "price_list.base_price_list_id", "REQUIRED", "of which list is it a percentage?");
        return None;
    }
    let base = fields.parse("price_list.base_price_list_id", &list.base_price_list_id);
    let percent = Percent::parse(&list.percent);
    let problem = "a decimal such as 92.5, above 0, at most 1000, two digits after the point";
    fields.check(percent.is_some(), "price_list.percent", "MALFORMED", problem);
    Some(Derivation { base: base?, percent: percent? })
}

/// A channel such as `site`; empty where it is not named.
pub(crate) fn channel(fields: &mut Fields, field: &str, channel: &str) -> String {
    fields.text(field, channel, CHANNEL_LENGTH_MAX)
}

/// Ids in other systems: sorted, each once.
fn external_ids(fields: &mut Fields, field: &str, ids: &[pb::ExternalId]) -> Vec<ExternalId> {
    if ids.len() > EXTERNAL_IDS_MAX {
        fields.refuse(field, "TOO_MANY", format!("at most {EXTERNAL_IDS_MAX} entries"));
        return Vec::new();
    }
    let mut parsed = Vec::with_capacity(ids.len());
    for (at, id) in ids.iter().enumerate() {
        let source = fields.parse(&format!("{field}[{at}].source_id"), &id.source_id);
        let id = fields.required_text(&format!("{field}[{at}].id"), &id.id, ExternalId::LENGTH_MAX);
        parsed.extend(source.map(|source| ExternalId { source, id }));
    }
    parsed.sort_unstable();
    parsed.dedup();
    parsed
}

/// Filters by characteristics, as lists and searches take them.
pub(crate) async fn value_filters(
    connection: &mut AsyncPgConnection,
    texts: &[String],
) -> Result<ValueFilters> {
    if texts.is_empty() {
        return Ok(ValueFilters::default());
    }
    let definitions = Definitions::load(connection).await?;
    let mut fields = Fields::new();
    let filters = ValueFilters::parse(&mut fields, "characteristics", texts, &definitions);
    fields.finish()?;
    Ok(filters)
}
