//! A connection that ends when the other side says nothing at first: until then HTTP/2 has no pings to notice it by.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tonic::transport::server::{Connected, TcpConnectInfo};

/// From the connection until its first bytes are there; longer closes.
const FIRST_BYTES_MAX: Duration = Duration::from_secs(5);
/// How every HTTP/2 connection begins.
const PREFACE_LENGTH: usize = 24;

/// Waits for whoever connected, but not for ever.
pub(crate) struct Quiet {
    stream: TcpStream,
    read: usize,
    first_bytes: Pin<Box<Sleep>>,
}

impl Quiet {
    pub(crate) fn new(stream: TcpStream) -> Self {
        // Small answers must not wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
        Self { stream, read: 0, first_bytes: Box::pin(sleep(FIRST_BYTES_MAX)) }
    }
}

impl AsyncRead for Quiet {
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

impl AsyncWrite for Quiet {
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

impl Connected for Quiet {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}
