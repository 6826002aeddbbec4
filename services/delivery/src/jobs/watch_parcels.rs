//! Notices parcels that are late: never scanned, without movement, about to be sent back, without their cash.

use std::time::Duration;

use store::Tx;

use crate::Delivery;
use crate::error::Result;
use crate::incidents;
use crate::jobs::call;
use crate::model::incident::Cause;
use crate::model::{shipment_rows, watch};

/// A parcel is noticed at most so much too late.
pub const PERIOD: Duration = Duration::from_secs(5);
const ROUND_LENGTH: i64 = 100;

/// Looks until none is due.
pub async fn run(delivery: Delivery) -> anyhow::Result<()> {
    while notice_some(&delivery).await? {}
    Ok(())
}

async fn notice_some(delivery: &Delivery) -> Result<bool> {
    delivery
        .store
        .transaction(&call(), async |tx: &mut Tx| {
            let now = tx.now();
            let late = shipment_rows::lock_late(tx, ROUND_LENGTH).await?;
            let full = late.len() as i64 == ROUND_LENGTH;
            for mut parcel in late {
                let due = watch::next(&parcel);
                parcel.times.watch = match due {
                    Some((time, reason)) if time <= now => {
                        incidents::raise(tx, &mut parcel, Cause::of(reason)).await?;
                        // Once; what happens next decides when it is late again.
                        None
                    }
                    later => later.map(|(time, _)| time),
                };
                shipment_rows::update(tx, &parcel).await?;
            }
            Ok(full)
        })
        .await
}
