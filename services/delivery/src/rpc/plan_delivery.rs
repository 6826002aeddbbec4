//! Stores how an order is delivered and fixes the price; concurrent orders are committed together.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use proto::delivery::v1 as pb;
use rpc::{Call, Caller, Fields};
use serde_json::Value;
use store::{Audit, Begun, Store, Tx, cached_sql};
use types::{DeliveryMethodId, DeliveryPlanId, Money};
use uuid::Uuid;

use super::{address_fields, schedule_fields};
use crate::error::{Error, Result};
use crate::model::address::Recipient;
use crate::model::consignment::Item;
use crate::model::delivery_method::DeliveryMethod;
use crate::model::delivery_method_rows;
use crate::model::delivery_plan::{DeliveryPlan, Wish};
use crate::model::delivery_plan_rows::{self, Stored};
use crate::model::plan_slot_rows;
use crate::model::schedule::Slot;
use crate::model::slot_rows::{self, Place, Wanted};
use crate::{Delivery, quotes, wire};

/// How long a batch may take.
const BATCH_PATIENCE: Duration = Duration::from_secs(10);
/// The scope of callers that sell at their own prices.
const FIXED_PRICE_SCOPE: &str = "orders.price";
const NAME_LENGTH_MAX: usize = 200;
const PHONE_LENGTH_MAX: usize = 50;
const ORDER_NUMBER_LENGTH_MAX: usize = 64;
/// Most lines of a parcel: those of an order.
const ITEMS_MAX: usize = 1000;
const SKU_LENGTH_MAX: usize = 100;
const ITEM_NAME_LENGTH_MAX: usize = 500;

/// One request of a batch.
#[derive(Debug, Clone)]
pub struct Planning {
    call: Call,
    wish: Wish,
}

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::PlanDeliveryRequest,
) -> Result<pb::DeliveryPlan> {
    let wish = parse(&request)?;
    if wish.fixed_price.is_some() && !call.caller.may(FIXED_PRICE_SCOPE) {
        return Err(Error::FixedPriceNotAllowed);
    }

    let plan = delivery.plannings.submit(Planning { call: call.clone(), wish }).await?;
    Ok(wire::delivery_plan(&plan))
}

fn parse(request: &pb::PlanDeliveryRequest) -> Result<Wish> {
    let mut fields = Fields::new();
    let plan_id = fields.parse("delivery_plan_id", &request.delivery_plan_id);
    let order_id = fields.parse("order_id", &request.order_id);
    let shop_id = fields.parse("shop_id", &request.shop_id);
    let method_id = fields.parse("delivery_method_id", &request.delivery_method_id);
    let address = address_fields::address(&mut fields, request.address.as_ref());
    let name = fields.text("recipient_name", &request.recipient_name, NAME_LENGTH_MAX);
    let phone = fields.text("recipient_phone", &request.recipient_phone, PHONE_LENGTH_MAX);
    let weight_grams = address_fields::not_negative(&mut fields, "weight_grams", request.weight_grams);
    let goods_total = address_fields::sum(&mut fields, "goods_total", request.goods_total.as_ref());
    let fixed_price = request.fixed_price.as_ref();
    let fixed_price =
        fixed_price.and_then(|price| address_fields::sum(&mut fields, "fixed_price", Some(price)));
    let one_currency =
        fixed_price.zip(goods_total).is_none_or(|(price, total)| price.currency() == total.currency());
    let problem = "must be the currency of the goods";
    fields.check(one_currency, "fixed_price.currency_code", "CURRENCY_MISMATCH", problem);
    let items = items(&mut fields, &request.items, goods_total);
    let cash_amount = request.cash_on_delivery_amount.as_ref();
    let cash_amount =
        cash_amount.and_then(|cash| address_fields::sum(&mut fields, "cash_on_delivery_amount", Some(cash)));
    let one_currency =
        cash_amount.zip(goods_total).is_none_or(|(cash, total)| cash.currency() == total.currency());
    fields.check(one_currency, "cash_on_delivery_amount.currency_code", "CURRENCY_MISMATCH", problem);
    let slot_start = fields.time_optional("slot_start_time", request.slot_start_time);
    let order_number = fields.text("order_number", &request.order_number, ORDER_NUMBER_LENGTH_MAX);
    let wish = (|| {
        Some(Wish {
            plan_id: plan_id?,
            order_id: order_id?,
            shop_id: shop_id?,
            method_id: method_id?,
            address,
            recipient: Recipient { name, phone },
            weight_grams,
            goods_total: goods_total?,
            cash_on_delivery: request.cash_on_delivery,
            fixed_price,
            items: items?,
            cash_amount,
            order_number,
            slot_start,
        })
    })();
    Ok(fields.finish_with(wish)?)
}

/// The goods, all in the currency of their total.
fn items(fields: &mut Fields, items: &[pb::PlannedItem], total: Option<Money>) -> Option<Vec<Item>> {
    if items.len() > ITEMS_MAX {
        fields.refuse("items", "TOO_MANY", format!("at most {ITEMS_MAX} entries"));
        return None;
    }
    items.iter().enumerate().map(|(at, one)| item(fields, at, one, total)).collect()
}

fn item(fields: &mut Fields, at: usize, item: &pb::PlannedItem, total: Option<Money>) -> Option<Item> {
    let path = |field: &str| format!("items[{at}].{field}");
    let sku = fields.text(&path("sku"), &item.sku, SKU_LENGTH_MAX);
    let name = fields.required_text(&path("name"), &item.name, ITEM_NAME_LENGTH_MAX);
    fields.check(item.quantity > 0, &path("quantity"), "OUT_OF_RANGE", "must be at least 1");
    let unit_price = address_fields::sum(fields, &path("unit_price"), item.unit_price.as_ref());
    let one_currency =
        unit_price.zip(total).is_none_or(|(price, total)| price.currency() == total.currency());
    let problem = "must be the currency of the goods";
    fields.check(one_currency, &path("unit_price.currency_code"), "CURRENCY_MISMATCH", problem);
    let weight_grams = address_fields::not_negative(fields, &path("weight_grams"), item.weight_grams);
    let piece_size = item.piece_size.as_ref();
    let piece_size =
        piece_size.and_then(|size| schedule_fields::piece_size(fields, &path("piece_size"), size));
    Some(Item { sku, name, quantity: item.quantity, unit_price: unit_price?, weight_grams, piece_size })
}

/// Answers a batch in the transaction that has begun; when that fails as a whole, each request alone, so that none spoils
/// the others.
pub async fn run(
    store: Store,
    begun: store::Result<Begun>,
    batch: Vec<Planning>,
) -> Vec<Result<DeliveryPlan>> {
    match plan_together(&store, begun, &batch).await {
        Ok(answers) => answers,
        Err(error) if batch.len() == 1 => vec![Err(error)],
        Err(Error::Store(error @ (store::Error::Unreachable(_) | store::Error::PoolExhausted))) => {
            let unavailable = || store::Error::Unreachable(error.to_string().into());
            batch.iter().map(|_| Err(unavailable().into())).collect()
        }
        Err(error) => {
            tracing::warn!(%error, size = batch.len(), "a batch of plans failed; each is made alone");
            let mut answers = Vec::with_capacity(batch.len());
            for planning in batch {
                let begun = store.begin_ahead().await;
                let alone = plan_together(&store, begun, &[planning]).await;
                answers.push(
                    alone.and_then(|mut answers| answers.pop().unwrap_or(Err(Error::DeliveryPlanNotFound))),
                );
            }
            answers
        }
    }
}

async fn plan_together(
    store: &Store,
    begun: store::Result<Begun>,
    batch: &[Planning],
) -> Result<Vec<Result<DeliveryPlan>>> {
    let call = Call::begin(Caller::service("delivery"), BATCH_PATIENCE);
    store
        .transaction_in(begun?, &call, async |tx: &mut Tx| {
            let methods = methods(tx, batch).await?;
            let mut refused = HashMap::new();
            let told = told(tx, batch, &methods).await?;
            let (new, slots) = price(batch, &methods, told, tx.now(), &mut refused);

            let mut inserted = insert(tx, &new).await?;
            if !slots.is_empty() {
                take_slots(tx, &new, slots, &mut inserted, &mut refused).await?;
            }
            // Those that were there before, or that another process has just made or cancelled.
            let known =
                batch.iter().map(|planning| planning.wish.plan_id).filter(|id| !inserted.contains(id));
            let known: Vec<_> = known.collect();
            let mut found = delivery_plan_rows::find_all(tx.conn(), &known).await?;

            for (_, planning, plan) in
                new.into_iter().filter(|(_, _, plan)| inserted.contains(&plan.wish.plan_id))
            {
                tell(tx, &planning.call, &plan);
                found.insert(plan.wish.plan_id, Stored::Plan(Box::new(plan)));
            }
            let answers = batch.iter().enumerate();
            Ok(answers.map(|(at, planning)| answer(planning, &found, refused.remove(&at))).collect())
        })
        .await
}

/// A plan that is to be stored, with its place in the batch.
type New<'a> = (usize, &'a Planning, DeliveryPlan);

/// What buyers were told by carriers outside, by place in the batch: no carrier is asked here, and nothing is looked for when
/// all deliver themselves.
async fn told(
    tx: &mut Tx,
    batch: &[Planning],
    methods: &HashMap<DeliveryMethodId, DeliveryMethod>,
) -> Result<HashMap<usize, Money>> {
    let mut outside = Vec::new();
    let mut carts = Vec::new();
    for (at, planning) in batch.iter().enumerate() {
        let Some(method) = methods.get(&planning.wish.method_id) else { continue };
        let Some(account) = method.account_id else { continue };
        outside.push(at);
        carts.push((account, method.service.as_str(), planning.wish.cart()));
    }
    if carts.is_empty() {
        return Ok(HashMap::new());
    }
    let told = quotes::told(tx, &carts).await?;
    Ok(outside.into_iter().zip(told).filter_map(|(at, told)| Some((at, told?))).collect())
}

/// Plans as they would be today, and the slots that are to be taken; the first wish of an id counts. What cannot be priced is
/// refused, unless its plan is known from before.
fn price<'a>(
    batch: &'a [Planning],
    methods: &HashMap<DeliveryMethodId, DeliveryMethod>,
    told: HashMap<usize, Money>,
    now: DateTime<Utc>,
    refused: &mut HashMap<usize, Error>,
) -> (Vec<New<'a>>, HashMap<DeliveryPlanId, Slot>) {
    let mut seen = HashSet::new();
    let mut new = Vec::new();
    let mut slots = HashMap::new();
    for (at, planning) in batch.iter().enumerate() {
        let wish = &planning.wish;
        if seen.contains(&wish.plan_id) {
            continue;
        }
        let method = methods.get(&wish.method_id);
        match DeliveryPlan::price(wish.clone(), method, told.get(&at).copied(), now) {
            Ok((plan, slot)) => {
                seen.insert(wish.plan_id);
                slots.extend(slot.map(|slot| (wish.plan_id, slot)));
                new.push((at, planning, plan));
            }
            Err(refusal) => {
                refused.insert(at, refusal);
            }
        }
    }
    (new, slots)
}

/// Takes the slots of plans that were inserted; those for which there is no room are taken out again and refused.
async fn take_slots(
    tx: &mut Tx,
    new: &[New<'_>],
    slots: HashMap<DeliveryPlanId, Slot>,
    inserted: &mut HashSet<DeliveryPlanId>,
    refused: &mut HashMap<usize, Error>,
) -> Result<()> {
    let place = |plan: &DeliveryPlan| {
        let slot = slots.get(&plan.wish.plan_id).filter(|_| inserted.contains(&plan.wish.plan_id))?;
        Some((Place { method_id: plan.wish.method_id, start: slot.time.start }, slot.capacity))
    };
    let wanting: Vec<(&New<'_>, Place, i32)> =
        new.iter().filter_map(|new| place(&new.2).map(|(place, capacity)| (new, place, capacity))).collect();
    let mut wanted: BTreeMap<Place, Wanted> = BTreeMap::new();
    for (_, place, capacity) in &wanting {
        wanted.entry(*place).or_insert(Wanted { rooms: 0, capacity: *capacity }).rooms += 1;
    }

    let mut granted = slot_rows::take(tx, &wanted).await?;

    let mut without = Vec::new();
    for ((at, _, plan), place, _) in wanting {
        let left = granted.entry(place).or_default();
        if *left > 0 {
            *left -= 1;
            plan_slot_rows::save(tx, plan).await?;
        } else {
            refused.insert(*at, Error::SlotFull { start: place.start });
            without.push(plan.wish.plan_id);
        }
    }
    delivery_plan_rows::take_out(tx, &without).await?;
    inserted.retain(|id| !without.contains(id));
    Ok(())
}

/// The same wish finds the plan; another wish, or a cancelled plan, is refused.
fn answer(
    planning: &Planning,
    found: &HashMap<DeliveryPlanId, Stored>,
    refused: Option<Error>,
) -> Result<DeliveryPlan> {
    match found.get(&planning.wish.plan_id) {
        Some(Stored::Plan(plan)) if plan.wish != planning.wish => Err(Error::PlanMismatch),
        Some(Stored::Plan(plan)) if plan.cancelled => Err(Error::PlanCancelled),
        Some(Stored::Plan(plan)) => Ok(DeliveryPlan::clone(plan)),
        Some(Stored::Tombstone) => Err(Error::PlanCancelled),
        None => Err(refused.unwrap_or(Error::DeliveryPlanNotFound)),
    }
}

async fn methods(tx: &mut Tx, batch: &[Planning]) -> Result<HashMap<DeliveryMethodId, DeliveryMethod>> {
    let ids: HashSet<_> = batch.iter().map(|planning| planning.wish.method_id).collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let methods = delivery_method_rows::find_all(tx.conn(), &ids).await?;
    Ok(methods.into_iter().map(|method| (method.id, method)).collect())
}

/// Inserts all that are not there yet and answers which those were.
async fn insert(tx: &mut Tx, new: &[New<'_>]) -> Result<HashSet<DeliveryPlanId>> {
    if new.is_empty() {
        return Ok(HashSet::new());
    }
    let now = tx.now();
    let plans = || new.iter().map(|(_, _, plan)| plan);
    let wishes = || plans().map(|plan| &plan.wish);
    let uuids = |pick: fn(&Wish) -> Uuid| wishes().map(pick).collect::<Vec<_>>();
    let text = |pick: fn(&DeliveryPlan) -> String| plans().map(pick).collect::<Vec<_>>();
    let minor = |pick: fn(&DeliveryPlan) -> Money| plans().map(|plan| pick(plan).minor()).collect::<Vec<_>>();
    let addresses: Vec<Option<Value>> = wishes()
        .map(|wish| wish.address.as_ref().and_then(|address| serde_json::to_value(address).ok()))
        .collect();
    let rows: Vec<(Uuid,)> = cached_sql(
        "INSERT INTO delivery_plans (delivery_plan_id, order_id, shop_id, delivery_method_id, method_name, kind, currency,
                                     price, price_fixed, goods_total, address, recipient_name, recipient_phone,
                                     weight_grams, cash_on_delivery, carrier_account_id, carrier_service, items,
                                     cash_amount, order_number, create_time)
         SELECT u.*, $21
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
              AS u (delivery_plan_id, order_id, shop_id, delivery_method_id, method_name, kind, currency, price,
                    price_fixed, goods_total, address, recipient_name, recipient_phone, weight_grams, cash_on_delivery,
                    carrier_account_id, carrier_service, items, cash_amount, order_number)
         ORDER BY u.delivery_plan_id
         ON CONFLICT (delivery_plan_id) DO NOTHING
         RETURNING delivery_plan_id",
    )
    .bind::<Array<SqlUuid>, _>(uuids(|wish| wish.plan_id.uuid()))
    .bind::<Array<SqlUuid>, _>(uuids(|wish| wish.order_id.uuid()))
    .bind::<Array<SqlUuid>, _>(uuids(|wish| wish.shop_id.uuid()))
    .bind::<Array<SqlUuid>, _>(uuids(|wish| wish.method_id.uuid()))
    .bind::<Array<Text>, _>(text(|plan| plan.method_name.clone()))
    .bind::<Array<Text>, _>(text(|plan| plan.kind.as_str().to_owned()))
    .bind::<Array<Text>, _>(text(|plan| plan.price.currency().code().to_owned()))
    .bind::<Array<BigInt>, _>(minor(|plan| plan.price))
    .bind::<Array<Bool>, _>(wishes().map(|wish| wish.fixed_price.is_some()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(minor(|plan| plan.wish.goods_total))
    .bind::<Array<Nullable<Jsonb>>, _>(addresses)
    .bind::<Array<Text>, _>(text(|plan| plan.wish.recipient.name.clone()))
    .bind::<Array<Text>, _>(text(|plan| plan.wish.recipient.phone.clone()))
    .bind::<Array<Integer>, _>(wishes().map(|wish| wish.weight_grams).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(wishes().map(|wish| wish.cash_on_delivery).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(
        plans().map(|plan| plan.account_id.map(|account| account.uuid())).collect::<Vec<_>>(),
    )
    .bind::<Array<Text>, _>(text(|plan| plan.service.clone()))
    .bind::<Array<Jsonb>, _>(
        wishes().map(|wish| delivery_plan_rows::stored_items(&wish.items)).collect::<Vec<_>>(),
    )
    .bind::<Array<Nullable<BigInt>>, _>(
        wishes().map(|wish| wish.cash_amount.map(Money::minor)).collect::<Vec<_>>(),
    )
    .bind::<Array<Text>, _>(wishes().map(|wish| wish.order_number.clone()).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(now)
    .returns::<(SqlUuid,)>()
    .load(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|(id,)| DeliveryPlanId::from_uuid(id)).collect())
}

/// Address and recipient stay in the plan: neither history nor events repeat them.
fn tell(tx: &mut Tx, call: &Call, plan: &DeliveryPlan) {
    let wish = &plan.wish;
    let audit = Audit::new("delivery.plan_delivery", wish.plan_id)
        .shop(wish.shop_id.uuid())
        .set("order_id", wish.order_id.to_string())
        .set("delivery_method_id", wish.method_id.to_string())
        .set("price", plan.price.to_string())
        .set("price_fixed", wish.fixed_price.is_some());
    let audit = match plan.slot {
        Some(slot) => audit.set("slot_start_time", slot.start),
        None => audit,
    };
    tx.audit_for(call, audit);
    let event = pb::DeliveryPlanned {
        delivery_plan_id: wish.plan_id.to_string(),
        order_id: wish.order_id.to_string(),
        delivery_method_id: wish.method_id.to_string(),
        price: Some(rpc::wire::money(plan.price)),
    };
    events::append_for(tx, call, wish.plan_id, plan.version, Some(wish.shop_id), &event);
}
