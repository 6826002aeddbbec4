//! Serves a stack over TCP, for services that run as processes of their own.

use std::net::SocketAddr;
use std::time::Duration;

use rpc::Stack;
use tokio::net::TcpListener;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;

use crate::quiet::Quiet;

/// Streams of one connection.
const STREAMS_MAX: u32 = 1024;

/// Serves `stack` on `address` until `stop`; answers the bound address at once and the end of serving later.
pub async fn listen(
    stack: Stack<Routes>,
    address: SocketAddr,
    stop: CancellationToken,
) -> anyhow::Result<(SocketAddr, tokio::task::JoinHandle<Result<(), tonic::transport::Error>>)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let server = Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .http2_keepalive_interval(Some(Duration::from_secs(10)))
        .http2_keepalive_timeout(Some(Duration::from_secs(5)))
        .layer(stack.layer())
        .add_routes(stack.into_inner())
        .serve_with_incoming_shutdown(
            TcpListenerStream::new(listener).map(|accepted| accepted.map(Quiet::new)),
            async move { stop.cancelled().await },
        );
    Ok((bound, tokio::spawn(server)))
}
