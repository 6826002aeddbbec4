//! What a durable process is.

use prost::Message;
use rpc::Call;
use tonic::Status;

use crate::steps::Saga;

/// Why a run stops before its end.
#[derive(Debug, Clone)]
pub enum Stop {
    /// A step was refused: what was done is undone.
    Refused(Status),
    /// The outcome of a step is not known: it is asked again later.
    Later(Status),
}

/// One kind of durable process.
pub trait Definition: Send + Sync + 'static {
    /// Names the kind in the database; must never change.
    const KIND: &'static str;
    /// What the process is about; stored with it.
    type Input: Message + Default + Clone + 'static;
    /// A step's opposite.
    type Undo: Send + Clone + std::fmt::Debug + 'static;
    /// What waiting callers are told.
    type Outcome: Clone + Send + Sync + 'static;

    /// All steps in order. The last one commits and closes the saga with [`crate::finish`] in the same transaction.
    fn run(
        &self,
        saga: &mut Saga<Self::Undo>,
        call: &Call,
        input: &Self::Input,
    ) -> impl Future<Output = Result<Self::Outcome, Stop>> + Send;

    /// Every undo that `run` may have registered for this input, in the order of the steps.
    fn undos(&self, input: &Self::Input) -> Vec<Self::Undo>;

    /// Undoes one step, whether or not it was done; what is already undone is fine.
    fn undo(&self, call: &Call, undo: Self::Undo) -> impl Future<Output = Result<(), Status>> + Send;

    /// After everything is undone: records why, and closes the saga with [`crate::finish`] in the same transaction.
    fn undone(
        &self,
        call: &Call,
        input: &Self::Input,
        refusal: &Status,
    ) -> impl Future<Output = Result<Self::Outcome, Status>> + Send;
}
