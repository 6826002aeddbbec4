//! Forgets who took a parcel, and what proves it, when nobody disputes it any more: names, signatures and photos are personal.

use std::time::Duration;

use chrono::TimeDelta;
use store::Tx;

use crate::Delivery;
use crate::error::Result;
use crate::jobs::call;
use crate::model::handover_rows;

pub const PERIOD: Duration = Duration::from_secs(3600);
/// How long a proof is kept.
const PROOF_LIFE: TimeDelta = TimeDelta::days(180);
const ROUND_LENGTH: i64 = 100;

/// Forgets all that are old enough.
pub async fn run(delivery: Delivery) -> anyhow::Result<()> {
    loop {
        let forgotten: Result<usize> = delivery
            .store
            .transaction(&call(), async |tx: &mut Tx| {
                let before = tx.now() - PROOF_LIFE;
                handover_rows::forget_proofs_before(tx, before, ROUND_LENGTH).await
            })
            .await;
        if forgotten? < ROUND_LENGTH as usize {
            return Ok(());
        }
    }
}
