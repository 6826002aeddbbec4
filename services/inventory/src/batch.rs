//! Runs concurrent requests in one transaction, so that they share its statements and its commit.

use std::time::Duration;

use futures_util::future::BoxFuture;
use rpc::{Call, Caller};
use store::{Begun, Store, Tx};

use crate::error::{Error, Result};

/// What is done with a batch in its transaction. The inner results are the requests' own; the outer error is about the
/// transaction, and nothing was done.
pub type Work<I, O> = for<'a> fn(&'a mut Tx, &'a [I]) -> BoxFuture<'a, Result<Vec<Result<O>>>>;

/// A transaction serves many; each requester has a deadline of his own.
const PATIENCE: Duration = Duration::from_secs(30);
/// The second try sees what the first ran into.
const TRIES_MAX: usize = 3;

/// Does `work` for all `inputs`, at first in the transaction that has `begun`, and answers each, in order. A batch that the
/// database refuses is done one by one, so that only the request that it cannot stand fails.
pub async fn run<I, O>(
    store: Store,
    begun: store::Result<Begun>,
    inputs: Vec<I>,
    work: Work<I, O>,
) -> Vec<Result<O>>
where
    I: Send + Sync,
    O: Send,
{
    let error = match attempt(&store, begun, &inputs, work).await {
        Ok(answers) => return answers,
        Err(error) => error,
    };
    if error.is_about_all() {
        return inputs.iter().map(|_| Err(error.for_another())).collect();
    }
    tracing::warn!(
        size = inputs.len(),
        error = &error as &dyn std::error::Error,
        "a batch is done one by one"
    );
    let mut answers = Vec::with_capacity(inputs.len());
    for input in inputs.chunks(1) {
        let alone = attempt(&store, store.begin_ahead().await, input, work).await;
        answers.push(alone.and_then(only));
    }
    answers
}

/// The answer of a batch of one.
pub fn only<O>(mut answers: Vec<Result<O>>) -> Result<O> {
    answers.pop().unwrap_or(Err(Error::Overtaken))
}

async fn attempt<I, O>(
    store: &Store,
    mut begun: store::Result<Begun>,
    inputs: &[I],
    work: Work<I, O>,
) -> Result<Vec<Result<O>>>
where
    I: Send + Sync,
    O: Send,
{
    let call = Call::begin(Caller::service(store.service()), PATIENCE);
    let mut tries = 0;
    loop {
        tries += 1;
        match store.transaction_in(begun?, &call, async |tx: &mut Tx| work(tx, inputs).await).await {
            Err(error) if error.is_conflict() && tries < TRIES_MAX => begun = store.begin_ahead().await,
            answered => return answered,
        }
    }
}
