//! Processes that answer a caller under his key.

use std::sync::Arc;

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use prost::Message;
use saga::Finished;
use store::{Once, Tx, cached_sql};
use tonic::Status;
use uuid::Uuid;

use crate::error::{Error, Result};

/// The caller's key.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Key {
    /// The shop, as the scope of the key.
    #[prost(string, tag = "1")]
    pub scope: String,
    /// As he gave it.
    #[prost(string, tag = "2")]
    pub key: String,
}

/// How such a process ended.
#[derive(Debug, Clone)]
pub enum Outcome<A> {
    /// It is done; this is the answer.
    Done(Arc<A>),
    /// It was refused; everything is as it was.
    Refused(Status),
}

impl Key {
    /// What the answer of `method` is stored under.
    pub fn once(&self, method: &'static str) -> Once<'_> {
        Once { scope: &self.scope, method, key: &self.key }
    }

    /// The key is free again: once the refusal's cause is gone, the call may be repeated.
    pub async fn free(&self, tx: &mut Tx, method: &'static str) -> Result<()> {
        cached_sql("DELETE FROM idempotency_keys WHERE scope = $1 AND method = $2 AND key = $3")
            .bind::<Text, _>(&self.scope)
            .bind::<Text, _>(method)
            .bind::<Text, _>(&self.key)
            .execute(tx.conn())
            .await?;
        Ok(())
    }

    /// The answer, from now on under the key.
    pub async fn answer<A: Message>(&self, tx: &mut Tx, method: &'static str, answer: A) -> Result<A> {
        tx.fulfil(self.once(method), &answer.encode_to_vec()).await?;
        Ok(answer)
    }
}

/// Closes the saga `saga_id` as done.
///
/// # Errors
/// Another process was faster; its answer is under the key.
pub async fn finish(tx: &mut Tx, saga_id: Uuid) -> Result<()> {
    match saga::finish(tx, &[saga_id], Finished::Done).await?.is_empty() {
        true => Err(store::Error::KeyInUse.into()),
        false => Ok(()),
    }
}

/// A saga's input that cannot be read.
pub fn corrupt(what: &str) -> Error {
    store::Error::Corrupt(format!("the input of {what}")).into()
}
