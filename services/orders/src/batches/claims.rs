//! Who comes first: claims of idempotency keys and of external ids, for a batch of new orders.

use std::collections::{HashMap, HashSet};

use diesel::sql_types::{Array, Binary, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::orders::v1::PlaceOrderResponse;
use store::{Result, Tx, cached_sql};
use types::OrderId;
use uuid::Uuid;

use crate::batches::claim_quotes;
use crate::batches::record_orders::NewOrder;

/// What becomes of a request for a new order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// It is the first.
    New,
    /// It repeats the request that made this order.
    Repeats(OrderId),
    /// It repeats, under another key, what the source sent before.
    Exists(OrderId),
    /// Its key was used for another request.
    KeyReused,
    /// Its external id was used for another order.
    ExternalIdTaken(OrderId),
    /// The time of its quote ran out.
    QuoteExpired,
    /// Another request has placed its quote.
    QuoteUsed(OrderId),
}

/// Claims quotes and external ids for those whose [keys](claim_keys) are new.
pub(super) async fn claim_rest(tx: &Tx, batch: &[&NewOrder], claims: &mut [Claim]) -> Result<()> {
    claim_quotes::claim(tx, batch, claims).await?;
    let quoted = claims.to_vec();
    let with_external_id: Vec<usize> = (0..batch.len())
        .filter(|at| claims[*at] == Claim::New && !batch[*at].external_id.is_empty())
        .collect();
    if !with_external_id.is_empty() {
        claim_external_ids(tx, batch, &with_external_id, claims).await?;
        claim_quotes::give_back(tx, batch, &quoted, claims).await?;
    }
    follow_within(batch, claims);
    Ok(())
}

/// What repeats a request of this very batch shares its fate.
fn follow_within(batch: &[&NewOrder], claims: &mut [Claim]) {
    for at in 0..claims.len() {
        let Claim::Repeats(_) = claims[at] else { continue };
        let same = |new: &&NewOrder| new.key == batch[at].key && new.order.shop_id == batch[at].order.shop_id;
        let first = batch.iter().position(same).map(|first| claims[first]);
        if let Some(
            fate @ (Claim::Exists(_) | Claim::ExternalIdTaken(_) | Claim::QuoteExpired | Claim::QuoteUsed(_)),
        ) = first
        {
            claims[at] = fate;
        }
    }
}

/// Claims the keys of a whole batch, in a constant number of statements; two equal requests may be in one batch.
pub(super) async fn claim_keys(tx: &Tx, batch: &[&NewOrder]) -> Result<Vec<Claim>> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    if failpoint::planted!("orders.key_not_claimed") {
        return Ok(vec![Claim::New; batch.len()]);
    }
    let now = tx.now();
    // Sorted, so that two processes wait for each other in one order and never in a circle.
    let mut sorted = batch.to_vec();
    sorted.sort_by(|a, b| (a.scope(), &a.key).cmp(&(b.scope(), &b.key)));
    let claimed: Vec<(String, String)> = cached_sql(
        "INSERT INTO idempotency_keys (scope, method, key, fingerprint, resource_id, create_time)
         SELECT scope, 'orders.place_order', key, fingerprint, resource_id, $5
         FROM unnest($1, $2, $3, $4) AS new (scope, key, fingerprint, resource_id)
         ON CONFLICT DO NOTHING RETURNING scope, key",
    )
    .bind::<Array<Text>, _>(sorted.iter().map(|new| new.scope()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(sorted.iter().map(|new| new.key.as_str()).collect::<Vec<_>>())
    .bind::<Array<Binary>, _>(sorted.iter().map(|new| new.fingerprint.as_slice()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(sorted.iter().map(|new| new.order.order_id.to_string()).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(now)
    .returns::<(Text, Text)>()
    .load(&mut tx.shared())
    .await?;
    if claimed.len() == batch.len() {
        return Ok(vec![Claim::New; batch.len()]);
    }

    // Of two equal keys in one batch the first was inserted. (Two orders of one quote have one id, so ids do not tell.)
    let mut claimed: HashSet<(String, String)> = claimed.into_iter().collect();
    let late: Vec<usize> = (0..batch.len())
        .filter(|at| !claimed.remove(&(batch[*at].scope(), batch[*at].key.clone())))
        .collect();
    let first = first_requests(tx, late.iter().map(|at| batch[*at])).await?;
    let mut claims = vec![Claim::New; batch.len()];
    for at in late {
        let new = &batch[at];
        claims[at] = match first.get(&(new.scope(), new.key.clone())) {
            Some(first) if first.fingerprint != new.fingerprint => Claim::KeyReused,
            Some(First { order_id, existed: true, .. }) => Claim::Exists(*order_id),
            Some(First { order_id, existed: false, .. }) => Claim::Repeats(*order_id),
            // Removed between the two statements, after 48 hours: the key is free again, but not for this batch.
            None => Claim::KeyReused,
        };
    }
    Ok(claims)
}

/// The request that claimed a key.
struct First {
    fingerprint: Vec<u8>,
    order_id: OrderId,
    /// It found its order there already, under an external id.
    existed: bool,
}

/// Scope, key, fingerprint, order and, when it found its order there already, an answer.
type FirstRow = (String, String, Vec<u8>, Option<String>, Option<Vec<u8>>);

async fn first_requests<'a>(
    tx: &Tx,
    late: impl Iterator<Item = &'a NewOrder> + Clone,
) -> Result<HashMap<(String, String), First>> {
    let rows: Vec<FirstRow> = cached_sql(
        "SELECT scope, key, fingerprint, resource_id, response FROM idempotency_keys
         JOIN unnest($1, $2) AS late (scope, key) USING (scope, key) WHERE method = 'orders.place_order'",
    )
    .bind::<Array<Text>, _>(late.clone().map(|new| new.scope()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(late.map(|new| new.key.as_str()).collect::<Vec<_>>())
    .returns::<(Text, Text, Binary, Nullable<Text>, Nullable<Binary>)>()
    .load(&mut tx.shared())
    .await?;
    let first = rows.into_iter().filter_map(|(scope, key, fingerprint, resource_id, response)| {
        let order_id = resource_id?.parse().ok()?;
        Some(((scope, key), First { fingerprint, order_id, existed: response.is_some() }))
    });
    Ok(first.collect())
}

async fn claim_external_ids(
    tx: &Tx,
    batch: &[&NewOrder],
    with: &[usize],
    claims: &mut [Claim],
) -> Result<()> {
    let mut sorted: Vec<&NewOrder> = with.iter().map(|at| batch[*at]).collect();
    sorted.sort_by(|a, b| (&a.external_id, a.order.source_id).cmp(&(&b.external_id, b.order.source_id)));
    let claimed: Vec<(Uuid,)> = cached_sql(
        "INSERT INTO order_external_ids (external_id, source_id, order_id, fingerprint)
         SELECT * FROM unnest($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING order_id",
    )
    .bind::<Array<Text>, _>(sorted.iter().map(|new| new.external_id.as_str()).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(sorted.iter().map(|new| new.order.source_id.uuid()).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(sorted.iter().map(|new| new.order.order_id.uuid()).collect::<Vec<_>>())
    .bind::<Array<Binary>, _>(sorted.iter().map(|new| new.fingerprint.as_slice()).collect::<Vec<_>>())
    .returns::<(SqlUuid,)>()
    .load(&mut tx.shared())
    .await?;
    if claimed.len() == with.len() {
        return Ok(());
    }

    let late: Vec<usize> = with
        .iter()
        .copied()
        .filter(|at| !claimed.iter().any(|row| row.0 == batch[*at].order.order_id.uuid()))
        .collect();
    let rows: Vec<(String, Uuid, Uuid, Vec<u8>)> = cached_sql(
        "SELECT external_id, source_id, order_id, fingerprint FROM order_external_ids
         JOIN unnest($1, $2) AS late (external_id, source_id) USING (external_id, source_id)",
    )
    .bind::<Array<Text>, _>(late.iter().map(|at| batch[*at].external_id.as_str()).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(late.iter().map(|at| batch[*at].order.source_id.uuid()).collect::<Vec<_>>())
    .returns::<(Text, SqlUuid, SqlUuid, Binary)>()
    .load(&mut tx.shared())
    .await?;
    for at in late {
        let new = &batch[at];
        let first = rows.iter().find(|row| row.0 == new.external_id && row.1 == new.order.source_id.uuid());
        let Some((_, _, order_id, fingerprint)) = first else { continue };
        let order_id = OrderId::from_uuid(*order_id);
        let same = *fingerprint == new.fingerprint;
        claims[at] = if same { Claim::Exists(order_id) } else { Claim::ExternalIdTaken(order_id) };
    }
    settle_keys(tx, batch, claims).await
}

/// The key of an order that exists leads to that order for ever; the key of a refused request is free again.
async fn settle_keys(tx: &Tx, batch: &[&NewOrder], claims: &[Claim]) -> Result<()> {
    let existing = || {
        batch.iter().zip(claims).filter_map(|(new, claim)| match claim {
            Claim::Exists(order_id) => Some((new, order_id)),
            _ => None,
        })
    };
    let refused = || batch.iter().zip(claims).filter(|(_, claim)| matches!(claim, Claim::ExternalIdTaken(_)));
    let existed = PlaceOrderResponse { existing: true, ..Default::default() }.encode_to_vec();
    cached_sql(
        "WITH freed AS (
            DELETE FROM idempotency_keys AS k USING unnest($1, $2, $3) AS late (scope, key, resource_id)
            WHERE k.scope = late.scope AND k.method = 'orders.place_order' AND k.key = late.key
              AND k.resource_id = late.resource_id
         )
         UPDATE idempotency_keys AS k SET resource_id = late.existing_id, response = $8
         FROM unnest($4, $5, $6, $7) AS late (scope, key, resource_id, existing_id)
         WHERE k.scope = late.scope AND k.method = 'orders.place_order' AND k.key = late.key
           AND k.resource_id = late.resource_id",
    )
    .bind::<Array<Text>, _>(refused().map(|(new, _)| new.scope()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(refused().map(|(new, _)| new.key.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(refused().map(|(new, _)| new.order.order_id.to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(existing().map(|(new, _)| new.scope()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(existing().map(|(new, _)| new.key.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(existing().map(|(new, _)| new.order.order_id.to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(existing().map(|(_, order_id)| order_id.to_string()).collect::<Vec<_>>())
    .bind::<Binary, _>(existed)
    .execute(&mut tx.shared())
    .await?;
    Ok(())
}
