//! Runs concurrent requests in one transaction; when the database refuses them together, each alone.

use std::time::Duration;

use futures_util::future::BoxFuture;
use rpc::{Call, Caller};
use store::{Store, Tx};

use crate::error::{Error, Result};

/// What is done with a batch in its transaction. The inner results are each request's own; the outer error is the
/// database's, and nothing was done.
pub type Work<I, O> = for<'a> fn(&'a mut Tx, &'a [I]) -> BoxFuture<'a, Result<Vec<Result<O>>>>;

/// How long a transaction that serves many may take; each requester has a deadline of his own.
const PATIENCE: Duration = Duration::from_secs(30);
/// Tries of one request alone: the second sees what the first ran into.
const TRIES_MAX: usize = 3;

/// Does `work` for all `inputs` and answers each, in order.
pub async fn run<I, O>(store: Store, inputs: Vec<I>, work: Work<I, O>) -> Vec<Result<O>>
where
    I: Send + Sync,
    O: Send,
{
    if inputs.len() > 1 {
        match together(&store, &inputs, work).await {
            Ok(answers) => return answers,
            Err(Error::Store(error)) if is_about_all(&error) => return unreachable(&inputs, &error),
            Err(error) => tracing::info!(size = inputs.len(), %error, "a batch is run singly"),
        }
    }
    let mut answers = Vec::with_capacity(inputs.len());
    for input in inputs.chunks(1) {
        answers.push(alone(&store, input, work).await);
    }
    answers
}

async fn together<I, O>(store: &Store, inputs: &[I], work: Work<I, O>) -> Result<Vec<Result<O>>>
where
    I: Send + Sync,
    O: Send,
{
    let call = Call::begin(Caller::service(store.service()), PATIENCE);
    store.transaction(&call, async |tx: &mut Tx| work(tx, inputs).await).await
}

async fn alone<I, O>(store: &Store, input: &[I], work: Work<I, O>) -> Result<O>
where
    I: Send + Sync,
    O: Send,
{
    let mut tries = 0;
    loop {
        tries += 1;
        let answered = together(store, input, work).await;
        match answered.and_then(only) {
            Err(error) if error.is_conflict() && tries < TRIES_MAX => {}
            answer => return answer,
        }
    }
}

/// The answer of a batch of one.
pub fn only<O>(mut answers: Vec<Result<O>>) -> Result<O> {
    answers.pop().unwrap_or(Err(Error::Overtaken))
}

/// Whether a failure would only repeat itself for each request.
fn is_about_all(error: &store::Error) -> bool {
    matches!(error, store::Error::Unreachable(_) | store::Error::PoolExhausted)
}

fn unreachable<I, O>(inputs: &[I], error: &store::Error) -> Vec<Result<O>> {
    let again = || store::Error::Unreachable(error.to_string().into());
    inputs.iter().map(|_| Err(again().into())).collect()
}
