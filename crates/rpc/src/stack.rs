//! What every served call passes, in this order: health is open to all; then the process that calls is let in or not, where it has
//! proved its role; the caller is verified, the policy applied, too much at once refused by criticality, the deadline set, and a panic
//! turned into an answer.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use proto::api::v1::Criticality;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::admission::{Admission, AdmissionLimits, Stopwatch};
use crate::call::Call;
use crate::callee::Callers;
use crate::caller::Actor;
use crate::channel::{CAUSATION_HEADER, Inside};
use crate::exemplars::Exemplars;
use crate::fault::Fault;
use crate::identity::Peer;
use crate::malformed;
use crate::policy::{MethodPolicy, policy_of};
use crate::signing::{CALLER_HEADER, CallerKeys, SigningError};
use crate::trace::{self, TraceContext};

/// Calls one service works on at once when they are done in time; more are refused at once rather than queued.
pub const IN_FLIGHT_MAX: usize = 1024;
/// However late calls are, this many are worked on: fewer would not use the database.
const IN_FLIGHT_MIN: usize = 64;
/// Critical calls that may wait for a place at once, and for how long.
const WAITING_MAX: usize = 64;
const WAIT_MAX: Duration = Duration::from_millis(100);

static EXEMPLARS: Exemplars = Exemplars::of("korob_rpc_duration_seconds");

/// Wraps a service's routes in its [`Stack`].
#[derive(Clone)]
pub struct StackLayer {
    shared: Arc<Shared>,
}

/// A service's routes behind caller, policy, limits, deadline and panic guard.
#[derive(Clone)]
pub struct Stack<S> {
    shared: Arc<Shared>,
    inner: S,
}

struct Shared {
    name: String,
    keys: CallerKeys,
    callers: Callers,
    admission: Admission,
}

impl StackLayer {
    /// The layer of the service `name`.
    pub fn new(name: &str, keys: CallerKeys) -> Self {
        Self::for_callers(name, keys, Callers::default())
    }

    /// The same for these roles, where processes prove theirs.
    pub fn for_callers(name: &str, keys: CallerKeys, callers: Callers) -> Self {
        let limits = AdmissionLimits {
            max: IN_FLIGHT_MAX,
            min: IN_FLIGHT_MIN,
            waiting_max: WAITING_MAX,
            wait_max: WAIT_MAX,
        };
        // Leaked once per service and process: metrics want names that live for ever.
        let admission = Admission::new(Box::leak(name.to_owned().into_boxed_str()), limits);
        Self { shared: Arc::new(Shared { name: name.to_owned(), keys, callers, admission }) }
    }
}

impl<S> Layer<S> for StackLayer {
    type Service = Stack<S>;

    fn layer(&self, inner: S) -> Stack<S> {
        Stack { shared: self.shared.clone(), inner }
    }
}

impl<S> Stack<S> {
    /// The layer alone, for servers that wrap routes themselves.
    pub fn layer(&self) -> StackLayer {
        StackLayer { shared: self.shared.clone() }
    }

    /// The routes alone.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S> Service<http::Request<Body>> for Stack<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let mut inner = self.inner.clone();
        if is_open(request.uri().path()) {
            return Box::pin(inner.call(request));
        }
        let shared = self.shared.clone();
        let (policy, call) = match shared.identify(&mut request) {
            Ok(identified) => identified,
            Err(status) => return Box::pin(async move { Ok(status.into_http()) }),
        };
        let span = span(policy, &call);
        request.extensions_mut().insert(call.clone());
        let answer = async move {
            let started = Instant::now();
            let response = match policy.admit(&call.caller) {
                Ok(()) => shared.answer(policy, &call, inner.call(request)).await,
                // Seen in traces and metrics: one who may not ask is a mistake of ours, or an attack.
                Err(refusal) => Status::from(refusal).into_http(),
            };
            observe(policy, &call, started, &response);
            Ok(response)
        };
        Box::pin(answer.instrument(span))
    }
}

impl Shared {
    /// Finds out what is called, and by whom.
    fn identify(&self, request: &mut http::Request<Body>) -> Result<(&'static MethodPolicy, Call), Status> {
        let path = request.uri().path();
        let policy = policy_of(path).ok_or_else(|| Status::unimplemented("there is no such method"))?;
        if let Some(Inside { mut call, keys, audience }) = request.extensions_mut().remove() {
            if !keys.are(&self.keys) {
                return Err(unauthenticated(SigningError::Forged));
            }
            if *audience != *self.name {
                return Err(unauthenticated(SigningError::WrongAudience));
            }
            call.deadline = call.deadline.min(Instant::now() + policy.deadline_max);
            return Ok((policy, call));
        }
        let request = &*request;
        if let Some(peer) = request.extensions().get::<Option<Peer>>().and_then(Option::as_ref)
            && !self.callers.allow(peer, &self.name, policy.method)
        {
            tracing::warn!(role = %peer, operation = policy.operation, "refused: the role does not say that it calls this");
            let message = format!("the role {peer} does not call {}", policy.method);
            return Err(Fault::new(Code::PermissionDenied, "ROLE_NOT_ALLOWED", message).into());
        }
        let statement =
            header(request, CALLER_HEADER).ok_or_else(|| unauthenticated(SigningError::Missing))?;
        let caller = self.keys.verify(statement, &self.name).map_err(unauthenticated)?;
        let patience = header(request, "grpc-timeout").and_then(read_timeout).unwrap_or(policy.deadline_max);
        let trace = header(request, "traceparent").and_then(|text| text.parse().ok());
        let call = Call {
            caller: Arc::new(caller),
            deadline: Instant::now() + patience.min(policy.deadline_max),
            trace: trace.unwrap_or_else(TraceContext::root),
            causation: header(request, CAUSATION_HEADER).map(str::to_owned),
        };
        Ok((policy, call))
    }

    /// Runs the handler within its limits.
    async fn answer<F>(&self, policy: &MethodPolicy, call: &Call, handler: F) -> http::Response<Body>
    where
        F: Future<Output = Result<http::Response<Body>, Infallible>> + Send,
    {
        let Some(_admitted) = self.admission.admit(class_of(policy, call)).await else {
            let busy =
                Fault::new(Code::ResourceExhausted, "OVERLOADED", "the service is busy; try again shortly");
            return Status::from(busy.retry_after(self.admission.come_back_after())).into_http();
        };
        let stopwatch = Stopwatch::start();
        let guarded = AssertUnwindSafe(handler).catch_unwind();
        let answered = tokio::time::timeout_at(call.deadline, guarded).await;
        self.admission.observe(stopwatch, policy.deadline_max);
        match answered {
            Ok(Ok(Ok(response))) => malformed::blame_the_sender(response),
            Ok(Err(_panic)) => {
                tracing::error!("a handler panicked");
                Status::from(Fault::new(Code::Internal, "INTERNAL", "something failed inside")).into_http()
            }
            Err(_elapsed) => {
                Status::from(Fault::new(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", "not done in time"))
                    .into_http()
            }
        }
    }
}

/// What a service asks serves a request that was let in before: it is not refused like browsing.
fn class_of(policy: &MethodPolicy, call: &Call) -> Criticality {
    match (policy.criticality, &call.caller.actor) {
        (Criticality::Sheddable, Actor::Service(_)) => Criticality::Normal,
        (criticality, _) => criticality,
    }
}

/// Health and reflection say nothing about anybody's data.
pub(crate) fn is_open(path: &str) -> bool {
    path.starts_with("/grpc.health.v1.") || path.starts_with("/grpc.reflection.")
}

fn unauthenticated(error: SigningError) -> Status {
    Fault::new(Code::Unauthenticated, "CALLER_UNKNOWN", error.to_string()).into()
}

fn header<'a>(request: &'a http::Request<Body>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

fn read_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let amount: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

fn span(policy: &'static MethodPolicy, call: &Call) -> tracing::Span {
    let span = tracing::info_span!(
        "rpc",
        otel.name = policy.operation,
        otel.kind = "server",
        rpc.system = "grpc",
        operation = policy.operation,
        trace_id = %call.trace.trace_id(),
    );
    if trace::is_exported() {
        // For an exporter alone: as fields they would be written into logs, too.
        span.set_attribute("rpc.service", policy.service);
        span.set_attribute("rpc.method", policy.method);
        call.trace.adopt(&span);
    }
    span
}

fn observe(policy: &'static MethodPolicy, call: &Call, started: Instant, response: &http::Response<Body>) {
    let code = response.headers().get("grpc-status").and_then(|code| code.to_str().ok()?.parse::<i32>().ok());
    let code = Code::from_i32(code.unwrap_or(0));
    let labels = [("operation", policy.operation), ("code", code_name(code))];
    let seconds = started.elapsed().as_secs_f64();
    metrics::histogram!("korob_rpc_duration_seconds", &labels).record(seconds);
    EXEMPLARS.note(&labels, seconds, call.trace);
    if !trace::is_exported() {
        return;
    }
    let span = tracing::Span::current();
    span.set_attribute("rpc.grpc.status_code", i64::from(code as i32));
    if is_our_fault(code) {
        span.set_status(opentelemetry::trace::Status::error(code_name(code)));
    }
}

/// What OpenTelemetry counts as an error of who serves; the other refusals are the caller's affair.
fn is_our_fault(code: Code) -> bool {
    use Code::{DataLoss, DeadlineExceeded, Internal, Unavailable, Unimplemented, Unknown};
    matches!(code, Unknown | DeadlineExceeded | Unimplemented | Internal | Unavailable | DataLoss)
}

fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
