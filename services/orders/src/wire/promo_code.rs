//! Promo codes as the contract shows them.

use proto::orders::v1 as pb;
use rpc::wire::{money, time};

use crate::model::discount::Reduction;
use crate::model::promo_code::PromoCode;

/// A promo code.
pub fn promo_code(code: &PromoCode) -> pb::PromoCode {
    pb::PromoCode {
        promo_code_id: code.promo_code_id.to_string(),
        code: code.code.clone(),
        title: code.title.clone(),
        value: Some(match code.reduction {
            Reduction::Percent(percent) => pb::promo_code::Value::Percent(percent.to_string()),
            Reduction::Amount(amount) => pb::promo_code::Value::Amount(money(amount)),
        }),
        goods_total_min_amount: code.goods_total_min.map(money),
        start_time: code.start_time.map(time),
        end_time: code.end_time.map(time),
        uses_max: code.uses_max.unwrap_or_default(),
        uses_per_customer_max: code.uses_per_customer_max.unwrap_or_default(),
        shop_ids: code.shop_ids.iter().map(ToString::to_string).collect(),
        archived: code.archived,
        use_count: code.use_count,
        etag: code.version.to_string(),
        create_time: Some(time(code.create_time)),
        update_time: Some(time(code.update_time)),
    }
}
