//! Lists what fits a cart, with prices, in a fixed order.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use types::{Money, ShopId};

use super::address_fields;
use super::list_delivery_methods::visible_shops;
use crate::error::Result;
use crate::model::address::Address;
use crate::model::delivery_method_rows::DeliveryMethodRow;
use crate::model::tariff::Cart;
use crate::schema::delivery_methods as rows;
use crate::{Delivery, wire};

/// Most methods of an installation that a quote looks at.
const METHODS_MAX: i64 = 1000;

struct Wanted {
    shop_id: Option<ShopId>,
    address: Option<Address>,
    goods_total: Money,
    weight_grams: i32,
    cash_on_delivery: bool,
}

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::QuoteDeliveryRequest,
) -> Result<pb::QuoteDeliveryResponse> {
    let wanted = parse(&request)?;

    let mut query =
        rows::table.filter(rows::archived.eq(false)).select(DeliveryMethodRow::as_select()).into_boxed();
    if let Some(shops) = visible_shops(call, wanted.shop_id) {
        query = query.filter(rows::shop_id.is_null().or(rows::shop_id.eq_any(shops.into_iter().map(Some))));
    }
    let mut connection = delivery.store.connection().await?;
    let in_order = query.order((rows::sort_order, rows::delivery_method_id)).limit(METHODS_MAX);
    let found: Vec<DeliveryMethodRow> = in_order.load(&mut connection).await?;
    let methods = found.into_iter().map(DeliveryMethodRow::read).collect::<Result<Vec<_>>>()?;

    let cart = Cart {
        address: wanted.address.as_ref(),
        goods_total: wanted.goods_total,
        weight_grams: wanted.weight_grams,
        cash_on_delivery: wanted.cash_on_delivery,
    };
    let fitting =
        methods.iter().filter_map(|method| Some(wire::delivery_option(method, method.quote(&cart)?)));
    Ok(pb::QuoteDeliveryResponse { options: fitting.collect() })
}

fn parse(request: &pb::QuoteDeliveryRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let shop_id = fields.parse_optional("shop_id", &request.shop_id);
    let address = address_fields::address(&mut fields, request.address.as_ref());
    let goods_total = address_fields::sum(&mut fields, "goods_total", request.goods_total.as_ref());
    let weight_grams = address_fields::not_negative(&mut fields, "weight_grams", request.weight_grams);
    let goods_total = fields.finish_with(goods_total)?;
    Ok(Wanted { shop_id, address, goods_total, weight_grams, cash_on_delivery: request.cash_on_delivery })
}
