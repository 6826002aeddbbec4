//! Calls whose answer a saga gives: claimed once, begun once, answered to everybody who asks under the key.

use std::sync::Arc;
use std::time::Duration;

use diesel::OptionalExtension;
use diesel::sql_types::{Integer, Text};
use diesel_async::RunQueryDsl;
use prost::Message;
use rpc::Call;
use saga::{Definition, Runner};
use store::{Claim, Once, Tx, cached_sql, fingerprint};
use uuid::Uuid;

use crate::Orders;
use crate::error::{Error, Result};
use crate::sagas::keyed::Outcome;

/// How far a call with a key has come.
pub(super) enum Begun<I> {
    /// It was recorded just now.
    Now(Uuid, I),
    /// It runs, here or in another process.
    Running(Option<Uuid>),
    /// It was answered.
    Before(Vec<u8>),
}

/// Whether a call came with the key before: then it is answered, and nothing is asked of anybody.
pub(super) async fn is_known(orders: &Orders, once: Once<'_>) -> Result<bool> {
    let mut connection = orders.store.connection().await?;
    let found: Option<(i32,)> =
        cached_sql("SELECT 1 FROM idempotency_keys WHERE scope = $1 AND method = $2 AND key = $3")
            .bind::<Text, _>(once.scope)
            .bind::<Text, _>(once.method)
            .bind::<Text, _>(once.key)
            .returns::<(Integer,)>()
            .get_result(&mut *connection)
            .await
            .optional()?;
    Ok(found.is_some())
}

/// Claims the key; `None` for the first who does. `running` is what may be running under it.
pub(super) async fn claim<I>(
    tx: &mut Tx,
    once: Once<'_>,
    request: &impl Message,
    running: Option<Uuid>,
) -> Result<Option<Begun<I>>> {
    match tx.claim(once, &fingerprint(request)).await {
        Ok(Claim::New) => Ok(None),
        Ok(Claim::Done(answer)) => Ok(Some(Begun::Before(answer))),
        Err(store::Error::KeyInUse) => Ok(Some(Begun::Running(running))),
        Err(error) => Err(error.into()),
    }
}

/// The answer, or that it is not known yet.
pub(super) async fn conclude<D, A>(
    runner: &Runner<D>,
    call: &Call,
    begun: Begun<D::Input>,
    patience: Duration,
) -> Result<A>
where
    D: Definition<Outcome = Outcome<A>>,
    A: Message + Default + Clone,
{
    let outcome = match begun {
        Begun::Before(answer) => {
            return A::decode(answer.as_slice())
                .map_err(|error| store::Error::Corrupt(error.to_string()).into());
        }
        Begun::Now(saga_id, input) => saga::wait(runner.start(saga_id, call, input), patience).await,
        Begun::Running(Some(saga_id)) => runner.wait(saga_id, patience).await,
        Begun::Running(None) => None,
    };
    match outcome {
        Some(Outcome::Done(answer)) => Ok(Arc::unwrap_or_clone(answer)),
        Some(Outcome::Refused(status)) => Err(Error::Answered(status)),
        None => Err(store::Error::KeyInUse.into()),
    }
}
