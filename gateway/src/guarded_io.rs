//! A connection that ends when the other side says nothing at first, or does not read what it asked for, and that tells
//! when the header of a request begins.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::activity::Activity;

/// Enough to tell HTTP/1 from HTTP/2. Until then hyper waits without a timer.
const FIRST_BYTES: u64 = 24;

/// How every HTTP/2 connection begins, and no HTTP/1 request.
const HTTP_2: &[u8] = b"PRI";

/// Wraps a connection in what hyper does not have: its header timeout also counts the quiet between two requests, in
/// which a proxy keeps a connection for the next one.
pub(crate) struct GuardedIo<T> {
    inner: T,
    first_bytes: Pin<Box<Sleep>>,
    read_bytes: u64,
    written: bool,
    write_stall: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    activity: Activity,
    /// In HTTP/2 bytes also come between requests.
    is_http_2: bool,
}

impl<T> GuardedIo<T> {
    pub(crate) fn new(inner: T, first_bytes: Duration, write_stall: Duration, activity: Activity) -> Self {
        let first_bytes = Box::pin(sleep(first_bytes));
        Self {
            inner,
            first_bytes,
            read_bytes: 0,
            written: false,
            write_stall,
            stalled: None,
            activity,
            is_http_2: false,
        }
    }

    /// Lets a write wait only so long for room in the socket.
    fn guard_write<R>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if polled.is_ready() {
            self.written = true;
            self.stalled = None;
            return polled;
        }
        let deadline = Instant::now() + self.write_stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for GuardedIo<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buffer);
        let new = buffer.filled().get(before..).unwrap_or_default();
        if self.read_bytes == 0 {
            self.is_http_2 = new.starts_with(HTTP_2);
        }
        if !new.is_empty() && !self.is_http_2 {
            self.activity.note_read();
        }
        self.read_bytes += new.len() as u64;
        if polled.is_pending() && self.read_bytes < FIRST_BYTES && !self.written {
            ready!(self.first_bytes.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for GuardedIo<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.guard_write(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(cx, bytes);
        self.guard_write(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(cx);
        self.guard_write(cx, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
