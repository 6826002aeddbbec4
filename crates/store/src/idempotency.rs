//! Keyed calls: the first outcome is stored in the transaction that made it and replayed afterwards.

use diesel::OptionalExtension;
use diesel::sql_types::{Binary, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use prost::Message;
use rpc::Call;
use sha2::{Digest, Sha256};

use crate::cached_sql::cached_sql;
use crate::error::{Error, Result};
use crate::pool::Store;
use crate::transaction::{Tx, TxBody};

/// Names one keyed call.
#[derive(Debug, Clone, Copy)]
pub struct Once<'a> {
    /// The shop's id, or `org` for what belongs to the organisation: keys of different scopes do not meet.
    pub scope: &'a str,
    /// The operation, such as `orders.place_order`.
    pub method: &'static str,
    /// The caller's key.
    pub key: &'a str,
}

/// What a claimed key leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The caller is the first; the outcome is to be stored before the commit.
    New,
    /// It was done; this was the answer.
    Done(Vec<u8>),
}

/// What a request is recognised by: the same key with another fingerprint is refused.
pub fn fingerprint(request: &impl Message) -> Vec<u8> {
    Sha256::digest(request.encode_to_vec()).to_vec()
}

impl Store {
    /// Runs `body` once per key: a repeat of the same request gets the first answer, byte for byte; another request
    /// with the same key is refused. A refused call does not use up its key.
    pub async fn once<Q, R, E, F>(&self, call: &Call, once: Once<'_>, request: &Q, body: F) -> Result<R, E>
    where
        for<'t> F:
            AsyncFnOnce(&'t mut Tx) -> Result<R, E> + TxBody<&'t mut Tx, Result<R, E>, Fut: Send> + Send,
        E: From<Error> + Send,
        R: Message + Default,
        Q: Message,
    {
        let fingerprint = fingerprint(request);
        self.transaction(call, async |tx: &mut Tx| {
            if let Claim::Done(answer) = tx.claim(once, &fingerprint).await? {
                return R::decode(answer.as_slice())
                    .map_err(|error| Error::Corrupt(error.to_string()).into());
            }
            let answer = body(&mut *tx).await?;
            tx.fulfil(once, &answer.encode_to_vec()).await?;
            Ok(answer)
        })
        .await
    }
}

impl Store {
    /// The answer of a call that was done, for verbs that ask others before they claim; `None` when it is not done.
    pub async fn answered(&self, once: Once<'_>, request: &impl Message) -> Result<Option<Vec<u8>>> {
        let mut connection = self.connection().await?;
        let found = first_call(&mut connection, once).await?;
        match found {
            Some((first, _)) if first != fingerprint(request) => Err(Error::KeyReused),
            Some((_, answer)) => Ok(answer),
            None => Ok(None),
        }
    }
}

async fn first_call(
    conn: &mut AsyncPgConnection,
    once: Once<'_>,
) -> Result<Option<(Vec<u8>, Option<Vec<u8>>)>> {
    let found = cached_sql(
        "SELECT fingerprint, response FROM idempotency_keys WHERE scope = $1 AND method = $2 AND key = $3",
    )
    .bind::<Text, _>(once.scope)
    .bind::<Text, _>(once.method)
    .bind::<Text, _>(once.key)
    .returns::<(Binary, Nullable<Binary>)>()
    .get_result(conn)
    .await
    .optional()?;
    Ok(found)
}

impl Tx {
    /// Claims a key, waiting for a concurrent claim to be committed or rolled back.
    pub async fn claim(&mut self, once: Once<'_>, fingerprint: &[u8]) -> Result<Claim> {
        let now = self.now();
        let inserted = cached_sql(
            "INSERT INTO idempotency_keys (scope, method, key, fingerprint, create_time) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING",
        )
        .bind::<Text, _>(once.scope)
        .bind::<Text, _>(once.method)
        .bind::<Text, _>(once.key)
        .bind::<Binary, _>(fingerprint)
        .bind::<Timestamptz, _>(now)
        .execute(self.conn())
        .await?;
        if inserted == 1 {
            return Ok(Claim::New);
        }
        match first_call(self.conn(), once).await? {
            Some((first, _)) if first != fingerprint => Err(Error::KeyReused),
            Some((_, Some(answer))) => Ok(Claim::Done(answer)),
            Some((_, None)) | None => Err(Error::KeyInUse),
        }
    }

    /// Stores the answer of a claimed key.
    pub async fn fulfil(&mut self, once: Once<'_>, answer: &[u8]) -> Result<()> {
        failpoint::hit!("store.outcome.before", once.method, Error::Unreachable("a failpoint".into()));
        cached_sql("UPDATE idempotency_keys SET response = $4 WHERE scope = $1 AND method = $2 AND key = $3")
            .bind::<Text, _>(once.scope)
            .bind::<Text, _>(once.method)
            .bind::<Text, _>(once.key)
            .bind::<Binary, _>(answer)
            .execute(self.conn())
            .await?;
        Ok(())
    }
}
