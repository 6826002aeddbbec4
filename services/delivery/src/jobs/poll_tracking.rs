//! Asks carriers what happened to parcels on their way, many at once, within their limits.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use store::Tx;
use types::{CarrierAccountId, ShipmentId};
use uuid::Uuid;

use crate::Delivery;
use crate::carriers::{Carrier, CarrierError, Report, TrackedParcel};
use crate::error::Result;
use crate::following;
use crate::jobs::call;
use crate::model::shipment::Shipment;
use crate::model::{shipment_rows, watch};
use crate::schema::shipments as rows;

/// At least so often it is looked whether something is due.
pub const PERIOD: Duration = Duration::from_secs(2);
const ACTION: &str = "delivery.poll_tracking";
const ROUND_LENGTH: i64 = 500;
/// For how long a parcel's question is one worker's.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// Before a carrier that does not answer is asked again.
const PAUSE: TimeDelta = TimeDelta::minutes(1);

/// Asks until nothing is due.
pub async fn run(delivery: Delivery) -> anyhow::Result<()> {
    loop {
        let claimed = delivery
            .store
            .transaction(&call(), async |tx: &mut Tx| {
                let lease = tx.now() + LEASE;
                shipment_rows::claim_polls(tx, lease, ROUND_LENGTH).await
            })
            .await?;
        if claimed.is_empty() {
            return Ok(());
        }
        let mut of_account: HashMap<CarrierAccountId, Vec<Shipment>> = HashMap::new();
        for parcel in claimed {
            if let Some(account) = parcel.account_id {
                of_account.entry(account).or_default().push(parcel);
            }
        }
        for parcels in of_account.into_values() {
            poll_account(&delivery, parcels).await?;
        }
    }
}

/// One account, batch after batch; a carrier that does not answer is left alone for a while.
async fn poll_account(delivery: &Delivery, parcels: Vec<Shipment>) -> Result<()> {
    let Some(first) = parcels.as_slice().first() else { return Ok(()) };
    let (carrier, _) = delivery.carrier_of(first).await?;
    let mut batches = parcels.chunks(carrier.track_batch_max());
    while let Some(batch) = batches.next() {
        if let Err(error) = poll(delivery, carrier.as_ref(), batch).await? {
            tracing::info!(%error, carrier = carrier.name(), "tracking is asked for again");
            let rest: Vec<Uuid> =
                batch.iter().chain(batches.flatten()).map(|parcel| parcel.id.uuid()).collect();
            return postpone(delivery, &rest, &error).await;
        }
    }
    Ok(())
}

async fn poll(
    delivery: &Delivery,
    carrier: &dyn Carrier,
    batch: &[Shipment],
) -> Result<Result<(), CarrierError>> {
    let asked: Vec<TrackedParcel> = batch
        .iter()
        .map(|parcel| TrackedParcel {
            carrier_parcel_id: parcel.carrier_parcel_id.clone(),
            tracking_number: parcel.tracking_number.clone(),
        })
        .collect();
    let reports = match carrier.track(&asked, delivery.store.clock().now()).await {
        Ok(reports) => reports,
        Err(error) => return Ok(Err(error)),
    };
    let mut report_of: HashMap<ShipmentId, Report> = HashMap::new();
    for report in reports {
        let same = |parcel: &&Shipment| match report.tracking_number.as_str() {
            "" => parcel.carrier_parcel_id == report.carrier_parcel_id,
            number => parcel.tracking_number == number,
        };
        if let Some(parcel) = batch.iter().find(same) {
            report_of.insert(parcel.id, report);
        }
    }
    for parcel in batch {
        // A parcel the carrier does not know is asked about again, and is late one day.
        let report = report_of.remove(&parcel.id).unwrap_or_default();
        apply(delivery, carrier, parcel.id, report).await?;
    }
    Ok(Ok(()))
}

async fn apply(delivery: &Delivery, carrier: &dyn Carrier, id: ShipmentId, report: Report) -> Result<()> {
    delivery
        .store
        .transaction(&call(), async |tx: &mut Tx| {
            let Some(mut parcel) = shipment_rows::lock(tx, id).await? else { return Ok(()) };
            following::apply(tx, ACTION, carrier.codes(), &mut parcel, report).await
        })
        .await
}

async fn postpone(delivery: &Delivery, parcels: &[Uuid], error: &CarrierError) -> Result<()> {
    let asked = match error {
        CarrierError::NotNow { pause: Some(pause), .. } => TimeDelta::from_std(*pause).unwrap_or(PAUSE),
        _ => PAUSE,
    };
    let pause = asked.clamp(PAUSE, watch::SLOW_POLL_PAUSE);
    delivery
        .store
        .transaction(&call(), async |tx: &mut Tx| {
            let again: DateTime<Utc> = tx.now() + pause;
            let asked =
                rows::table.filter(rows::shipment_id.eq_any(parcels)).filter(rows::poll_time.is_not_null());
            diesel::update(asked).set(rows::poll_time.eq(again)).execute(tx.conn()).await?;
            Ok(())
        })
        .await
}
