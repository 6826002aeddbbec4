//! Cancels an order that has not left.

use std::sync::Arc;

use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use saga::NewSaga;
use store::{Claim, Once, Tx, cached_sql, fingerprint};
use types::OrderId;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::cancel_reason::{CancelReason, CancelReasonUnknown};
use crate::model::order::Order;
use crate::model::order_state::OrderState;
use crate::rpc::{free, load, visible};
use crate::sagas::cancel_order::{CancelOrder, Cancellation, METHOD, Outcome};
use crate::{Orders, wire};

const COMMENT_LENGTH_MAX: usize = 1000;

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::CancelOrderRequest,
) -> Result<pb::Order> {
    cancel(orders, call, request, "").await
}

/// The order as it would become; whether a parcel has left is known to delivery only.
pub(super) async fn preview(
    orders: &Orders,
    call: &Call,
    request: pb::CancelOrderRequest,
    etag: &str,
) -> Result<Order> {
    // Nothing is claimed, so any key will do.
    let wanted = Wanted::parse(&pb::CancelOrderRequest { idempotency_key: "dry-run".to_owned(), ..request })?;

    let mut order = load(orders, call, wanted.order_id).await?;

    wanted.decide(&order, etag)?;
    order.cancel(wanted.reason);
    Ok(order)
}

/// Cancels an order that is as it was read; an empty etag skips the check.
pub(super) async fn cancel(
    orders: &Orders,
    call: &Call,
    request: pb::CancelOrderRequest,
    etag: &str,
) -> Result<pb::Order> {
    let wanted = Wanted::parse(&request)?;

    let begun = orders.store.transaction(call, async |tx: &mut Tx| -> Result<Begun> {
        let order = visible(call, Order::lock(tx, wanted.order_id).await?)?;
        let scope = order.shop_id.to_string();
        let once = Once { scope: &scope, method: METHOD, key: &wanted.key };
        match tx.claim(once, &fingerprint(&request)).await {
            Ok(Claim::Done(answer)) => return Ok(Begun::Before(answer)),
            Err(store::Error::KeyInUse) => return Ok(Begun::Running(order.cancelling)),
            Ok(Claim::New) => {}
            Err(error) => return Err(error.into()),
        }

        wanted.decide(&order, etag)?;

        let ground = Ground { reason: wanted.reason, key: &wanted.key, comment: &wanted.comment };
        let (saga_id, cancellation) = ground.record(tx, &order).await?;
        Ok(Begun::Now(saga_id, Box::new(cancellation)))
    });

    let patience = orders.patience(call);
    let outcome = match begun.await? {
        Begun::Before(answer) => return answered(&answer),
        Begun::Now(saga_id, input) => {
            saga::wait(orders.cancellations.start(saga_id, call, *input), patience).await
        }
        Begun::Running(Some(saga_id)) => orders.cancellations.wait(saga_id, patience).await,
        Begun::Running(None) => None,
    };
    match outcome {
        Some(Outcome::Cancelled(order)) => Ok(Arc::unwrap_or_clone(order)),
        Some(Outcome::Refused(status)) => Err(Error::Answered(status)),
        None => Err(store::Error::KeyInUse.into()),
    }
}

struct Wanted {
    order_id: OrderId,
    reason: CancelReason,
    comment: String,
    key: String,
}

/// How far a call with this key has come.
enum Begun {
    Now(Uuid, Box<Cancellation>),
    Running(Option<Uuid>),
    Before(Vec<u8>),
}

impl Wanted {
    fn parse(request: &pb::CancelOrderRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let order_id = fields.parse("order_id", &request.order_id);
        let (reason, comment) = check(&mut fields, &request.reason, &request.comment);
        let key = fields.idempotency_key(&request.idempotency_key);
        let wanted = order_id.zip(reason).map(|(order_id, reason)| Self { order_id, reason, comment, key });
        Ok(fields.finish_with(wanted)?)
    }

    fn decide(&self, order: &Order, etag: &str) -> Result<()> {
        if !etag.is_empty() && etag != wire::etag(order) {
            return Err(Error::EtagMismatch { current: wire::etag(order) });
        }
        if order.state == OrderState::Placing {
            return Err(Error::StillPlacing);
        }
        may_be_cancelled(order)
    }
}

/// Why, and what was said about it.
pub(super) fn check(fields: &mut Fields, reason: &str, comment: &str) -> (Option<CancelReason>, String) {
    let reason = match reason.parse() {
        Ok(reason) => Some(reason),
        Err(unknown @ CancelReasonUnknown) => {
            fields.refuse("reason", "CANCEL_REASON_UNKNOWN", unknown.to_string());
            None
        }
    };
    (reason, fields.text("comment", comment, COMMENT_LENGTH_MAX))
}

/// Refuses an order that is past it, or that something else is changing.
pub(crate) fn may_be_cancelled(order: &Order) -> Result<()> {
    order.may_be_cancelled().map_err(Error::CancelForbidden)?;
    free(order)?;
    if order.has_busy_part() {
        return Err(Error::BeingEdited);
    }
    // What has left cannot be given back.
    if order.lines.iter().any(|line| line.shipped > 0) { Err(Error::PartlyShipped) } else { Ok(()) }
}

/// Whether a carrier was asked for a parcel of it, which may have left.
pub(crate) fn has_parcels(order: &Order) -> bool {
    !order.shipment_ids.is_empty() || order.fulfilments.iter().any(|part| part.shipment_id.is_some())
}

/// Why, and under which key.
pub(crate) struct Ground<'a> {
    /// Of the closed list.
    pub reason: CancelReason,
    /// The caller's key.
    pub key: &'a str,
    /// What was said about it.
    pub comment: &'a str,
}

impl Ground<'_> {
    /// Records the cancellation of an order that was locked in this transaction.
    pub(crate) async fn record(&self, tx: &mut Tx, order: &Order) -> Result<(Uuid, Cancellation)> {
        let (saga_id, cancellation) = self.cancellation(order);
        record(tx, saga_id, &cancellation, self.comment).await?;
        Ok((saga_id, cancellation))
    }

    fn cancellation(&self, order: &Order) -> (Uuid, Cancellation) {
        let plan = order.delivery_plan_id;
        let parts = order.fulfilments.iter().filter(|part| part.state.waits());
        let part_plans = parts.filter_map(|part| part.delivery_plan_id).filter(|id| Some(*id) != plan);
        let payments = order.payment_ids().into_iter().filter(|id| Some(*id) != order.payment_id);
        let saga_id = Uuid::now_v7();
        let cancellation = Cancellation {
            saga_id: saga_id.to_string(),
            order_id: order.order_id.to_string(),
            reason: self.reason.to_string(),
            scope: order.shop_id.to_string(),
            key: self.key.to_owned(),
            part_plan_ids: part_plans.map(String::from).collect(),
            more_payment_ids: payments.map(String::from).collect(),
            delivery_plan_id: plan.map(String::from).unwrap_or_default(),
            reservation_id: order.reservation_id.map(String::from).unwrap_or_default(),
            payment_id: order.payment_id.map(String::from).unwrap_or_default(),
            only_unpaid: self.reason == CancelReason::PAYMENT_OVERDUE && !has_parcels(order),
        };
        (saga_id, cancellation)
    }
}

/// Marks the order, so that nothing else moves it meanwhile, and records the saga.
async fn record(tx: &mut Tx, saga_id: Uuid, input: &Cancellation, comment: &str) -> Result<()> {
    cached_sql(
        "WITH marked AS (UPDATE orders SET cancelling = $2 WHERE order_id = $1)
         UPDATE order_buyers SET cancel_comment = $3 WHERE order_id = $1",
    )
    .bind::<SqlUuid, _>(input.order_id.parse::<OrderId>().map_or(Uuid::nil(), |id| id.uuid()))
    .bind::<SqlUuid, _>(saga_id)
    .bind::<Text, _>(comment)
    .execute(tx.conn())
    .await?;
    let saga = NewSaga::of::<CancelOrder>(saga_id, input, tx.call());
    saga::record(tx, &[saga]).await?;
    Ok(())
}

fn answered(answer: &[u8]) -> Result<pb::Order> {
    pb::Order::decode(answer).map_err(|error| store::Error::Corrupt(error.to_string()).into())
}
