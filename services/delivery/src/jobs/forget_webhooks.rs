//! Forgets raw webhooks when nobody asks about them any more: they name persons.

use std::time::Duration;

use chrono::TimeDelta;
use store::Tx;

use crate::Delivery;
use crate::error::Result;
use crate::jobs::call;
use crate::model::webhook_rows;

pub const PERIOD: Duration = Duration::from_secs(3600);
/// How long what a carrier sent is kept as it came.
const WEBHOOK_LIFE: TimeDelta = TimeDelta::days(30);
const ROUND_LENGTH: i64 = 500;

/// Forgets all that are old enough.
pub async fn run(delivery: Delivery) -> anyhow::Result<()> {
    loop {
        let forgotten: Result<usize> = delivery
            .store
            .transaction(&call(), async |tx: &mut Tx| {
                let before = tx.now() - WEBHOOK_LIFE;
                webhook_rows::forget_before(tx, before, ROUND_LENGTH).await
            })
            .await;
        if forgotten? < ROUND_LENGTH as usize {
            return Ok(());
        }
    }
}
