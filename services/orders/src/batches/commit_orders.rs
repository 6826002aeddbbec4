//! Commits of orders: new ones are recorded and others are settled, in one transaction.
//!
//! A transaction costs more than the rows of one order. Both ends of placing an order are written to the same database, so
//! whoever comes next commits with whoever is done.

use rpc::{Call, Caller};
use store::{Batcher, Begun, Store, Tx};
use tonic::{Code, Status};

use crate::batches::claims;
use crate::batches::record_orders::{self, NewOrder, Verdict};
use crate::batches::settle_orders::{self, End, Settlement};
use crate::error::{Error, Result};
use crate::sagas::place_order::{PATIENCE, Settled};

/// How often a batch is tried that has to give way: of two transactions that wait for each other PostgreSQL lets one go.
const TRIES_MAX: usize = 4;

/// Records and settles orders. Cheap to clone.
#[derive(Clone)]
pub struct Commits(Batcher<Commit, Committed, Error>);

/// What is to be written of one order.
enum Commit {
    Record(Box<NewOrder>),
    Settle(Box<Settlement>),
}

/// What became of it.
enum Committed {
    Recorded(Verdict),
    Settled(Settled),
}

impl Commits {
    /// Starts the worker.
    pub fn start(store: Store) -> Self {
        Self(Batcher::start_in("orders.commit", store.clone(), move |begun, batch| {
            let store = store.clone();
            async move { run(&store, begun, batch).await }
        }))
    }

    /// Records a new order with its saga, which the caller is to start.
    pub async fn record(&self, new: NewOrder) -> Result<Verdict> {
        match self.0.submit_as("orders.record", Commit::Record(Box::new(new))).await? {
            Committed::Recorded(verdict) => Ok(verdict),
            Committed::Settled(_) => Err(mixed_up()),
        }
    }

    /// Writes an order that left the state placing, its event, its history and the end of its saga.
    pub async fn settle(&self, settlement: Settlement) -> Result<Settled> {
        match self.0.submit_as("orders.settle", Commit::Settle(Box::new(settlement))).await? {
            Committed::Settled(settled) => Ok(settled),
            Committed::Recorded(_) => Err(mixed_up()),
        }
    }
}

fn mixed_up() -> Error {
    Error::Answered(Status::internal("a batch answered another request"))
}

async fn run(store: &Store, mut begun: store::Result<Begun>, batch: Vec<Commit>) -> Vec<Result<Committed>> {
    let mut tries = 1;
    let committed = loop {
        match commit(store, begun, &batch).await {
            Err(Error::Answered(status)) if status.code() == Code::Aborted && tries < TRIES_MAX => {
                (begun, tries) = (store.begin_ahead().await, tries + 1);
            }
            committed => break committed,
        }
    };
    match committed {
        Ok((verdicts, ends)) => {
            let (mut verdicts, mut ends) = (verdicts.into_iter(), ends.into_iter());
            let mut answers = Vec::with_capacity(batch.len());
            for one in batch {
                answers.push(match one {
                    Commit::Record(_) => verdicts.next().map(Committed::Recorded).ok_or_else(mixed_up),
                    Commit::Settle(settlement) => match ends.next() {
                        Some(end) => {
                            settle_orders::settled(store, *settlement, end).await.map(Committed::Settled)
                        }
                        None => Err(mixed_up()),
                    },
                });
            }
            answers
        }
        // Something in one of them: alone, only that one fails.
        Err(Error::Answered(status)) if batch.len() > 1 && status.code() == Code::Internal => {
            let mut answers = Vec::with_capacity(batch.len());
            for one in batch {
                let begun = store.begin_ahead().await;
                answers.extend(Box::pin(run(store, begun, vec![one])).await);
            }
            answers
        }
        Err(error) => batch.iter().map(|_| Err(error.clone())).collect(),
    }
}

async fn commit(
    store: &Store,
    begun: store::Result<Begun>,
    batch: &[Commit],
) -> Result<(Vec<Verdict>, Vec<End>)> {
    let (mut new, mut settlements) = (Vec::new(), Vec::new());
    for one in batch {
        match one {
            Commit::Record(order) => new.push(&**order),
            Commit::Settle(settlement) => settlements.push(&**settlement),
        }
    }
    // In the order in which others lock them who change several.
    let mut in_order = settlements.clone();
    in_order.sort_by_key(|one| one.order.order_id);
    let call = Call::begin(Caller::service(store.service()), PATIENCE);
    store
        .transaction_in(begun?, &call, async |tx: &mut Tx| {
            // New orders and settled ones have nothing to do with each other: they share their round trips.
            let (claims, open) =
                tokio::join!(claims::claim_keys(tx, &new), settle_orders::finish(tx, &in_order));
            let (mut claims, open) = (claims?, open?);
            claims::claim_rest(tx, &new, &mut claims).await?;
            let (numbers, written) =
                tokio::join!(record_orders::insert(tx, &new, &claims), settle_orders::write(tx, &open));
            let (numbers, written) = (numbers?, written?);
            let verdicts = record_orders::tell(tx, &new, &claims, &numbers);
            let ends = settle_orders::tell(tx, &settlements, &open, &written).await?;
            Ok((verdicts, ends))
        })
        .await
}
