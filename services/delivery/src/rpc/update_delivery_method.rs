//! Changes a way to deliver.

use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Store, Tx};
use types::DeliveryMethodId;

use super::create_delivery_method::{may_change, serves};
use super::{schedule_fields, tariff_fields};
use crate::error::{Error, Result};
use crate::model::delivery_method::DeliveryMethod;
use crate::model::delivery_method_rows;
use crate::model::piece_size::PieceSize;
use crate::model::tariff::Tariff;
use crate::{Delivery, wire};

/// One changed field.
enum Change {
    Name(String),
    Tariffs(Vec<Tariff>),
    CashOnDelivery(bool),
    Archived(bool),
    SortOrder(i32),
    Carrier(String),
    Service(String),
    Schedule(Option<pb::DeliverySchedule>),
    AsksForCode(bool),
    SizeMax(Option<PieceSize>),
}

struct Changes {
    id: DeliveryMethodId,
    etag: String,
    changes: Vec<Change>,
}

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::UpdateDeliveryMethodRequest,
) -> Result<pb::DeliveryMethod> {
    let wanted = parse(&request)?;
    let store = &delivery.store;
    store.transaction(call, async |tx: &mut Tx| update(store, tx, wanted).await).await
}

fn parse(request: &pb::UpdateDeliveryMethodRequest) -> Result<Changes> {
    let mut fields = Fields::new();
    let mask = request.update_mask.as_ref().map(|mask| mask.paths.as_slice()).unwrap_or_default();
    fields.check(!mask.is_empty(), "update_mask", "REQUIRED", "name at least one field to change");
    let wanted = fields.present("delivery_method", request.delivery_method.as_ref());
    let changes = wanted.and_then(|wanted| {
        let id = fields.parse("delivery_method.delivery_method_id", &wanted.delivery_method_id);
        let changes = mask.iter().filter_map(|path| change(&mut fields, path, wanted)).collect();
        Some(Changes { id: id?, etag: wanted.etag.clone(), changes })
    });
    Ok(fields.finish_with(changes)?)
}

fn change(fields: &mut Fields, path: &str, wanted: &pb::DeliveryMethod) -> Option<Change> {
    match path {
        "name" => Some(Change::Name(tariff_fields::name(fields, &wanted.name))),
        "tariffs" => Some(Change::Tariffs(tariff_fields::tariffs(fields, &wanted.tariffs))),
        "cash_on_delivery" => Some(Change::CashOnDelivery(wanted.cash_on_delivery)),
        "archived" => Some(Change::Archived(wanted.archived)),
        "sort_order" => Some(Change::SortOrder(wanted.sort_order)),
        "carrier_account_id" => Some(Change::Carrier(wanted.carrier_account_id.clone())),
        "carrier_service" => Some(Change::Service(wanted.carrier_service.clone())),
        "schedule" => Some(Change::Schedule(wanted.schedule.clone())),
        "asks_for_code" => Some(Change::AsksForCode(wanted.asks_for_code)),
        "size_max" => Some(Change::SizeMax(schedule_fields::size_max(fields, wanted.size_max.as_ref()))),
        _ => {
            let can = "one of name, tariffs, cash_on_delivery, archived, sort_order, carrier_account_id, \
                       carrier_service, schedule, asks_for_code, size_max";
            fields.refuse("update_mask", "UNKNOWN_PATH", can);
            None
        }
    }
}

async fn update(store: &Store, tx: &mut Tx, wanted: Changes) -> Result<pb::DeliveryMethod> {
    let locked = delivery_method_rows::lock(tx, wanted.id).await?;
    let shops = &tx.call().caller.shops;
    let visible = locked.filter(|method| method.shop_id.is_none_or(|shop| shops.allow(shop)));
    let before = visible.ok_or(Error::DeliveryMethodNotFound)?;
    may_change(tx.call(), before.shop_id)?;
    if !wanted.etag.is_empty() && wanted.etag != before.version.to_string() {
        return Err(Error::EtagMismatch { current: before.version });
    }

    let mut method = before.clone();
    let mut carrier = (before.account_id.map(String::from).unwrap_or_default(), before.service.clone());
    let mut fields = Fields::new();
    wanted.changes.into_iter().for_each(|change| method.apply(&mut fields, change, &mut carrier));
    (method.account_id, method.service) =
        tariff_fields::carrier(&mut fields, method.kind, &carrier.0, &carrier.1);
    fields.finish()?;
    if method.account_id != before.account_id {
        serves(store, tx, &method).await?;
    }
    if method == before {
        return Ok(wire::delivery_method(&before));
    }
    method.version += 1;

    delivery_method_rows::update(tx, &method).await?;

    tx.audit(audit(&before, &method)?);
    Ok(wire::delivery_method(&method))
}

impl DeliveryMethod {
    fn apply(&mut self, fields: &mut Fields, change: Change, carrier: &mut (String, String)) {
        match change {
            Change::Schedule(schedule) => {
                self.schedule = schedule_fields::schedule(fields, self.kind, schedule.as_ref());
            }
            Change::AsksForCode(asks) => {
                self.asks_for_code = schedule_fields::asks_for_code(fields, self.kind, asks);
            }
            Change::SizeMax(size) => self.size_max = size,
            Change::Carrier(account) => carrier.0 = account,
            Change::Service(service) => carrier.1 = service,
            Change::Name(name) => self.name = name,
            Change::Tariffs(tariffs) => self.tariffs = tariffs,
            Change::CashOnDelivery(taken) => self.cash_on_delivery = taken,
            Change::Archived(archived) => self.archived = archived,
            Change::SortOrder(sort_order) => self.sort_order = sort_order,
        }
    }
}

fn audit(before: &DeliveryMethod, method: &DeliveryMethod) -> Result<Audit> {
    let tariffs = |method: &DeliveryMethod| delivery_method_rows::stored(&method.tariffs);
    let schedule = |method: &DeliveryMethod| delivery_method_rows::stored_schedule(method);
    let size = |method: &DeliveryMethod| delivery_method_rows::stored_size(method);
    let account = |method: &DeliveryMethod| method.account_id.map(|account| account.to_string());
    let audit = Audit::new("delivery.update_delivery_method", method.id)
        .change("name", &before.name, &method.name)
        .change("carrier_account_id", account(before), account(method))
        .change("carrier_service", &before.service, &method.service)
        .change("tariffs", tariffs(before)?, tariffs(method)?)
        .change("cash_on_delivery", before.cash_on_delivery, method.cash_on_delivery)
        .change("archived", before.archived, method.archived)
        .change("sort_order", before.sort_order, method.sort_order)
        .change("schedule", schedule(before)?, schedule(method)?)
        .change("asks_for_code", before.asks_for_code, method.asks_for_code)
        .change("size_max", size(before)?, size(method)?);
    Ok(match method.shop_id {
        Some(shop) => audit.shop(shop.uuid()),
        None => audit,
    })
}
