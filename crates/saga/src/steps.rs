//! The steps of one run.

use std::time::Instant;

use tonic::Status;
use tracing::Instrument;

use crate::definition::Stop;

/// One run of a durable process: does steps and remembers their opposites.
#[derive(Debug)]
pub struct Saga<U> {
    kind: &'static str,
    undos: Vec<U>,
}

impl<U> Saga<U> {
    pub(crate) fn new(kind: &'static str) -> Self {
        Self { kind, undos: Vec::new() }
    }

    /// Does a step that leaves nothing to undo.
    pub async fn step<T>(
        &self,
        name: &'static str,
        step: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Stop> {
        let span = tracing::debug_span!("step", otel.name = name, saga = self.kind);
        let started = Instant::now();
        let answer = step.instrument(span).await;
        failpoint::hit!("saga.step.done", name, Stop::Later(Status::unavailable("a failpoint")));
        let labels = [("saga", self.kind), ("step", name)];
        metrics::histogram!("korob_saga_step_duration_seconds", &labels)
            .record(started.elapsed().as_secs_f64());
        answer.map_err(|status| match rpc::is_unknown_outcome(&status) {
            true => Stop::Later(status),
            false => Stop::Refused(status),
        })
    }

    /// Does a step, or `undo`es it if the process cannot be finished.
    pub async fn step_or<T>(
        &mut self,
        name: &'static str,
        undo: U,
        step: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Stop> {
        self.may_undo(undo);
        self.step(name, step).await
    }

    /// Notes the opposite of a step that is about to begin beside others; before it, as it may take effect without our
    /// hearing of it.
    pub fn may_undo(&mut self, undo: U) {
        self.undos.push(undo);
    }

    /// Does a step that must not hold up the process: a failure is `None`, and somebody else makes up for it.
    pub async fn try_later<T>(
        &self,
        name: &'static str,
        step: impl Future<Output = Result<T, Status>>,
    ) -> Option<T> {
        match self.step(name, step).await {
            Ok(value) => Some(value),
            Err(Stop::Refused(status) | Stop::Later(status)) => {
                tracing::warn!(saga = self.kind, step = name, code = ?status.code(), "a step is left for later");
                None
            }
        }
    }

    pub(crate) fn into_undos(self) -> Vec<U> {
        self.undos
    }
}
