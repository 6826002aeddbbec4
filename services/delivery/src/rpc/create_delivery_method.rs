//! Adds a way to deliver.

use proto::delivery::v1 as pb;
use rpc::{Call, Fields, Shops};
use store::{Audit, Once, Store, Tx};
use types::{DeliveryMethodId, ShopId};

use super::{schedule_fields, tariff_fields};
use crate::error::{Error, Result};
use crate::model::delivery_method::{DeliveryMethod, Kind};
use crate::model::{carrier_account_rows, delivery_method_rows};
use crate::{Delivery, wire};

const METHOD: &str = "delivery.create_delivery_method";

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::CreateDeliveryMethodRequest,
) -> Result<pb::DeliveryMethod> {
    let (method, key) = parse(&request)?;

    may_change(call, method.shop_id)?;

    let scope = method.shop_id.map_or_else(|| "org".to_owned(), String::from);
    let once = Once { scope: &scope, method: METHOD, key: &key };
    let store = &delivery.store;
    let created = store.once(call, once, &request, async |tx: &mut Tx| {
        serves(store, tx, &method).await?;
        delivery_method_rows::insert(tx, &method).await?;
        tx.audit(audit(&method)?);
        Ok(wire::delivery_method(&method))
    });
    created.await
}

/// Whether the caller may change what `shop` offers; `None` is every shop.
pub fn may_change(call: &Call, shop: Option<ShopId>) -> Result<()> {
    match (shop, &call.caller.shops) {
        (None, Shops::Only(_)) => Err(Error::OrganizationWide),
        (Some(shop), shops) if !shops.allow(shop) => Err(Error::ShopNotFound),
        (None, Shops::All) | (Some(_), _) => Ok(()),
    }
}

/// Whether the account of a method is there for its shop.
pub async fn serves(store: &Store, tx: &mut Tx, method: &DeliveryMethod) -> Result<()> {
    let Some(id) = method.account_id else { return Ok(()) };
    let account = carrier_account_rows::find(store, tx.conn(), id).await?;
    let account = account.filter(|account| account.serves(method.shop_id));
    account.map(drop).ok_or(Error::CarrierAccountNotFound)
}

fn parse(request: &pb::CreateDeliveryMethodRequest) -> Result<(DeliveryMethod, String)> {
    let mut fields = Fields::new();
    let key = fields.idempotency_key(&request.idempotency_key);
    let wanted = fields.present("delivery_method", request.delivery_method.as_ref());
    let method = wanted.and_then(|wanted| {
        let shop_id = fields.parse_optional("delivery_method.shop_id", &wanted.shop_id);
        let kind = kind(&mut fields, wanted.kind);
        let name = tariff_fields::name(&mut fields, &wanted.name);
        let tariffs = tariff_fields::tariffs(&mut fields, &wanted.tariffs);
        let kind = kind?;
        let (account_id, service) =
            tariff_fields::carrier(&mut fields, kind, &wanted.carrier_account_id, &wanted.carrier_service);
        Some(DeliveryMethod {
            id: DeliveryMethodId::new(),
            shop_id,
            kind,
            account_id,
            service,
            name,
            tariffs,
            cash_on_delivery: wanted.cash_on_delivery,
            archived: wanted.archived,
            sort_order: wanted.sort_order,
            schedule: schedule_fields::schedule(&mut fields, kind, wanted.schedule.as_ref()),
            asks_for_code: schedule_fields::asks_for_code(&mut fields, kind, wanted.asks_for_code),
            size_max: schedule_fields::size_max(&mut fields, wanted.size_max.as_ref()),
            version: 1,
        })
    });
    Ok((fields.finish_with(method)?, key))
}

fn kind(fields: &mut Fields, kind: i32) -> Option<Kind> {
    match pb::DeliveryKind::try_from(kind) {
        Ok(pb::DeliveryKind::Courier) => Some(Kind::Courier),
        Ok(pb::DeliveryKind::Pickup) => Some(Kind::Pickup),
        Ok(pb::DeliveryKind::Parcel) => Some(Kind::Parcel),
        Ok(pb::DeliveryKind::Unspecified) => {
            fields.refuse("delivery_method.kind", "REQUIRED", "is required");
            None
        }
        Err(_) => {
            fields.refuse("delivery_method.kind", "UNKNOWN_VALUE", "is not a kind of delivery");
            None
        }
    }
}

fn audit(method: &DeliveryMethod) -> Result<Audit> {
    let audit = Audit::new(METHOD, method.id)
        .set("kind", method.kind.as_str())
        .set("carrier_account_id", method.account_id.map(|account| account.to_string()))
        .set("carrier_service", &method.service)
        .set("name", &method.name)
        .set("tariffs", delivery_method_rows::stored(&method.tariffs)?)
        .set("cash_on_delivery", method.cash_on_delivery)
        .set("archived", method.archived)
        .set("sort_order", method.sort_order)
        .set("schedule", delivery_method_rows::stored_schedule(method)?)
        .set("asks_for_code", method.asks_for_code)
        .set("size_max", delivery_method_rows::stored_size(method)?);
    Ok(match method.shop_id {
        Some(shop) => audit.shop(shop.uuid()),
        None => audit,
    })
}
