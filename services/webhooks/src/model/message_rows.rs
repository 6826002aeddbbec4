//! What is sent: stored once, however many endpoints get it.

use diesel::OptionalExtension;
use diesel::sql_types::{Array, Binary, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Tx, cached_sql};
use types::{EventId, ShopId, WebhookDeliveryId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::delivery::NewDelivery;

/// An event and its bytes.
pub(crate) type Message = (EventId, Vec<u8>);

/// Stores messages and queues deliveries of them, in their order. Answers how many were queued.
pub(crate) async fn queue(tx: &mut Tx, messages: &[Message], deliveries: &[NewDelivery]) -> Result<usize> {
    if deliveries.is_empty() {
        return Ok(0);
    }
    let now = tx.now();
    cached_sql(
        "INSERT INTO webhook_messages (event_id, body, create_time)
         SELECT m.event_id, m.body, $3 FROM unnest($1, $2) AS m (event_id, body)
         ON CONFLICT (event_id) DO UPDATE SET create_time = excluded.create_time",
    )
    .bind::<Array<SqlUuid>, _>(messages.iter().map(|(id, _)| id.uuid()).collect::<Vec<_>>())
    .bind::<Array<Binary>, _>(messages.iter().map(|(_, body)| body.as_slice()).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(now)
    .execute(tx.conn())
    .await?;
    let ids = || deliveries.iter();
    let queued = cached_sql(
        "INSERT INTO webhook_deliveries (delivery_id, endpoint_id, event_id, type, shop_id, resource_id, replayed, state,
                                         next_attempt_time, create_time)
         SELECT d.delivery_id, d.endpoint_id, d.event_id, d.type, d.shop_id, d.resource_id, d.replayed, 'pending', $8, $8
         FROM unnest($1, $2, $3, $4, $5, $6, $7) WITH ORDINALITY
              AS d (delivery_id, endpoint_id, event_id, type, shop_id, resource_id, replayed, ordinal)
         ORDER BY d.ordinal",
    )
    .bind::<Array<SqlUuid>, _>(ids().map(|_| WebhookDeliveryId::new().uuid()).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(ids().map(|one| one.endpoint.uuid()).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(ids().map(|one| one.event.uuid()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(ids().map(|one| one.kind.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(ids().map(|one| one.shop.as_ref().map(ShopId::uuid)).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(ids().map(|one| one.resource.as_str()).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(ids().map(|one| one.replayed).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(now)
    .execute(tx.conn())
    .await?;
    Ok(queued)
}

/// The bytes of one message.
pub(crate) async fn find(connection: &mut AsyncPgConnection, event: Uuid) -> Result<Option<Vec<u8>>> {
    let found: Option<(Vec<u8>,)> = cached_sql("SELECT body FROM webhook_messages WHERE event_id = $1")
        .bind::<SqlUuid, _>(event)
        .returns::<(Binary,)>()
        .get_result(connection)
        .await
        .optional()?;
    Ok(found.map(|(body,)| body))
}
