//! A connection that ends when the other side says nothing at first: until then HTTP/2 has no pings to notice it by.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rpc::Peer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tonic::transport::server::Connected;

/// From the connection until its first bytes are there; longer closes.
const FIRST_BYTES_MAX: Duration = Duration::from_secs(5);
/// How every HTTP/2 connection begins.
const PREFACE_LENGTH: usize = 24;

/// Waits for whoever connected, but not for ever.
pub(crate) struct Quiet<S> {
    stream: S,
    /// Inserted into each of its requests.
    peer: Option<Peer>,
    read: usize,
    first_bytes: Pin<Box<Sleep>>,
}

impl<S> Quiet<S> {
    pub(crate) fn new(stream: S, peer: Option<Peer>) -> Self {
        Self { stream, peer, read: 0, first_bytes: Box::pin(sleep(FIRST_BYTES_MAX)) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Quiet<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.read < PREFACE_LENGTH {
            self.read += buffer.filled().len() - before;
            if polled.is_pending() {
                ready!(self.first_bytes.as_mut().poll(cx));
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Quiet<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S> Connected for Quiet<S> {
    type ConnectInfo = Option<Peer>;

    fn connect_info(&self) -> Option<Peer> {
        self.peer.clone()
    }
}
