//! Gives back the units of cart holds whose time has run out.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use rpc::{Call, Caller};
use store::{Store, Tx, cached_sql};
use types::ReservationId;
use uuid::Uuid;

use crate::end::{self, Act, End};
use crate::error::Result;
use crate::model::State;
use crate::schema::reservations;

/// An expired hold lives at most so much longer, a round's work aside.
pub const PERIOD: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(30);
/// Holds of one transaction.
const ROUND_LENGTH: i64 = 200;

/// Ends all holds that are due, some at a time.
pub async fn run(store: Store) -> anyhow::Result<()> {
    while expire_some(&store).await? == Round::Full {}
    Ok(())
}

#[derive(PartialEq, Eq)]
enum Round {
    Full,
    Last,
}

async fn expire_some(store: &Store) -> Result<Round> {
    let call = Call::begin(Caller::service(store.service()), PATIENCE);
    store
        .transaction(&call, async |tx: &mut Tx| {
            let due = due(tx).await?;
            let ends: Vec<End> = due.iter().map(|id| expire(&call, *id)).collect();
            // Each either expires or was ended by its owner meanwhile: there is nobody to tell.
            end::all(tx, &ends).await?;
            Ok(if ends.len() as i64 == ROUND_LENGTH { Round::Full } else { Round::Last })
        })
        .await
}

/// The holds that are due, longest first; none while another replica is at it.
async fn due(tx: &mut Tx) -> Result<Vec<ReservationId>> {
    // Not `FOR UPDATE SKIP LOCKED` on the holds: levels are locked before reservations, here as everywhere.
    let (mine,): (bool,) = cached_sql("SELECT pg_try_advisory_xact_lock(7200)")
        .returns::<(Bool,)>()
        .get_result(tx.conn())
        .await?;
    if !mine {
        return Ok(Vec::new());
    }
    let now = tx.now();
    let ids: Vec<Uuid> = reservations::table
        .filter(reservations::state.eq(State::Held.text()))
        .filter(reservations::expire_time.le(now))
        .order(reservations::expire_time)
        .limit(ROUND_LENGTH)
        .select(reservations::reservation_id)
        .load(tx.conn())
        .await?;
    Ok(ids.into_iter().map(ReservationId::from_uuid).collect())
}

fn expire(call: &Call, reservation_id: ReservationId) -> End {
    End { call: call.clone(), action: "inventory.expire_holds", reservation_id, act: Act::Expire }
}
