//! Processes that follow from a change, recorded in its transaction.

use saga::{Definition, NewSaga};
use store::Tx;
use uuid::Uuid;

use crate::error::Result;

/// What such a process is about; it knows the process's id.
pub trait FollowUp: Sized {
    /// The process.
    type Process: Definition<Input = Self>;

    /// Of this process.
    fn saga_id(&self) -> Result<Uuid>;
}

/// Records a process in the transaction that makes it necessary. Answers its id, to start it after the commit.
pub async fn record<F: FollowUp>(tx: &mut Tx, input: &F) -> Result<Uuid> {
    let saga_id = input.saga_id()?;
    saga::record(tx, &[NewSaga::of::<F::Process>(saga_id, input, tx.call())]).await?;
    Ok(saga_id)
}

/// The same for whoever looks next, where nobody can start it after the commit.
pub async fn record_for_anybody<F: FollowUp>(tx: &mut Tx, input: &F) -> Result<()> {
    let saga = NewSaga::of::<F::Process>(input.saga_id()?, input, tx.call());
    Ok(saga::record_for_anybody(tx, &[saga]).await?)
}
