//! Serves a stack over TCP, for services that run as processes of their own.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use rpc::identity::{CONNECTION_LIFE_MAX, refusal};
use rpc::{Identity, Servers, Stack};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tower::ServiceBuilder;

use crate::quiet::Quiet;

/// Streams of one connection.
const STREAMS_MAX: u32 = 1024;
/// How long proving who one is may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// Connections whose other side is proving who it is; more wait in the socket's queue.
const HANDSHAKES_MAX: usize = 256;

/// The end of serving.
type Served = tokio::task::JoinHandle<Result<(), tonic::transport::Error>>;

/// Serves `stack` on `address` until `stop`; answers the bound address at once and the end of serving later. With an identity,
/// only who proves a role is heard.
pub async fn listen(
    stack: Stack<Servers>,
    address: SocketAddr,
    identity: Option<Identity>,
    stop: CancellationToken,
) -> anyhow::Result<(SocketAddr, Served)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let accepted = TcpListenerStream::new(listener).map(|accepted| {
        accepted.inspect(|stream| {
            // Small answers must not wait for an acknowledgement.
            let _ = stream.set_nodelay(true);
        })
    });
    let life = identity.is_some().then_some(CONNECTION_LIFE_MAX);
    let served = match identity {
        None => {
            let heard = accepted.map(|accepted| accepted.map(|stream| Quiet::new(stream, None)));
            serve(stack, heard, life, stop)
        }
        Some(identity) => {
            let proved = accepted.map(move |accepted| prove(identity.clone(), accepted));
            let heard = proved.buffer_unordered(HANDSHAKES_MAX).filter_map(async |proved| proved);
            serve(stack, Box::pin(heard), life, stop)
        }
    };
    Ok((bound, served))
}

fn serve<S>(
    stack: Stack<Servers>,
    heard: impl Stream<Item = io::Result<Quiet<S>>> + Send + 'static,
    life: Option<Duration>,
    stop: CancellationToken,
) -> Served
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut server = Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .http2_keepalive_interval(Some(Duration::from_secs(10)))
        .http2_keepalive_timeout(Some(Duration::from_secs(5)));
    if let Some(life) = life {
        server = server.max_connection_age(life);
    }
    let served = server
        .layer(stack.layer())
        .add_routes(routes_to(stack.into_inner()))
        .serve_with_incoming_shutdown(heard, async move { stop.cancelled().await });
    tokio::spawn(served)
}

/// What tonic serves over the network.
fn routes_to(servers: Servers) -> Routes {
    let servers = ServiceBuilder::new()
        .map_request(|request: http::Request<axum::body::Body>| request.map(tonic::body::Body::new))
        .service(servers);
    axum::Router::new().fallback_service(servers).into()
}

/// The connection of who has proved a role; nothing for others, who are counted.
async fn prove(
    identity: Identity,
    accepted: io::Result<TcpStream>,
) -> Option<io::Result<Quiet<impl AsyncRead + AsyncWrite + Unpin + Send>>> {
    let stream = match accepted {
        Ok(stream) => stream,
        Err(error) => return Some(Err(error)),
    };
    let from = stream.peer_addr().ok();
    let proved = tokio::time::timeout(HANDSHAKE_MAX, identity.accept(stream)).await;
    match proved.unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into())) {
        Ok((stream, peer)) => Some(Ok(Quiet::new(stream, Some(peer)))),
        Err(error) => {
            let reason = refusal(&error);
            metrics::counter!("korob_tls_refused_total", "reason" => reason).increment(1);
            tracing::debug!(?from, reason, %error, "a connection was refused");
            None
        }
    }
}
