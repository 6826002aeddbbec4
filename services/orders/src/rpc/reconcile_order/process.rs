//! An order that is being placed without a process gets one; a mark of a change that nobody makes is taken away.

use diesel::sql_types::{Bool, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use rpc::Call;
use saga::NewSaga;
use store::{Audit, Tx, cached_sql};
use types::OrderId;
use uuid::Uuid;

use crate::Orders;
use crate::error::{Error, Result};
use crate::model::order::Order;
use crate::model::order_state::OrderState;
use crate::sagas::place_order::{PlaceOrder, Terms};

pub(super) async fn mend(orders: &Orders, call: &Call, order: &Order) -> Result<()> {
    match order.state {
        OrderState::Placing => place_again(orders, call, order).await,
        _ => free_of_marks(orders, call, order.order_id).await,
    }
}

/// What was agreed is gone with the process: prices are those of today, and what is short is missing, visibly.
async fn place_again(orders: &Orders, call: &Call, order: &Order) -> Result<()> {
    let order_id = order.order_id;
    let shop = orders.ask.access.shop(call, order.shop_id).await?;
    let terms = Terms {
        order_id: order_id.to_string(),
        accept_shortage: true,
        accept_unmatched: true,
        warehouse_ids: shop.warehouse_ids.iter().map(ToString::to_string).collect(),
        one_warehouse: !shop.split_allowed,
        country_code: shop.country_code.clone(),
        delivers: order.delivery.is_some(),
        ..Terms::default()
    };
    let begun = orders.store.transaction(call, async |tx: &mut Tx| {
        let order = Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
        if order.state != OrderState::Placing || runs(tx, order_id.uuid()).await? {
            return Ok(());
        }
        // One that has ended without its order did not end.
        cached_sql("DELETE FROM sagas WHERE saga_id = $1")
            .bind::<SqlUuid, _>(order_id.uuid())
            .execute(tx.conn())
            .await?;
        saga::record_for_anybody(tx, &[NewSaga::of::<PlaceOrder>(order_id.uuid(), &terms, call)]).await?;
        tx.audit(Audit::new(super::METHOD, order_id.uuid()).set("process", "place_order"));
        Ok::<_, Error>(())
    });
    begun.await
}

async fn runs(tx: &mut Tx, saga_id: Uuid) -> Result<bool> {
    let (runs,): (bool,) = cached_sql(
        "SELECT EXISTS (SELECT FROM sagas WHERE saga_id = $1 AND state IN ('running', 'unwinding'))",
    )
    .bind::<SqlUuid, _>(saga_id)
    .returns::<(Bool,)>()
    .get_result(tx.conn())
    .await?;
    Ok(runs)
}

/// The order stays as it is: a change is written at its end, and this one has none. What it had given up elsewhere by then
/// is found by comparing again.
async fn free_of_marks(orders: &Orders, call: &Call, order_id: OrderId) -> Result<()> {
    let freed = orders.store.transaction(call, async |tx: &mut Tx| {
        Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
        let marks: Vec<(Uuid,)> = cached_sql(
            "WITH one AS (
                 UPDATE orders SET cancelling = NULL FROM (SELECT cancelling AS mark FROM orders WHERE order_id = $1) AS was
                 WHERE order_id = $1 AND cancelling IS NOT NULL AND NOT EXISTS (
                     SELECT FROM sagas WHERE saga_id = cancelling AND state IN ('running', 'unwinding'))
                 RETURNING was.mark
             ), edit AS (
                 UPDATE order_progress SET editing = NULL
                 FROM (SELECT editing AS mark FROM order_progress WHERE order_id = $1) AS was
                 WHERE order_id = $1 AND editing IS NOT NULL AND NOT EXISTS (
                     SELECT FROM sagas WHERE saga_id = editing AND state IN ('running', 'unwinding'))
                 RETURNING was.mark
             )
             SELECT mark FROM one UNION ALL SELECT mark FROM edit",
        )
        .bind::<SqlUuid, _>(order_id.uuid())
        .returns::<(SqlUuid,)>()
        .load(tx.conn())
        .await?;
        for (mark,) in marks {
            tx.audit(Audit::new(super::METHOD, mark).set("given_up_for", order_id.to_string()));
        }
        Ok::<_, Error>(())
    });
    freed.await
}
