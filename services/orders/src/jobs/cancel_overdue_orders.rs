//! Cancels orders that nobody has begun to pay in time. Who pays while that is being done keeps the order: see the saga.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use rpc::{Call, Caller};
use store::{Claim, Once, Tx, cached_sql};
use types::OrderId;
use uuid::Uuid;

use crate::Orders;
use crate::error::{Error, Result};
use crate::model::cancel_reason::CancelReason;
use crate::model::order::Order;
use crate::rpc::cancel_order::{Ground, has_parcels, may_be_cancelled};
use crate::sagas::cancel_order::{Cancellation, METHOD};
use crate::upstreams::Touched;

/// How often the job looks for such orders.
pub const PERIOD: Duration = Duration::from_secs(5);

const ORDERS_MAX: i64 = 50;
const PATIENCE: Duration = Duration::from_secs(5);
/// An order that cannot be cancelled now is looked at again after this.
const LOOK_AGAIN: TimeDelta = TimeDelta::minutes(1);

/// One round over those that are due longest.
pub async fn run(orders: &Orders) -> anyhow::Result<()> {
    let now = orders.store.clock().now();
    for order_id in overdue(orders, now).await? {
        let call = Call::begin(Caller::service(orders.store.service()), PATIENCE);
        match cancel(orders, &call, order_id, now).await {
            Ok(Some((saga_id, cancellation))) => {
                tracing::info!(%order_id, "an order that nobody pays is cancelled");
                orders.cancellations.start(saga_id, &call, cancellation);
            }
            Ok(None) => look_again(orders, order_id, now).await?,
            Err(error) => {
                // Payments did not answer: it is asked in the next round, and the others do not wait for it.
                tracing::info!(%order_id, %error, "an overdue order is looked at later");
                look_again(orders, order_id, now).await?;
            }
        }
    }
    Ok(())
}

async fn overdue(orders: &Orders, now: DateTime<Utc>) -> Result<Vec<OrderId>> {
    let mut connection = orders.store.connection().await?;
    let rows: Vec<(Uuid,)> = cached_sql(
        "SELECT order_id FROM order_terms WHERE pay_by_look_time <= $1 ORDER BY pay_by_look_time LIMIT $2",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(ORDERS_MAX)
    .returns::<(SqlUuid,)>()
    .load(&mut *connection)
    .await?;
    Ok(rows.into_iter().map(|row| OrderId::from_uuid(row.0)).collect())
}

/// Begins to cancel an order of which surely nothing was reserved or taken, and no parcel is asked for; `None` when it must
/// stay.
async fn cancel(
    orders: &Orders,
    call: &Call,
    order_id: OrderId,
    now: DateTime<Utc>,
) -> Result<Option<(Uuid, Cancellation)>> {
    let mut connection = orders.store.connection().await?;
    let Some(order) = Order::load(&mut connection, order_id).await? else { return Ok(None) };
    drop(connection);
    if !order.is_overdue(now) {
        return Ok(None);
    }
    for payment_id in order.payment_ids() {
        let touched = orders.ask.payments.touched(call, payment_id).await.map_err(Error::Answered)?;
        if touched == Touched::Touched {
            return Ok(None);
        }
    }

    orders
        .store
        .transaction(call, async |tx: &mut Tx| {
            let order = Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
            let key = format!("payment_overdue:{order_id}");
            let scope = order.shop_id.to_string();
            let once = Once { scope: &scope, method: METHOD, key: &key };
            if !order.is_overdue(now) || has_parcels(&order) || may_be_cancelled(&order).is_err() {
                return Ok(None);
            }
            if tx.claim(once, key.as_bytes()).await? != Claim::New {
                return Ok(None);
            }
            let ground = Ground { reason: CancelReason::PAYMENT_OVERDUE, key: &key, comment: "" };
            Ok::<_, Error>(Some(ground.record(tx, &order).await?))
        })
        .await
}

/// Not at once, so that orders that must wait do not keep the job from the others; orders that are past it, never.
async fn look_again(orders: &Orders, order_id: OrderId, now: DateTime<Utc>) -> Result<()> {
    let mut connection = orders.store.connection().await?;
    cached_sql(
        "UPDATE order_terms SET pay_by_look_time = CASE WHEN o.state IN ('placing', 'new', 'approval') AND o.paid = 0 THEN $2 END
         FROM orders AS o WHERE o.order_id = order_terms.order_id AND o.order_id = ANY($1)",
    )
    .bind::<Array<SqlUuid>, _>(vec![order_id.uuid()])
    .bind::<Timestamptz, _>(now + LOOK_AGAIN)
    .execute(&mut *connection)
    .await?;
    Ok(())
}
