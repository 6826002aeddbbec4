//! Runs sagas to their end, whatever happens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prost::Message;
use rpc::{Call, Caller};
use store::Store;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;
use uuid::Uuid;

use crate::definition::{Definition, Stop};
use crate::records::{Decision, Lease, Orphan, Records};
use crate::steps::Saga;

/// How long a saga belongs to the process that runs it without a sign of life.
pub const LEASE: Duration = Duration::from_secs(8);

/// How many sagas of one kind a process keeps running. One that has just begun runs in any case: whoever began it waits for it,
/// and how many begin at once is limited where they are let in. What does not fit waits in the database, for whoever has
/// room.
pub const RUNNING_MAX: usize = 1024;

const SWEEP_PERIOD: Duration = Duration::from_secs(1);
const SWEEP_LIMIT: usize = 64;
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(3);
/// What one attempt may take: less than the lease, so that two attempts never overlap.
const ATTEMPT_MAX: Duration = Duration::from_millis(6_500);

/// Runs the sagas of one definition in tasks of their own: a caller that hangs up stops nothing. Cheap to clone.
pub struct Runner<D: Definition, R: Records = Store> {
    shared: Arc<Shared<D, R>>,
}

struct Shared<D: Definition, R> {
    definition: D,
    records: R,
    running: Mutex<HashMap<Uuid, watch::Receiver<Option<D::Outcome>>>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl<D: Definition, R: Records> Clone for Runner<D, R> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<D: Definition, R: Records> Runner<D, R> {
    /// A runner over `records`; [`Runner::recover`] must run beside it.
    pub fn new(definition: D, records: R, stop: CancellationToken) -> Self {
        let (running, tasks) = (Mutex::default(), TaskTracker::new());
        Self { shared: Arc::new(Shared { definition, records, running, tasks, stop }) }
    }

    /// The definition.
    pub fn definition(&self) -> &D {
        &self.shared.definition
    }

    /// Starts a saga that was recorded and committed by this process.
    pub fn start(&self, saga_id: Uuid, call: &Call, input: D::Input) -> watch::Receiver<Option<D::Outcome>> {
        self.spawn(
            saga_id,
            call.continued_by(self.shared.records.service(), ATTEMPT_MAX),
            input,
            Stage::First,
        )
    }

    /// Waits for the outcome of a saga that runs in this process. `None` when it does not, or not soon enough.
    pub async fn wait(&self, saga_id: Uuid, patience: Duration) -> Option<D::Outcome> {
        let outcome = self.lock().get(&saga_id).cloned()?;
        wait(outcome, patience).await
    }

    /// Takes over what other processes left, until stopped.
    pub async fn recover(&self) {
        metrics::counter!("korob_sagas_recovered_total", "saga" => D::KIND).increment(0);
        metrics::counter!("korob_saga_retries_total", "saga" => D::KIND).increment(0);
        let mut pause = SWEEP_PERIOD;
        loop {
            tokio::select! {
                () = self.shared.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            if failpoint::planted!("saga.not_taken_over") {
                continue;
            }
            pause = self.sweep().await;
        }
    }

    /// Takes over as much as fits of what nobody runs. Answers how long to wait before the next look.
    async fn sweep(&self) -> Duration {
        let limit = RUNNING_MAX.saturating_sub(self.lock().len()).min(SWEEP_LIMIT);
        if limit == 0 {
            return SWEEP_PERIOD;
        }
        match self.shared.records.take_over(D::KIND, limit as i64).await {
            Ok(orphans) => {
                let pause = if orphans.len() < SWEEP_LIMIT { SWEEP_PERIOD } else { BACKOFF_MIN };
                orphans.into_iter().for_each(|orphan| self.adopt(orphan));
                pause
            }
            Err(error) => {
                tracing::warn!(%error, kind = D::KIND, "sagas could not be looked for");
                SWEEP_PERIOD
            }
        }
    }

    /// Waits for the running sagas to end or to reach a point where another process may go on.
    pub async fn drain(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    fn adopt(&self, orphan: Orphan) {
        if self.lock().contains_key(&orphan.saga_id) {
            return; // Ours: slow, but alive.
        }
        let Ok(input) = D::Input::decode(orphan.input.as_slice()) else {
            tracing::error!(saga_id = %orphan.saga_id, kind = D::KIND, "a saga's input cannot be read");
            return;
        };
        tracing::info!(saga_id = %orphan.saga_id, kind = D::KIND, "a saga is taken over");
        metrics::counter!("korob_sagas_recovered_total", "saga" => D::KIND).increment(1);
        let mut call =
            Call::begin(Caller::service_for(self.shared.records.service(), &orphan.actor), ATTEMPT_MAX);
        if let Ok(trace) = orphan.traceparent.parse() {
            call.trace = trace;
        }
        let stage = match orphan.refusal {
            Some(_) if failpoint::planted!("saga.goes_forward_again") => Stage::Again,
            Some(refusal) => Stage::Unwinding(refusal, self.shared.definition.undos(&input)),
            None => Stage::Again,
        };
        self.spawn(orphan.saga_id, call, input, stage);
    }

    fn spawn(
        &self,
        saga_id: Uuid,
        call: Call,
        input: D::Input,
        stage: Stage<D::Undo>,
    ) -> watch::Receiver<Option<D::Outcome>> {
        let (tell, outcome) = watch::channel(None);
        self.lock().insert(saga_id, outcome.clone());
        let shared = self.shared.clone();
        let span =
            tracing::info_span!("saga", otel.name = D::KIND, %saga_id, trace_id = %call.trace.trace_id());
        call.trace.or_current_span().adopt(&span);
        let task = async move {
            // Also when a step panics: then the lease runs out and the saga is taken over.
            let _running = Entry { shared: shared.clone(), saga_id };
            let reached = shared.drive(saga_id, call, &input, stage).await;
            // Waiting callers may have gone.
            let _ = tell.send(reached);
        };
        self.shared.tasks.spawn(tracing::Instrument::instrument(task, span));
        outcome
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, watch::Receiver<Option<D::Outcome>>>> {
        self.shared.lock()
    }
}

/// How far a saga is known to have come.
enum Stage<U> {
    /// Nothing was done before this attempt.
    First,
    /// An attempt, here or in another process, may have done any of the steps.
    Again,
    /// It goes back.
    Unwinding(Status, Vec<U>),
}

/// Keeps a saga among the running ones for as long as its task lives.
struct Entry<D: Definition, R> {
    shared: Arc<Shared<D, R>>,
    saga_id: Uuid,
}

impl<D: Definition, R> Drop for Entry<D, R> {
    fn drop(&mut self) {
        self.shared.lock().remove(&self.saga_id);
    }
}

impl<D: Definition, R> Shared<D, R> {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, watch::Receiver<Option<D::Outcome>>>> {
        self.running.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl<D: Definition, R: Records> Shared<D, R> {
    /// Attempt after attempt until the saga ends, is finished by somebody else, or this process stops.
    async fn drive(
        &self,
        saga_id: Uuid,
        call: Call,
        input: &D::Input,
        mut stage: Stage<D::Undo>,
    ) -> Option<D::Outcome> {
        let (begun, mut pause) = (Instant::now(), BACKOFF_MIN);
        loop {
            let mut attempt = call.clone();
            attempt.deadline = tokio::time::Instant::now() + ATTEMPT_MAX;
            if !matches!(stage, Stage::Unwinding(..)) {
                let mut saga = Saga::new(D::KIND);
                // It holds the calls of all steps: on the heap, moving the task that waits for it moves a pointer.
                match Box::pin(self.definition.run(&mut saga, &attempt, input)).await {
                    Ok(outcome) => {
                        self.note_end(begun, "done");
                        return Some(outcome);
                    }
                    Err(Stop::Later(status)) => {
                        stage = Stage::Again;
                        self.note_retry(&status);
                    }
                    Err(Stop::Refused(status)) => {
                        let undos = match stage {
                            Stage::First => saga.into_undos(),
                            _ if failpoint::planted!("saga.undoes_the_last_attempt_only") => {
                                saga.into_undos()
                            }
                            // An earlier attempt may have come further than this one.
                            Stage::Again | Stage::Unwinding(..) => self.definition.undos(input),
                        };
                        stage = Stage::Unwinding(status, undos);
                    }
                }
            }
            if let Stage::Unwinding(refusal, undos) = &stage {
                match self.unwind(saga_id, &attempt, input, refusal, undos.clone()).await {
                    Ok(Some(undone)) => {
                        self.note_end(begun, "undone");
                        let reason = rpc::reason(refusal).unwrap_or_else(|| "NONE".to_owned());
                        metrics::counter!("korob_sagas_undone_total", "saga" => D::KIND, "reason" => reason)
                            .increment(1);
                        return Some(undone);
                    }
                    Ok(None) => return None,
                    Err(status) => self.note_retry(&status),
                }
            }
            // Up to half as long again, so that many sagas do not return at once.
            let rest = pause + pause.mul_f64(self.records.spread() / 2.0);
            pause = (pause * 2).min(BACKOFF_MAX);
            // Others may get on meanwhile: this one waits in the database, for whoever has room.
            let gives_way = self.lock().len() >= RUNNING_MAX;
            // Long enough for the rest and the attempt after it: two attempts never overlap.
            let lease = if gives_way { rest } else { rest + LEASE };
            match self.records.extend_lease(saga_id, lease).await {
                _ if gives_way => return None,
                Ok(Lease::Held) | Err(_) => {}
                Ok(Lease::Unwinding(_)) if failpoint::planted!("saga.goes_forward_again") => {}
                // Whoever decided so may be dead; as long as this one kept the lease, nobody else would go back.
                Ok(Lease::Unwinding(refusal)) if !matches!(stage, Stage::Unwinding(..)) => {
                    stage = Stage::Unwinding(refusal, self.definition.undos(input));
                }
                Ok(Lease::Unwinding(_)) => {}
                Ok(Lease::Ended) => return None,
            }
            tokio::select! {
                // The lease expires and another process, or the next start of this one, goes on.
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    /// How long it took since this process took it up.
    fn note_end(&self, begun: Instant, outcome: &'static str) {
        let labels = [("saga", D::KIND), ("outcome", outcome)];
        metrics::histogram!("korob_saga_duration_seconds", &labels).record(begun.elapsed().as_secs_f64());
    }

    fn note_retry(&self, status: &Status) {
        tracing::info!(kind = D::KIND, code = ?status.code(), message = status.message(), "a saga tries again");
        metrics::counter!("korob_saga_retries_total", "saga" => D::KIND).increment(1);
    }

    /// Undoes everything; `None` when somebody else has ended the saga, and what it holds is not ours to undo.
    async fn unwind(
        &self,
        saga_id: Uuid,
        call: &Call,
        input: &D::Input,
        refusal: &Status,
        undos: Vec<D::Undo>,
    ) -> Result<Option<D::Outcome>, Status> {
        // Decided durably before the first undo: a process that takes over must not go forward again.
        let decided = self.records.begin_unwinding(saga_id, refusal).await.map_err(|error| error.fault())?;
        let decided = decided.or_else(|| {
            let regardless = failpoint::planted!("saga.undoes_what_has_ended");
            regardless.then(|| Decision { refusal: refusal.clone(), retried: true })
        });
        let Some(Decision { refusal, retried }) = decided else {
            tracing::info!(%saga_id, kind = D::KIND, "the saga was ended by another process");
            return Ok(None);
        };
        let undos = match retried && !failpoint::planted!("saga.undoes_the_last_attempt_only") {
            true => self.definition.undos(input),
            false => undos,
        };
        failpoint::hit!("saga.unwinding.decided", D::KIND, Status::unavailable("a failpoint"));
        for undo in undos.into_iter().rev().skip(usize::from(failpoint::planted!("saga.undo_forgotten"))) {
            self.definition.undo(call, undo).await?;
            failpoint::hit!("saga.undo.done", D::KIND, Status::unavailable("a failpoint"));
        }
        self.definition.undone(call, input, &refusal).await.map(Some)
    }
}

/// Waits for the outcome of a started saga; `None` when it is not reached soon enough.
pub async fn wait<O: Clone>(mut outcome: watch::Receiver<Option<O>>, patience: Duration) -> Option<O> {
    let decided = outcome.wait_for(Option::is_some);
    let reached = tokio::time::timeout(patience, decided).await.ok()?.ok()?;
    reached.clone()
}
