//! Records new orders, before anything else is asked: from here on none is lost.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use rpc::Call;
use saga::NewSaga;
use serde_json::Value;
use store::{Audit, Tx, cached_sql};
use types::{OrderId, QuoteId};
use uuid::Uuid;

use crate::batches::claims::Claim;
use crate::error::{Error, Result};
use crate::model::buyer::{phone_key, words};
use crate::model::order::Order;
use crate::model::order_line::{OrderLine, UnitPrice};
use crate::sagas::offer_terms::OfferTerms;
use crate::sagas::place_order::{PlaceOrder, Terms};

/// An order to record.
#[derive(Debug, Clone)]
pub struct NewOrder {
    /// The order; its number and times are set when it is recorded.
    pub order: Order,
    /// What stands before its number.
    pub number_prefix: String,
    /// Minutes until somebody must have begun to pay.
    pub pay_by_minutes: Option<i32>,
    /// Its id in its source; empty for none.
    pub external_id: String,
    /// What the saga must keep to.
    pub terms: Terms,
    /// The caller's key.
    pub key: String,
    /// What the request is recognised by, whatever its key.
    pub fingerprint: Vec<u8>,
    /// The call that brings it.
    pub call: Call,
}

impl NewOrder {
    /// Idempotency keys of different shops do not meet.
    pub(super) fn scope(&self) -> String {
        self.order.shop_id.to_string()
    }

    /// Whose prices hold.
    pub(crate) fn quote_id(&self) -> Option<QuoteId> {
        self.terms.offer.as_ref().and_then(OfferTerms::quote_id)
    }
}

/// What recording comes to for one request.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// The order is in the database, and so is the saga that is to be started.
    New {
        /// Its number.
        number: String,
        /// When it was recorded.
        time: DateTime<Utc>,
    },
    /// It was there already.
    Known {
        /// Which.
        order_id: OrderId,
        /// Whether it was found by its external id, under another key.
        existing: bool,
    },
    /// It is not recorded.
    Refused(Error),
}

/// Those of a batch that are new.
fn new<'a>(batch: &[&'a NewOrder], claims: &[Claim]) -> Vec<&'a NewOrder> {
    batch.iter().zip(claims).filter(|(_, claim)| **claim == Claim::New).map(|(new, _)| *new).collect()
}

/// The numbers of orders.
pub(super) type Numbers = Vec<(Uuid, String)>;

/// Writes the new ones with everything that belongs to them; answers their numbers.
pub(super) async fn insert(tx: &Tx, batch: &[&NewOrder], claims: &[Claim]) -> Result<Numbers> {
    let new = new(batch, claims);
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let sagas: Vec<_> = new.iter().map(|new| saga_of(new)).collect();
    let (numbers, recorded) = tokio::join!(insert_orders(tx, &new), saga::record(tx, &sagas));
    let numbers = numbers?;
    recorded?;
    Ok(numbers)
}

/// Tells of the new ones, and what each request of the batch comes to.
pub(super) fn tell(tx: &mut Tx, batch: &[&NewOrder], claims: &[Claim], numbers: &Numbers) -> Vec<Verdict> {
    for new in new(batch, claims) {
        let audit = Audit::new("orders.place_order", new.order.order_id)
            .shop(new.order.shop_id.uuid())
            .set("number", number_of(new, numbers))
            .set("state", new.order.state.name())
            .set("source_id", new.order.source_id.to_string())
            .set("lines", new.order.lines.len());
        tx.audit_for(&new.call, audit);
    }
    let now = tx.now();
    batch.iter().zip(claims).map(|(new, claim)| verdict(new, *claim, numbers, now)).collect()
}

fn verdict(new: &NewOrder, claim: Claim, numbers: &[(Uuid, String)], now: DateTime<Utc>) -> Verdict {
    match claim {
        Claim::New => Verdict::New { number: number_of(new, numbers).to_owned(), time: now },
        Claim::Repeats(order_id) => Verdict::Known { order_id, existing: false },
        Claim::Exists(order_id) => Verdict::Known { order_id, existing: true },
        Claim::KeyReused => Verdict::Refused(store::Error::KeyReused.into()),
        Claim::ExternalIdTaken(order_id) => Verdict::Refused(Error::ExternalIdTaken { order_id }),
        Claim::QuoteExpired => Verdict::Refused(Error::QuoteExpired),
        Claim::QuoteUsed(order_id) => Verdict::Refused(Error::QuoteUsed { order_id }),
    }
}

fn number_of<'a>(new: &NewOrder, numbers: &'a [(Uuid, String)]) -> &'a str {
    let found = numbers.iter().find(|(order_id, _)| *order_id == new.order.order_id.uuid());
    found.map_or("", |(_, number)| number)
}

fn saga_of(new: &NewOrder) -> NewSaga {
    NewSaga::of::<PlaceOrder>(new.order.order_id.uuid(), &new.terms, &new.call)
}

async fn insert_orders(tx: &Tx, new: &[&NewOrder]) -> Result<Numbers> {
    let now = tx.now();
    let orders = || new.iter().map(|new| &new.order);
    let lines =
        || orders().flat_map(|order| order.lines.iter().map(move |line| (order.order_id.uuid(), line)));
    let ids: Vec<Uuid> = orders().map(|order| order.order_id.uuid()).collect();
    let statement = cached_sql(
        "WITH buyers AS (
            INSERT INTO order_buyers (order_id, name, phone, email, address, comment, name_words, phone_key)
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
         ), lines AS (
            INSERT INTO order_lines (order_id, position, sku, name, ordered, unit_price, price_fixed, total)
            SELECT order_id, position, sku, name, ordered, unit_price, unit_price IS NOT NULL, 0
            FROM unnest($9, $10, $11, $12, $13, $14) AS line (order_id, position, sku, name, ordered, unit_price)
         ), terms AS (
            INSERT INTO order_terms (order_id, pay_by_time, pay_by_look_time, ship_by_time, ship_by_due_time,
                                     delivery_price_fixed)
            SELECT order_id, $24 + make_interval(mins => pay_by_minutes), $24 + make_interval(mins => pay_by_minutes),
                   ship_by_time, ship_by_time, delivery_price_fixed
            FROM unnest($1, $25, $26, $27) AS new (order_id, pay_by_minutes, ship_by_time, delivery_price_fixed)
            WHERE pay_by_minutes IS NOT NULL OR ship_by_time IS NOT NULL OR delivery_price_fixed
         )
         INSERT INTO orders (order_id, number, shop_id, legal_entity_id, state, status, source_id, channel, method,
                             currency, payment_method, delivery_method_id, create_time, update_time)
         SELECT order_id, prefix || nextval('order_numbers'), shop_id, legal_entity_id, 'placing', 'placing', source_id,
                channel, method, currency, payment_method, delivery_method_id, $24, $24
         FROM unnest($1, $15, $16, $17, $18, $19, $20, $21, $22, $23)
              AS new (order_id, prefix, shop_id, legal_entity_id, source_id, channel, method, currency, payment_method,
                      delivery_method_id)
         RETURNING order_id, number",
    );
    let statement = statement
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<Text>, _>(orders().map(|order| order.buyer.name.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(orders().map(|order| order.buyer.phone.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(orders().map(|order| order.buyer.email.as_str()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Jsonb>>, _>(orders().map(address).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(orders().map(|order| order.buyer.comment.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(orders().map(|order| words(&order.buyer.name).join(" ")).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(orders().map(|order| phone_key(&order.buyer.phone)).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(lines().map(|(order_id, _)| order_id).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(lines().map(|(_, line)| line.position).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(lines().map(|(_, line)| line.sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(lines().map(|(_, line)| line.name.as_str()).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(lines().map(|(_, line)| line.ordered).collect::<Vec<_>>())
        .bind::<Array<Nullable<BigInt>>, _>(lines().map(|(_, line)| fixed_price(line)).collect::<Vec<_>>());
    let numbers = statement
        .bind::<Array<Text>, _>(new.iter().map(|new| separated(&new.number_prefix)).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(orders().map(|order| order.shop_id.uuid()).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(
            orders().map(|order| order.legal_entity_id.map(Uuid::from)).collect::<Vec<_>>(),
        )
        .bind::<Array<SqlUuid>, _>(orders().map(|order| order.source_id.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(orders().map(|order| order.channel.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(orders().map(|order| order.method.name()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(orders().map(|order| order.currency.code()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(orders().map(|order| order.payment_method.name()).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(orders().map(delivery_method).collect::<Vec<_>>())
        .bind::<Timestamptz, _>(now)
        .bind::<Array<Nullable<Integer>>, _>(new.iter().map(|new| new.pay_by_minutes).collect::<Vec<_>>())
        .bind::<Array<Nullable<Timestamptz>>, _>(
            orders().map(|order| order.deadlines.ship_by).collect::<Vec<_>>(),
        )
        .bind::<Array<Bool>, _>(orders().map(delivery_price_fixed).collect::<Vec<_>>())
        .returns::<(SqlUuid, Text)>()
        .load(&mut tx.shared())
        .await?;
    Ok(numbers)
}

fn address(order: &Order) -> Option<Value> {
    let address = order.delivery.as_ref()?.address.as_ref()?;
    Some(serde_json::json!(address))
}

fn delivery_method(order: &Order) -> Option<Uuid> {
    order.delivery.as_ref().map(|delivery| delivery.method_id.uuid())
}

fn delivery_price_fixed(order: &Order) -> bool {
    order.delivery.as_ref().is_some_and(|delivery| delivery.price_fixed)
}

fn fixed_price(line: &OrderLine) -> Option<i64> {
    match line.unit_price {
        UnitPrice::Fixed(price) => Some(price.minor()),
        UnitPrice::Open | UnitPrice::Quoted(_) => None,
    }
}

/// A prefix that ends in a digit would run into the number: "A1" and 1 is not "A" and 11.
pub(crate) fn separated(prefix: &str) -> String {
    let runs_in = prefix.ends_with(|last: char| last.is_ascii_digit());
    if runs_in { format!("{prefix}-") } else { prefix.to_owned() }
}
