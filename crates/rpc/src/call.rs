//! One call on its way through the suite: who, until when, in which trace.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tonic::{Request, Status};

use crate::caller::Caller;
use crate::trace::TraceContext;

/// What a verb knows about the call it serves. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who calls.
    pub caller: Arc<Caller>,
    /// When the caller stops waiting.
    pub deadline: Instant,
    /// The trace it belongs to.
    pub trace: TraceContext,
    /// The event that caused it, for handlers of events.
    pub causation: Option<String>,
}

impl Call {
    /// A call that `caller` begins now, with `patience`.
    pub fn begin(caller: Caller, patience: Duration) -> Self {
        Self {
            caller: Arc::new(caller),
            deadline: Instant::now() + patience,
            trace: TraceContext::root(),
            causation: None,
        }
    }

    /// The same trace, gone on with by `service` on behalf of this caller, with fresh patience.
    pub fn continued_by(&self, service: &str, patience: Duration) -> Self {
        let who = self.caller.on_behalf_of.clone().unwrap_or_else(|| self.caller.actor.to_string());
        Self {
            caller: Arc::new(Caller::service_for(service, &who)),
            deadline: Instant::now() + patience,
            trace: self.trace,
            causation: self.causation.clone(),
        }
    }

    /// How long the caller still waits.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// Takes a served request apart. The server stack put the call there; without it the request is refused.
pub fn open<T>(request: Request<T>) -> Result<(Call, T), Status> {
    let (_, extensions, message) = request.into_parts();
    let call = extensions.get::<Call>().cloned();
    let call = call.ok_or_else(|| Status::unauthenticated("the call did not pass the server stack"))?;
    Ok((call, message))
}
