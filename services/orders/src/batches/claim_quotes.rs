//! Which of the new orders has which quote: each quote becomes one order, and none after its time.

use std::collections::{HashMap, HashSet};

use diesel::sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use store::{Result, Tx, cached_sql};
use uuid::Uuid;

use crate::batches::claims::Claim;
use crate::batches::record_orders::NewOrder;

/// Claims the quotes of a batch. A batch without quotes asks nothing.
pub(super) async fn claim(tx: &Tx, batch: &[&NewOrder], claims: &mut [Claim]) -> Result<()> {
    let new: Vec<(usize, Uuid)> = with_quotes(batch, claims);
    if new.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    let mut wanted: Vec<Uuid> = new.iter().map(|(_, quote)| *quote).collect();
    // Sorted, so that two processes wait for each other in one order and never in a circle.
    wanted.sort();
    wanted.dedup();
    let placed: Vec<(Uuid,)> = cached_sql(
        "UPDATE quotes SET state = 'placed'
         WHERE quote_id = ANY(ARRAY(SELECT quote_id FROM quotes WHERE quote_id = ANY($1) ORDER BY quote_id FOR UPDATE))
           AND state = 'open' AND expire_time > $2
         RETURNING quote_id",
    )
    .bind::<Array<SqlUuid>, _>(&wanted)
    .bind::<Timestamptz, _>(now)
    .returns::<(SqlUuid,)>()
    .load(&mut tx.shared())
    .await?;
    let mut placed: HashSet<Uuid> = placed.into_iter().map(|row| row.0).collect();
    let refused: Vec<(usize, Uuid)> = new.into_iter().filter(|(_, quote)| !placed.remove(quote)).collect();
    if refused.is_empty() {
        return Ok(());
    }

    let states = states(tx, refused.iter().map(|(_, quote)| *quote).collect()).await?;
    for (at, quote) in &refused {
        let is_placed = states.get(quote).is_some_and(|state| state == "placed");
        claims[*at] =
            if is_placed { Claim::QuoteUsed(batch[*at].order.order_id) } else { Claim::QuoteExpired };
    }
    free_keys(tx, refused.iter().map(|(at, _)| batch[*at])).await
}

/// A request that was refused after it had its quote, or whose order exists, gives the quote back.
pub(super) async fn give_back(tx: &Tx, batch: &[&NewOrder], before: &[Claim], after: &[Claim]) -> Result<()> {
    let had = with_quotes(batch, before);
    let lost = had.into_iter().filter(|(at, _)| after[*at] != Claim::New).map(|(_, quote)| quote);
    let lost: Vec<Uuid> = lost.collect();
    if lost.is_empty() {
        return Ok(());
    }
    cached_sql("UPDATE quotes SET state = 'open' WHERE quote_id = ANY($1) AND state = 'placed'")
        .bind::<Array<SqlUuid>, _>(lost)
        .execute(&mut tx.shared())
        .await?;
    Ok(())
}

fn with_quotes(batch: &[&NewOrder], claims: &[Claim]) -> Vec<(usize, Uuid)> {
    let new = batch.iter().zip(claims).enumerate().filter(|(_, (_, claim))| **claim == Claim::New);
    new.filter_map(|(at, (new, _))| Some((at, new.quote_id()?.uuid()))).collect()
}

async fn states(tx: &Tx, quotes: Vec<Uuid>) -> Result<HashMap<Uuid, String>> {
    let rows: Vec<(Uuid, String)> = cached_sql("SELECT quote_id, state FROM quotes WHERE quote_id = ANY($1)")
        .bind::<Array<SqlUuid>, _>(quotes)
        .returns::<(SqlUuid, Text)>()
        .load(&mut tx.shared())
        .await?;
    Ok(rows.into_iter().collect())
}

/// The key of a refused request is free again.
async fn free_keys<'a>(tx: &Tx, refused: impl Iterator<Item = &'a NewOrder> + Clone) -> Result<()> {
    cached_sql(
        "DELETE FROM idempotency_keys AS k USING unnest($1, $2) AS refused (scope, key)
         WHERE k.scope = refused.scope AND k.method = 'orders.place_order' AND k.key = refused.key",
    )
    .bind::<Array<Text>, _>(refused.clone().map(|new| new.scope()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(refused.map(|new| new.key.as_str()).collect::<Vec<_>>())
    .execute(&mut tx.shared())
    .await?;
    Ok(())
}
