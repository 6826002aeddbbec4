//! The generated servers of one service, found by the name in a method's path.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::{BoxFuture, ready};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::Service;

/// What answers the calls of one service. Cheap to clone.
///
/// A call between services of one process passes it, so it is a look into a short list and not a router of the web.
#[derive(Clone, Default)]
pub struct Servers(Arc<Vec<Served>>);

#[derive(Clone)]
struct Served {
    /// What the paths of its methods begin with.
    prefix: Arc<str>,
    server: Arc<dyn Answers>,
}

type Answer = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

/// What a generated server is.
pub trait Server:
    Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible, Future: Send + 'static>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Server for S where
    S: Service<
            http::Request<Body>,
            Response = http::Response<Body>,
            Error = Infallible,
            Future: Send + 'static,
        > + Clone
        + Send
        + Sync
        + 'static
{
}

trait Answers: Send + Sync {
    fn answer(&self, request: http::Request<Body>) -> Answer;
}

impl<S: Server> Answers for S {
    fn answer(&self, request: http::Request<Body>) -> Answer {
        // Generated servers are always ready.
        Box::pin(self.clone().call(request))
    }
}

impl Servers {
    /// One server and no other.
    pub fn of<S: Server + NamedService>(server: S) -> Self {
        Self::default().and(server)
    }

    /// These and `server`.
    #[must_use]
    pub fn and<S: Server + NamedService>(self, server: S) -> Self {
        self.under(format!("/{}/", S::NAME), server)
    }

    /// Something that answers whatever is asked.
    pub fn any(server: impl Server) -> Self {
        Self::default().under("/".to_owned(), server)
    }

    fn under(mut self, prefix: String, server: impl Server) -> Self {
        Arc::make_mut(&mut self.0).push(Served { prefix: prefix.into(), server: Arc::new(server) });
        self
    }
}

impl Service<http::Request<Body>> for Servers {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Answer {
        let path = request.uri().path();
        match self.0.iter().find(|served| path.starts_with(&*served.prefix)) {
            Some(served) => served.server.answer(request),
            None => Box::pin(ready(Ok(Status::unimplemented("there is no such method").into_http()))),
        }
    }
}
