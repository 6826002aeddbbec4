//! Forgets what carriers said that carts cost, when it holds no more.

use std::time::Duration;

use store::Tx;

use crate::Delivery;
use crate::error::Result;
use crate::jobs::call;
use crate::model::price_rows;

pub const PERIOD: Duration = Duration::from_secs(600);
const ROUND_LENGTH: i64 = 500;

/// Forgets all that have expired.
pub async fn run(delivery: Delivery) -> anyhow::Result<()> {
    loop {
        let forgotten: Result<usize> = delivery
            .store
            .transaction(&call(), async |tx: &mut Tx| {
                let now = tx.now();
                price_rows::forget_before(tx, now, ROUND_LENGTH).await
            })
            .await;
        if forgotten? < ROUND_LENGTH as usize {
            return Ok(());
        }
    }
}
