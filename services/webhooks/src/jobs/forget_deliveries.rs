//! Forgets deliveries when nobody asks about them any more, and what was sent with them.

use std::time::Duration;

use chrono::TimeDelta;
use store::Tx;

use super::call;
use crate::Webhooks;
use crate::error::Result;
use crate::model::delivery_rows;

pub(crate) const PERIOD: Duration = Duration::from_secs(600);
/// How long what was taken or given up can be looked at and sent again.
pub(crate) const DELIVERY_LIFE: TimeDelta = TimeDelta::days(30);
/// A message is stored a moment before what needs it.
const MESSAGE_LIFE_MIN: TimeDelta = TimeDelta::days(1);
const ROUND_LENGTH: i64 = 1_000;

/// Forgets all that are old enough.
pub(crate) async fn run(webhooks: Webhooks) -> anyhow::Result<()> {
    while forget(&webhooks).await? >= ROUND_LENGTH as usize {}
    Ok(())
}

async fn forget(webhooks: &Webhooks) -> Result<usize> {
    let call = call();
    let forgotten = webhooks.store.transaction(&call, async |tx: &mut Tx| {
        let (before, unused) = (tx.now() - DELIVERY_LIFE, tx.now() - MESSAGE_LIFE_MIN);
        let deliveries = delivery_rows::forget_before(tx, before, ROUND_LENGTH).await?;
        let messages = delivery_rows::forget_messages(tx, unused, ROUND_LENGTH).await?;
        Ok(deliveries.max(messages))
    });
    forgotten.await
}
