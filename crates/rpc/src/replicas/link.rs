//! A connection to one replica.

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tonic::Status;
use tonic::body::Body;

use crate::directory::RemoteSettings;
use crate::replicas::address::Place;

/// What requests are sent by.
pub(crate) type Link = http2::SendRequest<Body>;

/// A replica that was chosen for a call; it counts as busy until this is dropped.
pub(crate) struct Connected {
    pub(crate) place: Place,
    /// Of this connection, among those to the same place.
    pub(crate) number: u64,
    link: Link,
    busy: Arc<AtomicUsize>,
}

/// Why there is no answer.
pub(crate) enum Undelivered {
    /// Nothing of the request has left this process: here is its body.
    Unsent(Body),
    /// The replica says that it has not looked at it.
    Refused(Status),
    /// Nobody knows.
    Unknown(Status),
}

/// Connects within the time for it. The future drives the connection and ends with it.
pub(crate) async fn connect(
    service: &str,
    place: &Place,
    settings: &RemoteSettings,
) -> io::Result<(Link, BoxFuture<'static, ()>)> {
    let connected = async {
        let stream = TcpStream::connect(place.address).await?;
        // Small requests must not wait for an acknowledgement.
        stream.set_nodelay(true)?;
        match &settings.identity {
            Some(identity) => {
                let stream = identity.connect(service, stream).await?;
                speak(stream, place, settings).await
            }
            None => speak(stream, place, settings).await,
        }
    };
    let connected = tokio::time::timeout(settings.connect_timeout, connected).await;
    connected.map_err(|_elapsed| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn speak<S>(
    stream: S,
    place: &Place,
    settings: &RemoteSettings,
) -> io::Result<(Link, BoxFuture<'static, ()>)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(settings.keep_alive_interval)
        .keep_alive_timeout(settings.keep_alive_timeout)
        .keep_alive_while_idle(true)
        .handshake(TokioIo::new(stream));
    let (link, connection) = handshake.await.map_err(io::Error::other)?;
    let address = place.address;
    let driven = connection.map(move |ended| {
        if let Err(error) = ended {
            tracing::debug!(%address, %error, "a connection to a replica broke");
        }
    });
    Ok((link, driven.boxed()))
}

impl Connected {
    pub(crate) fn new(place: Place, number: u64, link: Link, busy: &Arc<AtomicUsize>) -> Self {
        busy.fetch_add(1, Ordering::Relaxed);
        Self { place, number, link, busy: busy.clone() }
    }

    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Result<Response<Body>, Undelivered> {
        *request.uri_mut() = self.uri(request.uri().path_and_query());
        match self.link.try_send_request(request).await {
            Ok(response) => Ok(response.map(Body::new)),
            Err(mut failed) => match failed.take_message() {
                Some(unsent) => Err(Undelivered::Unsent(unsent.into_body())),
                None => Err(undelivered(&failed.into_error())),
            },
        }
    }

    fn uri(&self, path: Option<&PathAndQuery>) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.place.authority.clone());
        parts.path_and_query = Some(path.cloned().unwrap_or_else(|| PathAndQuery::from_static("/")));
        Uri::from_parts(parts).unwrap_or_default()
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream beyond the last one of the other side's GOAWAY, or refused by it, was not looked at: HTTP/2 promises it.
fn undelivered(error: &hyper::Error) -> Undelivered {
    tracing::debug!(error = ?error, "a call to a replica was lost");
    let status = Status::unavailable("the connection to the service broke");
    let from_http2 = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    let is_refused = from_http2.is_some_and(|error| {
        let drains = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
        error.is_remote()
            && (drains || error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM))
    });
    if is_refused { Undelivered::Refused(status) } else { Undelivered::Unknown(status) }
}

/// Whether the replica answers that it cannot serve now, at once and for the whole call.
pub(crate) fn is_unavailable(response: &Response<Body>) -> bool {
    const UNAVAILABLE: &[u8] = b"14";
    response.headers().get(Status::GRPC_STATUS).is_some_and(|status| status.as_bytes() == UNAVAILABLE)
}
