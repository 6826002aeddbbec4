//! Where the process that cancels orders writes what became of them.

use std::sync::Arc;

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::orders::v1 as pb;
use rpc::Call;
use saga::Finished;
use store::{Audit, Store, Tx, cached_sql};
use tonic::Status;
use types::{DeliveryPlanId, OrderId};

use crate::changes;
use crate::error::Error;
use crate::model::order::Order;
use crate::model::promo_use;
use crate::sagas::cancel_order::{Cancellation, METHOD, Outcome};
use crate::sagas::keyed;
use crate::wire;

/// Orders that are being cancelled. In the product the database's; `tests/simulation` keeps them in memory.
pub trait Cancellations: Send + Sync + 'static {
    /// The order is cancelled: written with its event, its history, the answer under the caller's key and the end of the saga
    /// in one commit.
    ///
    /// # Errors
    /// Another process has ended the saga: `ABORTED`.
    fn settle(
        &self,
        call: &Call,
        input: &Cancellation,
    ) -> impl Future<Output = Result<Outcome, Status>> + Send;

    /// The order stays as it was but for parts whose parcels are gone, and the key is free: once the refusal's cause is gone,
    /// the call may be repeated.
    fn give_up(
        &self,
        call: &Call,
        input: &Cancellation,
        gone: &[DeliveryPlanId],
    ) -> impl Future<Output = Result<(), Status>> + Send;
}

impl Cancellations for Store {
    async fn settle(&self, call: &Call, input: &Cancellation) -> Result<Outcome, Status> {
        let (saga_id, order_id, reason) = input.read()?;
        let answer = self.transaction(call, async |tx: &mut Tx| {
            let before = Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
            keyed::finish(tx, saga_id).await?;
            let mut order = before.clone();
            order.cancel(reason);
            let comment = cancel_comment(tx, order_id).await?;
            let person =
                order.customer_id.map_or_else(|| order_id.to_string(), |customer| customer.to_string());
            let audit = Audit::new(METHOD, order_id).personal(&person, "cancel_comment", "", &comment);
            changes::save_quietly(tx, audit, &before, &mut order).await?;
            if order.offer.promo_code_id.is_some() {
                promo_use::give_back(tx, order_id).await?;
            }

            let event = pb::OrderCancelled {
                order: Some(wire::snapshot(&order)),
                reason: reason.to_string(),
                previous_state: wire::state(before.state).into(),
            };
            events::append(tx, order_id, order.version, Some(order.shop_id), &event);
            let answer = wire::order(&order);
            tx.fulfil(input.once(), &answer.encode_to_vec()).await?;
            Ok::<_, Error>(answer)
        });
        Ok(Outcome::Cancelled(Arc::new(answer.await?)))
    }

    async fn give_up(
        &self,
        call: &Call,
        input: &Cancellation,
        gone: &[DeliveryPlanId],
    ) -> Result<(), Status> {
        let (saga_id, order_id, _) = input.read()?;
        let given_up = self.transaction(call, async |tx: &mut Tx| {
            let before = Order::lock(tx, order_id).await?.ok_or(Error::OrderNotFound)?;
            if saga::finish(tx, &[saga_id], Finished::Undone).await?.is_empty() {
                return Ok(());
            }
            let mut order = Order { cancelling: None, ..before.clone() };
            order.cancel_parts_of(gone);
            changes::save(tx, METHOD, &before, &mut order).await?;
            order.save(tx).await?;
            cached_sql("DELETE FROM idempotency_keys WHERE scope = $1 AND method = $2 AND key = $3")
                .bind::<Text, _>(&input.scope)
                .bind::<Text, _>(METHOD)
                .bind::<Text, _>(&input.key)
                .execute(tx.conn())
                .await?;
            Ok::<_, Error>(())
        });
        Ok(given_up.await?)
    }
}

async fn cancel_comment(tx: &mut Tx, order_id: OrderId) -> store::Result<String> {
    let (comment,): (String,) = cached_sql("SELECT cancel_comment FROM order_buyers WHERE order_id = $1")
        .bind::<diesel::sql_types::Uuid, _>(order_id.uuid())
        .returns::<(Text,)>()
        .get_result(tx.conn())
        .await?;
    Ok(comment)
}
