//! The accept loop: connections within their limits, and an orderly end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use axum::body::Body;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Version};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::activity::{Activity, Verdict};
use crate::guarded_io::GuardedIo;
use crate::layers;
use crate::peer::Peer;
use crate::settings::{Limits, Settings};
use crate::state::Gateway;
use crate::unread;

/// A gateway that listens.
#[derive(Debug)]
pub struct Serving {
    /// Where it listens; the real port when the settings said 0.
    pub address: SocketAddr,
    finished: JoinHandle<()>,
}

impl Serving {
    /// Waits until it was told to stop and all connections have ended or their time was over.
    pub async fn finished(self) -> anyhow::Result<()> {
        self.finished.await.context("the accept loop of the gateway panicked")
    }
}

/// How often a connection is looked at for being idle or stuck.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Connections that wait in the kernel to be accepted, unless it allows fewer. Who comes when there is no place comes again after
/// a second, or believes that he is connected and is not.
const QUEUE_LENGTH: u32 = 1024;
/// After an accept that failed, mostly for want of file descriptors: give others time to close theirs.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Once nobody can connect any more: how long a connection without a request is kept, for the one that may be on its way.
const LINGER: Duration = Duration::from_millis(250);
/// The kernel's queue of connections is empty when none comes for so long.
const LULL: Duration = Duration::from_millis(10);

/// Starts to listen, within a runtime.
pub fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    listen(address).with_context(|| format!("the gateway cannot listen on {address}"))
}

/// As [`TcpListener::bind`] does, whose queue has 128 places.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE_LENGTH)
}

/// Serves until `shutdown`.
pub(crate) fn start(
    listener: TcpListener,
    settings: Settings,
    gateway: Gateway,
    shutdown: CancellationToken,
) -> anyhow::Result<Serving> {
    let address = listener.local_addr()?;
    tracing::info!(%address, "the gateway listens");
    let finished = tokio::spawn(run(listener, settings, gateway, shutdown));
    Ok(Serving { address, finished })
}

async fn run(listener: TcpListener, settings: Settings, gateway: Gateway, shutdown: CancellationToken) {
    let connections = TaskTracker::new();
    let slots = Arc::new(Semaphore::new(settings.limits.connections_max));
    let (closing, lingered) = (CancellationToken::new(), CancellationToken::new());
    let notice = {
        let (closing, gateway) = (closing.clone(), gateway.clone());
        tokio::spawn(async move {
            shutdown.cancelled().await;
            gateway.draining.store(true, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(settings.drain_notice_ms)).await;
            closing.cancel();
        })
    };
    while let Some((stream, peer, slot)) = closing.run_until_cancelled(accept(&listener, &slots)).await {
        connections.spawn(serve(stream, peer, slot, gateway.clone(), lingered.clone()));
    }
    // Who has connected by now is served, though he may wait in the kernel's queue.
    let until = Instant::now() + LINGER;
    while Instant::now() < until
        && let Ok((stream, peer, slot)) = tokio::time::timeout(LULL, accept(&listener, &slots)).await
    {
        connections.spawn(serve(stream, peer, slot, gateway.clone(), lingered.clone()));
    }
    drop(listener);
    notice.abort();
    connections.close();
    let _ended_early = tokio::time::timeout_at(until, connections.wait()).await;
    lingered.cancel();
    let patience = Duration::from_millis(settings.drain_ms_max);
    if tokio::time::timeout(patience, connections.wait()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
}

/// The next connection, once there is a slot for it.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    let slot = slots.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, slot),
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves one connection until its client leaves, is idle or stuck, or the gateway stops. From the moment it drains, every
/// answer tells its client to connect anew: a connection that is closed unasked may lose a request that is on its way.
async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    _slot: Option<OwnedSemaphorePermit>,
    gateway: Gateway,
    closing: CancellationToken,
) {
    let limits = gateway.settings.limits;
    // Small answers must not wait for an acknowledgement.
    let _ = stream.set_nodelay(true);
    let activity = Activity::new();
    let io = GuardedIo::new(stream, limits.header_timeout(), limits.write_stall(), activity.clone());
    let requests = activity.clone();
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (ticket, version) = (requests.begin(request.version()), request.version());
        let (request, unread) = unread::watch(request);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer.ip()));
        let gateway = gateway.clone();
        async move {
            let mut response = layers::answer(&gateway, request).await;
            unread.pass_over().await;
            if version < Version::HTTP_2 && gateway.draining.load(Ordering::Relaxed) {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(ticket.follow(response))
        }
    });
    let builder = builder(&limits);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
    let mut look = tokio::time::interval(LOOK_INTERVAL);
    let mut ending = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
                return;
            }
            () = closing.cancelled(), if !ending => {
                connection.as_mut().graceful_shutdown();
                ending = true;
            }
            _ = look.tick() => match activity.verdict(limits.patience()) {
                Verdict::Stuck => return,
                Verdict::Idle if ending => return,
                Verdict::Idle => {
                    connection.as_mut().graceful_shutdown();
                    ending = true;
                }
                Verdict::Keep => {}
            },
        }
    }
}

/// Every limit that hyper knows, set explicitly: without a timer its own timeouts are off.
fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.patience().idle)
        .max_headers(limits.headers_max)
        .max_buf_size(limits.header_bytes_max.max(8 * 1024))
        .half_close(false)
        .keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .max_header_list_size(u32::try_from(limits.header_bytes_max).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(limits.reset_streams_max)
        .max_local_error_reset_streams(limits.reset_streams_max)
        .keep_alive_interval(limits.ping_interval())
        .keep_alive_timeout(limits.ping_interval());
    builder
}
