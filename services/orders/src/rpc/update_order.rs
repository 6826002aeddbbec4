//! Changes an order that has not left: everything that was asked for, or nothing.

mod wanted;

use std::collections::HashMap;

use proto::orders::v1 as pb;
use rpc::Call;
use saga::NewSaga;
use store::Tx;
use types::Sku;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::edit::{Edit, EditRefusal};
use crate::model::missing_item::MissingItem;
use crate::model::order::Order;
use crate::model::order_line::OrderLine;
use crate::model::placement::{Held, Priced, Unmatched};
use crate::rpc::keyed::{self, Begun};
use crate::rpc::update_order::wanted::Wanted;
use crate::rpc::{load, visible};
use crate::sagas::edit_input::EditInput;
use crate::sagas::edit_money::MoneyThen;
use crate::sagas::edit_order::{self, EditOrder, METHOD};
use crate::sagas::keyed::Key;
use crate::upstreams::Shop;
use crate::{Orders, wire};

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::UpdateOrderRequest,
) -> Result<pb::Order> {
    let wanted = Wanted::parse(call, &request)?;

    let order = load(orders, call, wanted.order_id).await?;
    let shop = orders.ask.access.shop(call, order.shop_id).await?;
    if wanted.dry_run {
        wanted.check(&order)?;
        let edit = price(orders, call, &wanted, &order).await?;
        return preview(orders, call, &order, &edit, &shop).await;
    }
    let key = Key { scope: order.shop_id.to_string(), key: wanted.key.clone() };
    let edit = match keyed::is_known(orders, key.once(METHOD)).await? {
        true => Edit::default(),
        false => {
            wanted.check(&order)?;
            price(orders, call, &wanted, &order).await?
        }
    };
    let accept_shortage = shop.accepts_shortage
        || orders.ask.access.source(call, order.source_id).await.is_ok_and(|source| source.always_accepts);

    let begun = orders.store.transaction(call, async |tx: &mut Tx| -> Result<Begun<EditInput>> {
        let order = visible(call, Order::lock(tx, wanted.order_id).await?)?;
        let running = order.progress.editing;
        if let Some(begun) = keyed::claim(tx, key.once(METHOD), &request, running).await? {
            return Ok(begun);
        }
        if edit == Edit::default() {
            // The key was there a moment ago, and is not any more: the next call does it.
            return Err(store::Error::KeyInUse.into());
        }

        wanted.check(&order)?;
        order.edited(&edit)?;

        record(tx, order, &edit, &shop, accept_shortage, key.clone()).await
    });
    keyed::conclude(&orders.edits, call, begun.await?, orders.patience(call)).await
}

/// The edit, its new lines priced.
async fn price(orders: &Orders, call: &Call, wanted: &Wanted, order: &Order) -> Result<Edit> {
    wanted.check_money(order.currency)?;
    let new = wanted.new_lines(order.currency);
    let priced = match new.is_empty() {
        true => Vec::new(),
        false => {
            let quotes = orders.ask.catalog.quote_lines(call, order, &new).await.map_err(Error::Answered)?;
            let unmatched = if wanted.may_price { Unmatched::Accepted } else { Unmatched::Refused };
            let alone = Order { lines: new, ..order.clone() };
            Priced::of(&alone, quotes, unmatched).map_err(|refusal| Error::Answered(refusal.into()))?.lines
        }
    };
    wanted.edit(order, priced)
}

/// Marks the order, so that nothing else changes it meanwhile, and records the saga.
async fn record(
    tx: &mut Tx,
    mut order: Order,
    edit: &Edit,
    shop: &Shop,
    accept_shortage: bool,
    key: Key,
) -> Result<Begun<EditInput>> {
    let saga_id = Uuid::now_v7();
    let ordinal = order.next_ordinal();
    let input = EditInput {
        saga_id: saga_id.to_string(),
        order_id: order.order_id.to_string(),
        ordinal,
        key: Some(key),
        reservation_id: order.reservation_id.map(|id| id.to_string()).unwrap_or_default(),
        warehouse_ids: shop.warehouse_ids.iter().map(ToString::to_string).collect(),
        accept_shortage,
        one_warehouse: !shop.split_allowed,
        money: Some(MoneyThen::of(&order)),
    };
    order.progress.editing = Some(saga_id);
    order.save(tx).await?;
    edit.insert(tx, saga_id, order.order_id, ordinal).await?;
    let saga = NewSaga::of::<EditOrder>(saga_id, &input, tx.call());
    saga::record(tx, &[saga]).await?;
    Ok(Begun::Now(saga_id, input))
}

/// The order as it would become; nothing is written and nothing is held.
async fn preview(orders: &Orders, call: &Call, order: &Order, edit: &Edit, shop: &Shop) -> Result<pb::Order> {
    let mut after = order.edited(edit)?;
    let ordinal = after.next_ordinal();
    let replan = order.needs_plan(&after);
    if let Some(load) = edit_order::load(&after, ordinal).filter(|_| replan) {
        let planned = orders.ask.delivery.quote(call, order, &load).await.map_err(Error::Answered)?;
        drop(load);
        after.replan(ordinal, planned.ok_or(EditRefusal::DeliveryUnavailable)?).map_err(Error::from_sum)?;
        after.delivery_plan_id = None;
    }
    let changes = after.payment_changes();
    after.apply_payments(ordinal, &changes);
    let held = would_hold(orders, call, order, &after, shop).await?;
    after.hold(held);
    Ok(wire::order(&after))
}

/// What could be held: what is held, and what is free.
async fn would_hold(
    orders: &Orders,
    call: &Call,
    before: &Order,
    after: &Order,
    shop: &Shop,
) -> Result<Held> {
    let mut wanted: HashMap<Sku, i64> = HashMap::new();
    for line in after.lines.iter().filter(|line| line.is_stocked()) {
        add(&mut wanted, line, line.outstanding());
    }
    let mut ours: HashMap<Sku, i64> = HashMap::new();
    for line in &before.lines {
        add(&mut ours, line, line.reserved);
    }
    let mut skus: Vec<Sku> = wanted.keys().cloned().collect();
    skus.sort();
    let warehouse_ids: Vec<String> = shop.warehouse_ids.iter().map(ToString::to_string).collect();
    let free = orders.ask.inventory.look_up(call, &skus, &warehouse_ids).await.map_err(Error::Answered)?;
    let mut held = Held::default();
    for sku in skus {
        let wanted = wanted.get(&sku).copied().unwrap_or_default();
        let there = ours.get(&sku).copied().unwrap_or_default()
            + free.get(sku.as_str()).copied().unwrap_or_default().max(0);
        if there < wanted {
            held.shortages.push(MissingItem { sku: sku.to_string(), wanted, available: there });
        }
        held.units.insert(sku.to_string(), there.min(wanted));
    }
    Ok(held)
}

fn add(units: &mut HashMap<Sku, i64>, line: &OrderLine, quantity: i32) {
    for (sku, quantity) in line.stock(quantity) {
        *units.entry(sku.clone()).or_default() += quantity;
    }
}
