//! Makes connections, to allowed addresses only.
//!
//! The address is looked at here, where it is connected to, and not where the URL is read: a name that led to a public address
//! a moment ago may lead elsewhere now.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{io, vec};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

use crate::reach::{Forbidden, Reach, Scheme, literal};

const CONNECT_TIME: Duration = Duration::from_secs(3);

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Connects over TCP, for TLS to be laid over it where the URL says `https`.
#[derive(Clone)]
pub(crate) struct Connector {
    reach: Arc<Reach>,
    plain: HttpConnector<Resolver>,
    encrypted: HttpConnector<Resolver>,
}

impl Connector {
    pub(crate) fn new(reach: Arc<Reach>) -> Self {
        let to = |scheme| {
            let resolver = Resolver { scheme, reach: reach.clone(), names: GaiResolver::new() };
            let mut connector = HttpConnector::new_with_resolver(resolver);
            connector.set_nodelay(true);
            connector.set_connect_timeout(Some(CONNECT_TIME));
            connector.enforce_http(false);
            connector
        };
        Self { plain: to(Scheme::Http), encrypted: to(Scheme::Https), reach }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Self::Response, Failure>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (scheme, connector) = match uri.scheme_str() {
            Some("https") => (Scheme::Https, &mut self.encrypted),
            _ => (Scheme::Http, &mut self.plain),
        };
        // An address needs no resolver, so none would look at it.
        let address = uri.host().and_then(literal);
        if let Some(Err(forbidden)) = address.map(|address| self.reach.check(scheme, address)) {
            return std::future::ready(Err(forbidden.into())).boxed();
        }
        let connecting = connector.call(uri);
        async { Ok(connecting.await?) }.boxed()
    }
}

/// Asks where a name leads, and keeps what may be connected to.
#[derive(Clone)]
struct Resolver {
    scheme: Scheme,
    reach: Arc<Reach>,
    names: GaiResolver,
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Self::Response, Failure>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (scheme, reach) = (self.scheme, self.reach.clone());
        let asking = self.names.call(name);
        async move { Ok(allowed(&reach, scheme, asking.await?)?.into_iter()) }.boxed()
    }
}

/// The addresses that may be connected to; of a name without any, why not.
fn allowed(
    reach: &Reach,
    scheme: Scheme,
    addresses: impl Iterator<Item = SocketAddr>,
) -> Result<Vec<SocketAddr>, Failure> {
    let (mut fine, mut forbidden): (Vec<SocketAddr>, Option<Forbidden>) = (Vec::new(), None);
    for address in addresses {
        match reach.check(scheme, address.ip()) {
            Ok(()) => fine.push(address),
            Err(problem) => forbidden = Some(problem),
        }
    }
    match forbidden {
        _ if !fine.is_empty() => Ok(fine),
        Some(problem) => Err(problem.into()),
        None => Err(io::Error::from(io::ErrorKind::HostUnreachable).into()),
    }
}
