//! Has a kept notification applied again.

use proto::payments::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Tx};
use types::ProviderNotificationId;

use crate::error::{Error, Result};
use crate::model::notification::{self, NotificationState};
use crate::{Payments, wire};

const METHOD: &str = "payments.replay_provider_notification";

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::ReplayProviderNotificationRequest,
) -> Result<pb::ProviderNotification> {
    let mut fields = Fields::new();
    let id: Option<ProviderNotificationId> = fields.parse("notification_id", &request.notification_id);
    let id = fields.finish_with(id)?;

    let replayed = payments.store.transaction(call, async |tx: &mut Tx| {
        let found = notification::lock(tx, id).await?;
        let found = found.filter(|told| call.caller.shops.allow(told.shop));
        let mut told = found.ok_or(Error::NotificationNotFound)?;

        let before = told.state;
        (told.state, told.tries, told.next_try_time) = (NotificationState::Pending, 0, Some(tx.now()));
        told.failure_code.clear();

        notification::save(tx, &told).await?;

        let audit = Audit::new(METHOD, id).shop(told.shop.uuid());
        tx.audit(audit.change("state", before.as_str(), told.state.as_str()));
        Ok::<_, Error>(wire::notification(&told))
    });
    let replayed = replayed.await?;
    payments.nudge.notify_waiters();
    Ok(replayed)
}
