//! Tells carriers where their webhooks go, when an account was made or changed.

use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use store::{Audit, Tx};
use types::CarrierAccountId;
use uuid::Uuid;

use crate::Delivery;
use crate::error::Result;
use crate::jobs::call;
use crate::model::carrier_account_rows;
use crate::schema::carrier_accounts as rows;

pub const PERIOD: Duration = Duration::from_secs(5);
const ACTION: &str = "delivery.tell_webhooks";
const ROUND_LENGTH: i64 = 20;
/// Before a carrier that did not take it is told again.
const PAUSE: TimeDelta = TimeDelta::minutes(1);

/// Tells all that are due.
pub async fn run(delivery: Delivery) -> anyhow::Result<()> {
    let now = delivery.store.clock().now();
    let due: Vec<Uuid> = rows::table
        .filter(rows::webhook_due_time.le(now))
        .order(rows::webhook_due_time)
        .limit(ROUND_LENGTH)
        .select(rows::carrier_account_id)
        .load(&mut *delivery.store.connection().await?)
        .await?;
    for id in due {
        tell(&delivery, CarrierAccountId::from_uuid(id)).await?;
    }
    Ok(())
}

async fn tell(delivery: &Delivery, id: CarrierAccountId) -> Result<()> {
    let mut connection = delivery.store.connection().await?;
    let Some(account) = carrier_account_rows::find(&delivery.store, &mut connection, id).await? else {
        return Ok(());
    };
    drop(connection);
    let told = delivery.carriers.outside(&account).send_webhooks_to(&account.webhook_url).await;
    if let Err(error) = &told {
        tracing::warn!(%error, carrier_account_id = %id, "a carrier was not told where its webhooks go");
    }
    let store = &delivery.store;
    store
        .transaction(&call(), async |tx: &mut Tx| {
            let Some(mut current) = carrier_account_rows::lock(store, tx, id).await? else { return Ok(()) };
            // Changed meanwhile: the new address is told by the next run.
            if current.version != account.version {
                return Ok(());
            }
            if told.is_err() {
                current.webhook_due_time = Some(tx.now() + PAUSE);
                return carrier_account_rows::update(store, tx, &current).await;
            }
            let audit = Audit::new(ACTION, id).change(
                "webhook_told_url",
                &current.webhook_told_url,
                &account.webhook_url,
            );
            current.webhook_told_url.clone_from(&account.webhook_url);
            current.webhook_due_time = None;
            carrier_account_rows::update(store, tx, &current).await?;
            tx.audit(audit);
            Ok(())
        })
        .await
}
