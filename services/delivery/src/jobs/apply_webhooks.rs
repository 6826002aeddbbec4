//! Applies what carriers sent: each webhook once, in the transaction that settles it.

use std::time::Duration;

use chrono::TimeDelta;
use store::Tx;

use crate::Delivery;
use crate::booking;
use crate::carriers::{Carrier, Notice};
use crate::error::Result;
use crate::following;
use crate::jobs::call;
use crate::model::shipment::Shipment;
use crate::model::shipment_state::ShipmentState;
use crate::model::webhook_rows::{self, Webhook};
use crate::model::{carrier_account_rows, shipment_rows};

/// At least so often it is looked whether something came.
pub const PERIOD: Duration = Duration::from_millis(500);
const ACTION: &str = "delivery.apply_webhooks";
const ROUND_LENGTH: i64 = 100;
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// A webhook may be faster than the answer that names its parcel; after so many looks it is somebody else's.
const ATTEMPTS_MAX: i32 = 8;

/// Applies until nothing is due.
pub async fn run(delivery: Delivery) -> anyhow::Result<()> {
    loop {
        let claimed = delivery
            .store
            .transaction(&call(), async |tx: &mut Tx| {
                let lease = tx.now() + LEASE;
                webhook_rows::claim(tx, lease, ROUND_LENGTH).await
            })
            .await?;
        if claimed.is_empty() {
            return Ok(());
        }
        for webhook in claimed {
            let sequence = webhook.sequence;
            if let Err(error) = apply(&delivery, webhook).await {
                tracing::warn!(%error, sequence, "a webhook could not be applied; it is tried again");
            }
        }
    }
}

async fn apply(delivery: &Delivery, webhook: Webhook) -> Result<()> {
    let mut connection = delivery.store.connection().await?;
    let account = carrier_account_rows::find(&delivery.store, &mut connection, webhook.account_id).await?;
    let Some(account) = account else { return Ok(()) };
    let carrier = delivery.carriers.outside(&account);
    let notice = carrier.read_webhook(&webhook.body).unwrap_or(Notice::Nothing);
    let (carrier_parcel_id, tracking_number) = match &notice {
        Notice::Tracked(report) => (report.carrier_parcel_id.clone(), report.tracking_number.clone()),
        Notice::Booked(booking) => (booking.carrier_parcel_id().to_owned(), String::new()),
        Notice::AskAgain { carrier_parcel_id, tracking_number } => {
            (carrier_parcel_id.clone(), tracking_number.clone())
        }
        Notice::Nothing => Default::default(),
    };
    let named =
        shipment_rows::by_carrier_name(&mut connection, account.id, &carrier_parcel_id, &tracking_number);
    let id = named.await?;
    drop(connection);

    let call = call();
    let applied = delivery.store.transaction(&call, async |tx: &mut Tx| {
        let parcel = match id {
            Some(id) => shipment_rows::lock(tx, id).await?,
            None => None,
        };
        let Some(mut parcel) = parcel else { return put_aside(tx, &webhook, &notice).await };
        take(tx, carrier.as_ref(), &mut parcel, notice).await?;
        webhook_rows::settle(tx, webhook.sequence, "applied", None).await
    });
    let applied: Result<()> = applied.await;
    applied?;
    delivery.wake.notify_one();
    Ok(())
}

async fn take(tx: &mut Tx, carrier: &dyn Carrier, parcel: &mut Shipment, notice: Notice) -> Result<()> {
    match notice {
        Notice::Tracked(report) => following::apply(tx, ACTION, carrier.codes(), parcel, report).await,
        Notice::Booked(booking) => booking::apply(tx, ACTION, parcel, booking).await,
        Notice::AskAgain { .. } => {
            let now = tx.now();
            match parcel.state {
                ShipmentState::Booking | ShipmentState::Cancelling => parcel.work_time = Some(now),
                ShipmentState::Booked => parcel.times.poll = Some(now),
                ShipmentState::BookingFailed | ShipmentState::Cancelled => {}
            }
            shipment_rows::update(tx, parcel).await
        }
        Notice::Nothing => Ok(()),
    }
}

/// A webhook of no parcel that is known, yet.
async fn put_aside(tx: &mut Tx, webhook: &Webhook, notice: &Notice) -> Result<()> {
    if *notice == Notice::Nothing {
        return webhook_rows::settle(tx, webhook.sequence, "nothing for us", None).await;
    }
    if webhook.attempts >= ATTEMPTS_MAX {
        return webhook_rows::settle(tx, webhook.sequence, "of no parcel of ours", None).await;
    }
    let again = tx.now() + booking::pause(webhook.attempts);
    webhook_rows::settle(tx, webhook.sequence, "waits for its parcel", Some(again)).await
}
