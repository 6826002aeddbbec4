//! Applies what providers told: the payment it names is asked for, whatever the notification says of it.
//!
//! So a notification that comes twice, late or out of order does nothing a fresh one would not.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::{StreamExt, stream};
use store::Tx;
use types::{AttemptId, PaymentAccountId, PaymentId, ProviderNotificationId, RefundId};
use uuid::Uuid;

use super::due::{self, TOGETHER_MAX, Table};
use crate::Payments;
use crate::error::{Error, Result};
use crate::model::account::{self, Account};
use crate::model::attempt::{Attempt, Outcome};
use crate::model::notification::{self, Notification, NotificationRow, NotificationState};
use crate::providers::{Notice, Subject, Trouble};
use crate::schema::{payment_attempts as attempts, provider_notifications as rows, refunds};
use crate::settlement::{self, Learned};

/// Tries of a notification that names no payment of ours yet, or whose payment cannot be asked for.
const TRIES_MAX: i32 = 8;

const NOTIFICATIONS: Table = Table {
    due: "SELECT notification_id, tries, state, '' FROM provider_notifications WHERE next_try_time <= $1
          ORDER BY next_try_time LIMIT $2 FOR UPDATE SKIP LOCKED",
    postpone: "UPDATE provider_notifications SET tries = tries + 1, next_try_time = u.next_try_time
               FROM unnest($1, $2) AS u (notification_id, next_try_time)
               WHERE provider_notifications.notification_id = u.notification_id",
};

/// What became of a notification.
#[derive(Debug)]
enum Verdict {
    Applied(PaymentId),
    Ignored,
    /// Names nothing of ours.
    Unmatched,
    /// Cannot be read, or nothing was learned about its payment.
    Failed(&'static str),
}

pub async fn run(payments: Payments) -> anyhow::Result<usize> {
    let taken = due::take(&payments, &NOTIFICATIONS, |row| pause(row.asks)).await?;
    let count = taken.len();
    stream::iter(taken)
        .for_each_concurrent(TOGETHER_MAX, |row| {
            let payments = &payments;
            async move {
                let id = ProviderNotificationId::from_uuid(row.id);
                if let Err(error) = apply(payments, id).await {
                    tracing::warn!(notification = %id, %error, "a notification was not applied and will be again");
                }
            }
        })
        .await;
    Ok(count)
}

fn pause(tries: i32) -> Duration {
    Duration::from_secs(2 << tries.clamp(0, 7))
}

async fn apply(payments: &Payments, id: ProviderNotificationId) -> Result<()> {
    let mut connection = payments.store.connection().await?;
    let row: Option<NotificationRow> = rows::table
        .find(id.uuid())
        .select(NotificationRow::as_select())
        .first(&mut *connection)
        .await
        .optional()?;
    let told = row.map(NotificationRow::read).transpose()?.ok_or(Error::NotificationNotFound)?;
    let account = account::find(&mut connection, told.account).await?.ok_or(Error::PaymentAccountNotFound)?;
    drop(connection);

    let verdict = match read(payments, &account, &told)? {
        Some(notice) => follow(payments, account.id, &notice.subject).await?,
        None => Verdict::Failed("malformed"),
    };
    conclude(payments, id, verdict).await
}

fn read(payments: &Payments, account: &Account, told: &Notification) -> Result<Option<Notice>> {
    let body = payments.store.unseal(&told.body_sealed, &notification::context(told.id))?;
    Ok(payments.providers.of(account.kind).and_then(|provider| provider.read(&body)))
}

async fn follow(payments: &Payments, account: PaymentAccountId, subject: &Subject) -> Result<Verdict> {
    let mut connection = payments.store.connection().await?;
    match subject {
        Subject::Nothing => Ok(Verdict::Ignored),
        Subject::Charge { attempt, reference } => {
            let Some(id) = attempt_of(&mut connection, account, *attempt, reference).await? else {
                return Ok(Verdict::Unmatched);
            };
            drop(connection);
            let heard = settlement::settle_named(payments, &due::call(), id, reference).await?;
            let unknown = |attempt: &Attempt| attempt.id == id && attempt.outcome == Outcome::Unknown;
            match heard.trouble {
                None if heard.payment.attempts.iter().any(unknown) => Ok(Verdict::Failed("not_known")),
                None => Ok(Verdict::Applied(heard.payment.terms.payment_id)),
                Some(Trouble::Refused { .. }) => Ok(Verdict::Failed("not_known")),
                Some(Trouble::NotDone { .. } | Trouble::Unknown { .. }) => {
                    Ok(Verdict::Failed("not_reachable"))
                }
            }
        }
        Subject::Refund { refund, reference, charge } => {
            let found = refunds_of(&mut connection, account, *refund, reference, charge).await?;
            drop(connection);
            let mut learned = Learned::Nothing;
            for (id, _) in &found {
                let id = RefundId::from_uuid(*id);
                if settlement::settle_refund(payments, &due::call(), id, reference).await?
                    == Learned::Something
                {
                    learned = Learned::Something;
                }
            }
            let payment = found.iter().map(|(_, payment)| PaymentId::from_uuid(*payment)).next();
            Ok(match (payment, learned) {
                (None, _) => Verdict::Unmatched,
                (Some(payment), Learned::Something) => Verdict::Applied(payment),
                (Some(_), Learned::Nothing) => Verdict::Failed("not_known"),
            })
        }
    }
}

/// The attempt that a provider names by our id or by its own. An account's provider speaks of its own charges only.
async fn attempt_of(
    connection: &mut AsyncPgConnection,
    account: PaymentAccountId,
    ours: Option<AttemptId>,
    reference: &str,
) -> Result<Option<AttemptId>> {
    let of_account =
        attempts::table.filter(attempts::account_id.eq(account.uuid())).select(attempts::attempt_id);
    let found: Option<Uuid> = match ours {
        Some(id) => {
            of_account.filter(attempts::attempt_id.eq(id.uuid())).first(connection).await.optional()?
        }
        None => of_account.filter(attempts::reference.eq(reference)).first(connection).await.optional()?,
    };
    Ok(found.map(AttemptId::from_uuid))
}

/// The refunds that a provider may speak of: the one it names, or all of the charge that wait.
async fn refunds_of(
    connection: &mut AsyncPgConnection,
    account: PaymentAccountId,
    ours: Option<RefundId>,
    reference: &str,
    charge: &str,
) -> Result<Vec<(Uuid, Uuid)>> {
    let of_account = refunds::table
        .inner_join(attempts::table.on(refunds::attempt_id.eq(attempts::attempt_id.nullable())))
        .filter(attempts::account_id.eq(account.uuid()))
        .select((refunds::refund_id, refunds::payment_id));
    if let Some(id) = ours {
        return Ok(of_account.filter(refunds::refund_id.eq(id.uuid())).load(connection).await?);
    }
    let of_charge = of_account.filter(attempts::reference.eq(charge));
    let waiting = refunds::state.eq("pending").or(refunds::reference.eq(reference));
    Ok(of_charge.filter(waiting).load(connection).await?)
}

async fn conclude(payments: &Payments, id: ProviderNotificationId, verdict: Verdict) -> Result<()> {
    payments
        .store
        .transaction(&due::call(), async |tx: &mut Tx| {
            let Some(mut told) = notification::lock(tx, id).await? else { return Ok(()) };
            let last_try = told.tries >= TRIES_MAX;
            let (state, code) = match verdict {
                Verdict::Applied(payment) => {
                    told.payment = Some(payment);
                    (NotificationState::Applied, "")
                }
                Verdict::Ignored => (NotificationState::Ignored, ""),
                // It may be ahead of what it is about.
                Verdict::Unmatched if last_try => (NotificationState::Unmatched, "no_such_payment"),
                Verdict::Unmatched => (NotificationState::Unmatched, "not_yet"),
                Verdict::Failed("malformed") => (NotificationState::Failed, "malformed"),
                Verdict::Failed(code) if last_try => (NotificationState::Failed, code),
                Verdict::Failed(code) => (NotificationState::Pending, code),
            };
            let over = last_try || !matches!(code, "not_yet" | "not_reachable" | "not_known");
            told.state = state;
            code.clone_into(&mut told.failure_code);
            if over {
                (told.next_try_time, told.apply_time) = (None, Some(tx.now()));
            }
            notification::save(tx, &told).await
        })
        .await
}
