//! Sends refunds to their providers, and asks where those stand that were sent.

use futures_util::{StreamExt, stream};
use types::RefundId;

use super::due::{self, TOGETHER_MAX, Table};
use crate::Payments;
use crate::model::refund::Refund;
use crate::settlement;

const REFUNDS: Table = Table {
    due: "SELECT refund_id, asks, state, '' FROM refunds WHERE next_ask_time <= $1
          ORDER BY next_ask_time LIMIT $2 FOR UPDATE SKIP LOCKED",
    // Sent at the latest by its next time: a pause is nothing beside the life of a key.
    postpone: "UPDATE refunds SET asks = asks + 1, next_ask_time = u.next_ask_time,
                                  send_time = coalesce(send_time, u.next_ask_time)
               FROM unnest($1, $2) AS u (refund_id, next_ask_time) WHERE refunds.refund_id = u.refund_id",
};

pub async fn run(payments: Payments) -> anyhow::Result<usize> {
    let taken = due::take(&payments, &REFUNDS, |row| Refund::pause(row.asks)).await?;
    let count = taken.len();
    stream::iter(taken)
        .for_each_concurrent(TOGETHER_MAX, |row| {
            let payments = &payments;
            async move {
                let id = RefundId::from_uuid(row.id);
                if let Err(error) = settlement::settle_refund(payments, &due::call(), id, "").await {
                    tracing::warn!(refund = %id, %error, "a refund could not be settled and will be again");
                }
            }
        })
        .await;
    Ok(count)
}
