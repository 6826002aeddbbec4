//! Reads what a promo code is made of.

use chrono::{DateTime, Utc};
use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use types::{Money, ShopId};

use crate::error::{Error, Result};
use crate::model::discount::Reduction;
use crate::model::promo_code::PromoCode;

const TITLE_LENGTH_MAX: usize = 100;
const SHOPS_MAX: usize = 100;

/// What of a code may be changed later.
pub(super) struct Values {
    pub(super) title: String,
    pub(super) goods_total_min: Option<Money>,
    pub(super) start_time: Option<DateTime<Utc>>,
    pub(super) end_time: Option<DateTime<Utc>>,
    pub(super) uses_max: Option<i32>,
    pub(super) uses_per_customer_max: Option<i32>,
    pub(super) shop_ids: Vec<ShopId>,
    pub(super) archived: bool,
}

impl Values {
    /// Those of `given`, with a title that was read apart.
    pub(super) fn read(fields: &mut Fields, title: String, given: &pb::PromoCode) -> Self {
        let per_customer = given.uses_per_customer_max;
        Self {
            title,
            goods_total_min: minimum(fields, given),
            start_time: fields.time_optional("promo_code.start_time", given.start_time),
            end_time: fields.time_optional("promo_code.end_time", given.end_time),
            uses_max: uses(fields, "promo_code.uses_max", given.uses_max),
            uses_per_customer_max: uses(fields, "promo_code.uses_per_customer_max", per_customer),
            shop_ids: shop_ids(fields, &given.shop_ids),
            archived: given.archived,
        }
    }
}

/// What lines show as the reason.
pub(super) fn title(fields: &mut Fields, text: &str) -> String {
    fields.required_text("promo_code.title", text.trim(), TITLE_LENGTH_MAX)
}

/// What it takes off.
pub(super) fn reduction(fields: &mut Fields, value: Option<&pb::promo_code::Value>) -> Option<Reduction> {
    match value {
        Some(pb::promo_code::Value::Percent(text)) => {
            fields.parse("promo_code.percent", text).map(Reduction::Percent)
        }
        Some(pb::promo_code::Value::Amount(given)) => {
            let amount = fields.money("promo_code.amount", Some(given));
            let positive = amount.is_none_or(|amount| amount.minor() > 0);
            fields.check(positive, "promo_code.amount", "OUT_OF_RANGE", "must be more than nothing");
            amount.map(Reduction::Amount)
        }
        None => {
            fields.refuse("promo_code", "REQUIRED", "percent or amount");
            None
        }
    }
}

/// Goods of at least this.
fn minimum(fields: &mut Fields, code: &pb::PromoCode) -> Option<Money> {
    let field = "promo_code.goods_total_min_amount";
    let minimum = fields.money_optional(field, code.goods_total_min_amount.as_ref());
    let fits = minimum.is_none_or(|minimum| !minimum.is_negative());
    fields.check(fits, field, "OUT_OF_RANGE", "must not be negative");
    minimum
}

/// A number of uses; 0 for any.
fn uses(fields: &mut Fields, field: &str, number: i32) -> Option<i32> {
    fields.check(number >= 0, field, "OUT_OF_RANGE", "must not be negative; 0 for any number");
    Some(number).filter(|number| *number > 0)
}

/// The shops that take it; none for all.
fn shop_ids(fields: &mut Fields, texts: &[String]) -> Vec<ShopId> {
    fields.check(texts.len() <= SHOPS_MAX, "promo_code.shop_ids", "TOO_MANY", "at most 100 entries");
    let mut shops = Vec::new();
    for (at, text) in texts.iter().enumerate().take(SHOPS_MAX) {
        let field = format!("promo_code.shop_ids[{at}]");
        match fields.parse(&field, text) {
            Some(shop) if shops.contains(&shop) => fields.refuse(field, "DUPLICATE", "is named twice"),
            Some(shop) => shops.push(shop),
            None => {}
        }
    }
    shops
}

/// A window that is over before it begins is a mistake.
pub(super) fn check_window(code: &PromoCode) -> Result<()> {
    match (code.start_time, code.end_time) {
        (Some(start), Some(end)) if end <= start => {
            let why = "must be after start_time";
            Err(rpc::Invalid::field("promo_code.end_time", "OUT_OF_RANGE", why).into())
        }
        _ => Ok(()),
    }
}

/// Whether the caller sees the code: it is every shop's, or one of his.
pub(super) fn is_visible(call: &Call, code: &PromoCode) -> bool {
    code.shop_ids.is_empty() || code.shop_ids.iter().any(|shop| call.caller.shops.allow(*shop))
}

/// Only who may see every shop of a code changes it; what is every shop's takes a caller of every shop.
pub(super) fn may_change(call: &Call, shop_ids: &[ShopId]) -> Result<()> {
    let all = call.caller.shops.filter().is_none();
    let his = !shop_ids.is_empty() && shop_ids.iter().all(|shop| call.caller.shops.allow(*shop));
    if all || his { Ok(()) } else { Err(Error::ShopNotFound) }
}
