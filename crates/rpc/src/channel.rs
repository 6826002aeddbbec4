//! One channel type for calls in the same process and over the network.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::HeaderValue;
use tonic::Status;
use tonic::body::Body;
use tower::Service;
use tracing::Instrument as _;

use crate::call::Call;
use crate::replicas::Replicas;
use crate::servers::Servers;
use crate::signing::{CALLER_HEADER, CallerKeys};
use crate::stack::{Stack, is_open};
use crate::trace::TraceContext;

/// The stack of a service in this process, set once it is served.
pub(crate) type LocalSlot = Arc<OnceLock<Stack<Servers>>>;

/// Leads to one service. Cheap to clone.
#[derive(Clone)]
pub struct Channel {
    pub(crate) service: Arc<str>,
    pub(crate) issuer: Arc<str>,
    pub(crate) keys: CallerKeys,
    /// What is called of it; everything when nothing is declared.
    pub(crate) declared: Option<Declared>,
    pub(crate) transport: Transport,
}

#[derive(Clone)]
pub(crate) enum Transport {
    Local(LocalSlot),
    Remote(Replicas),
}

impl Channel {
    /// The name of the service it leads to.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The channel for one call: generated clients take it.
    pub fn bind(&self, call: &Call) -> BoundChannel {
        let caller = match &self.transport {
            Transport::Local(_) => Stated::Inside(self.keys.clone(), self.service.clone()),
            Transport::Remote(_) => {
                let statement = self.keys.sign(&call.caller, &self.issuer, &self.service);
                // base64url and a dot are always a valid header.
                HeaderValue::from_str(&statement).map_or(Stated::Nobody, Stated::Signed)
            }
        };
        self.bound(caller, call.clone())
    }

    /// The channel without a caller: for health checks and reflection only.
    pub fn anonymous(&self, patience: Duration) -> BoundChannel {
        let call = Call::begin(crate::Caller::service(&self.issuer), patience);
        self.bound(Stated::Nobody, call)
    }

    fn bound(&self, caller: Stated, call: Call) -> BoundChannel {
        BoundChannel { transport: self.transport.clone(), declared: self.declared.clone(), caller, call }
    }
}

/// A channel bound to one call: adds the caller, the trace and what remains of the deadline.
#[derive(Clone)]
pub struct BoundChannel {
    transport: Transport,
    declared: Option<Declared>,
    caller: Stated,
    call: Call,
}

/// What a service says that it calls of another; of who is not called at all, nothing, not even its health.
#[derive(Clone)]
pub(crate) struct Declared {
    pub(crate) methods: &'static [&'static str],
    pub(crate) issuer: Arc<str>,
    pub(crate) service: Arc<str>,
}

impl Declared {
    /// A mistake that tests meet in one process, too, and no cluster.
    fn check(&self, path: &str) -> Result<(), Status> {
        let Self { methods, issuer, service } = self;
        if methods.is_empty() {
            return Err(Status::internal(format!("{issuer} does not say that it calls {service}")));
        }
        let method = path.rsplit('/').next().unwrap_or_default();
        if methods.contains(&method) || is_open(path) {
            return Ok(());
        }
        Err(Status::internal(format!("{issuer} does not say that it calls {method} of {service}")))
    }
}

/// How the other side learns who calls.
#[derive(Clone)]
enum Stated {
    Nobody,
    /// By the call itself, for this audience: nothing from outside this process can put one into a request.
    Inside(CallerKeys, Arc<str>),
    /// By a statement that only holders of the installation's secret can make.
    Signed(HeaderValue),
}

/// A call from this process, as it is, with the keys of who makes it: what they would sign needs no signature here. It
/// travels beside the request's headers, which is where no network reaches.
#[derive(Clone)]
pub(crate) struct Inside {
    pub(crate) call: Call,
    pub(crate) keys: CallerKeys,
    pub(crate) audience: Arc<str>,
}

impl Service<http::Request<Body>> for BoundChannel {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        // A remote channel is awaited inside the call, where the deadline covers it.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let remaining = self.call.remaining();
        if remaining.is_zero() {
            return Box::pin(async { Err(Status::deadline_exceeded("no time was left for the call")) });
        }
        let path = request.uri().path();
        if let Some(Err(undeclared)) = self.declared.as_ref().map(|declared| declared.check(path)) {
            return Box::pin(async { Err(undeclared) });
        }
        let trace = self.call.trace.or_current_span();
        let mut own = None;
        let headers = match &self.caller {
            Stated::Inside(keys, audience) => {
                let (keys, audience) = (keys.clone(), audience.clone());
                let call = Call { trace, ..self.call.clone() };
                request.extensions_mut().insert(Inside { call, keys, audience });
                return self.transport.call(request, remaining);
            }
            Stated::Nobody => request.headers_mut(),
            Stated::Signed(statement) => {
                own = trace.is_new().then(|| beginning(&request, trace));
                let headers = request.headers_mut();
                headers.insert(CALLER_HEADER, statement.clone());
                headers
            }
        };
        let traceparent = match &own {
            Some(span) => span.in_scope(|| trace.or_current_span()).to_string(),
            None => trace.to_string(),
        };
        if let Ok(value) = HeaderValue::from_str(&traceparent) {
            headers.insert("traceparent", value);
        }
        if let Some(cause) =
            self.call.causation.as_deref().and_then(|cause| HeaderValue::from_str(cause).ok())
        {
            headers.insert(CAUSATION_HEADER, cause);
        }
        headers.insert("grpc-timeout", grpc_timeout(remaining));
        let answer = self.transport.call(request, remaining);
        match own {
            Some(span) => Box::pin(answer.instrument(span)),
            None => answer,
        }
    }
}

/// The span of a call that begins its trace outside of any other, such as a job's: the other side is told of a parent, and
/// that must be somebody. In one process the other side begins the trace itself.
fn beginning(request: &http::Request<Body>, trace: TraceContext) -> tracing::Span {
    let name = request.uri().path().trim_start_matches('/');
    let span =
        tracing::debug_span!("call", otel.name = name, otel.kind = "client", trace_id = %trace.trace_id());
    trace.adopt(&span);
    span
}

impl Transport {
    fn call(
        &self,
        request: http::Request<Body>,
        remaining: Duration,
    ) -> BoxFuture<'static, Result<http::Response<Body>, Status>> {
        match self {
            Self::Local(slot) => call_local(slot.clone(), request),
            Self::Remote(replicas) => call_remote(replicas.clone(), request, remaining),
        }
    }
}

/// The metadata key that carries the id of the causing event.
pub(crate) const CAUSATION_HEADER: &str = "korob-causation";

fn call_local(
    slot: LocalSlot,
    request: http::Request<Body>,
) -> BoxFuture<'static, Result<http::Response<Body>, Status>> {
    Box::pin(async move {
        let Some(stack) = slot.get() else {
            return Err(Status::unavailable("the service is still starting"));
        };
        let answered: Result<_, Infallible> = stack.clone().call(request).await;
        answered.map_err(|never| match never {})
    })
}

fn call_remote(
    replicas: Replicas,
    request: http::Request<Body>,
    remaining: Duration,
) -> BoxFuture<'static, Result<http::Response<Body>, Status>> {
    Box::pin(async move {
        match tokio::time::timeout(remaining, replicas.call(request)).await {
            Ok(answered) => answered,
            Err(_elapsed) => Err(Status::deadline_exceeded("the service did not answer in time")),
        }
    })
}

/// At most eight digits fit; milliseconds are fine enough. One less than is left: who is called gives up first, so that
/// the answer says where the time went.
fn grpc_timeout(remaining: Duration) -> HeaderValue {
    let ms = remaining.as_millis().saturating_sub(1).clamp(1, 99_999_999);
    HeaderValue::from_str(&format!("{ms}m")).unwrap_or_else(|_| HeaderValue::from_static("1000m"))
}
