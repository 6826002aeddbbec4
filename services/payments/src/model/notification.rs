//! What a provider told by webhook: kept as it came, applied once.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use store::{Error as StoreError, Tx};
use types::{PaymentAccountId, PaymentId, ProviderNotificationId, ShopId};
use uuid::Uuid;

use crate::error::Result;
use crate::schema::provider_notifications as rows;

/// Where a notification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationState {
    Pending,
    Applied,
    /// It tells of nothing that concerns payments.
    Ignored,
    /// It names no payment of ours.
    Unmatched,
    /// It could not be applied.
    Failed,
}

/// What a provider told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    pub id: ProviderNotificationId,
    pub account: PaymentAccountId,
    pub shop: ShopId,
    /// The provider's id of the event, or the digest of the body.
    pub event_key: String,
    pub kind: String,
    pub reference: String,
    pub body_sealed: Vec<u8>,
    pub state: NotificationState,
    pub failure_code: String,
    pub deliveries: i32,
    pub tries: i32,
    pub next_try_time: Option<DateTime<Utc>>,
    pub payment: Option<PaymentId>,
    pub receive_time: DateTime<Utc>,
    pub apply_time: Option<DateTime<Utc>>,
}

/// What a notification's body is sealed for.
pub fn context(id: ProviderNotificationId) -> String {
    format!("provider notification {id}")
}

impl NotificationState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Applied, Self::Ignored, Self::Unmatched, Self::Failed];

    /// The word in the database and in history.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Unmatched => "unmatched",
            Self::Failed => "failed",
        }
    }
}

/// A row of `provider_notifications`.
#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = rows, primary_key(notification_id), treat_none_as_null = true)]
pub struct NotificationRow {
    notification_id: Uuid,
    account_id: Uuid,
    shop_id: Uuid,
    event_key: String,
    #[diesel(column_name = "type_")]
    kind: String,
    reference: String,
    body_sealed: Vec<u8>,
    state: String,
    failure_code: String,
    deliveries: i32,
    tries: i32,
    next_try_time: Option<DateTime<Utc>>,
    payment_id: Option<Uuid>,
    receive_time: DateTime<Utc>,
    apply_time: Option<DateTime<Utc>>,
}

/// Keeps a notification, or counts a repeat. Answers its id, and whether it is the first.
pub async fn keep(tx: &mut Tx, notification: &Notification) -> Result<(ProviderNotificationId, Arrival)> {
    let kept: Uuid = diesel::insert_into(rows::table)
        .values(NotificationRow::of(notification))
        .on_conflict((rows::account_id, rows::event_key))
        .do_update()
        .set(rows::deliveries.eq(rows::deliveries + 1))
        .returning(rows::notification_id)
        .get_result(tx.conn())
        .await?;
    let first = kept == notification.id.uuid();
    let arrival = if first { Arrival::First } else { Arrival::Repeat };
    Ok((ProviderNotificationId::from_uuid(kept), arrival))
}

/// Whether a notification was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    First,
    Repeat,
}

/// The notification with this id, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: ProviderNotificationId) -> Result<Option<Notification>> {
    let row = rows::table.find(id.uuid()).select(NotificationRow::as_select()).for_update();
    let row: Option<NotificationRow> = row.first(tx.conn()).await.optional()?;
    row.map(NotificationRow::read).transpose()
}

/// Saves a notification that was locked.
pub async fn save(tx: &mut Tx, notification: &Notification) -> Result<()> {
    let row = NotificationRow::of(notification);
    diesel::update(rows::table.find(row.notification_id)).set(&row).execute(tx.conn()).await?;
    Ok(())
}

impl NotificationRow {
    /// What the keyset of a list is made of.
    pub fn key(&self) -> (DateTime<Utc>, Uuid) {
        (self.receive_time, self.notification_id)
    }

    /// The notification.
    pub fn read(self) -> Result<Notification> {
        let state = NotificationState::ALL.into_iter().find(|state| state.as_str() == self.state);
        Ok(Notification {
            id: ProviderNotificationId::from_uuid(self.notification_id),
            account: PaymentAccountId::from_uuid(self.account_id),
            shop: ShopId::from_uuid(self.shop_id),
            event_key: self.event_key,
            kind: self.kind,
            reference: self.reference,
            body_sealed: self.body_sealed,
            state: state.ok_or_else(|| StoreError::Corrupt("state of a notification".to_owned()))?,
            failure_code: self.failure_code,
            deliveries: self.deliveries,
            tries: self.tries,
            next_try_time: self.next_try_time,
            payment: self.payment_id.map(PaymentId::from_uuid),
            receive_time: self.receive_time,
            apply_time: self.apply_time,
        })
    }

    fn of(notification: &Notification) -> Self {
        Self {
            notification_id: notification.id.uuid(),
            account_id: notification.account.uuid(),
            shop_id: notification.shop.uuid(),
            event_key: notification.event_key.clone(),
            kind: notification.kind.clone(),
            reference: notification.reference.clone(),
            body_sealed: notification.body_sealed.clone(),
            state: notification.state.as_str().to_owned(),
            failure_code: notification.failure_code.clone(),
            deliveries: notification.deliveries,
            tries: notification.tries,
            next_try_time: notification.next_try_time,
            payment_id: notification.payment.map(|payment| payment.uuid()),
            receive_time: notification.receive_time,
            apply_time: notification.apply_time,
        }
    }
}
