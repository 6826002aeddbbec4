//! Another number, because another order is known by this one.

use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use rpc::Call;
use store::{Tx, cached_sql};

use crate::batches::record_orders::separated;
use crate::error::{Error, Result};
use crate::model::order::Order;
use crate::{Orders, changes};

/// Gives the order the next number, unless it has another one than `taken` by now.
pub(super) async fn replace(orders: &Orders, call: &Call, order: &Order, taken: &str) -> Result<()> {
    if order.number != taken {
        return Ok(());
    }
    let shop = orders.ask.access.shop(call, order.shop_id).await?;
    let replaced = orders.store.transaction(call, async |tx: &mut Tx| {
        let before = super::unchanged(tx, order).await?;
        let (number,): (String,) = cached_sql(
            "UPDATE orders SET number = $2 || nextval('order_numbers') WHERE order_id = $1 RETURNING number",
        )
        .bind::<SqlUuid, _>(order.order_id.uuid())
        .bind::<Text, _>(separated(&shop.number_prefix))
        .returns::<(Text,)>()
        .get_result(tx.conn())
        .await?;
        let mut after = Order { number, ..before.clone() };
        changes::save(tx, super::METHOD, &before, &mut after).await?;
        Ok::<_, Error>(())
    });
    replaced.await
}
