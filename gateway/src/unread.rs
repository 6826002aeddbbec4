//! Lets a client that still sends hear what it was answered.
//!
//! A refusal often comes before the body has been read. If the connection ended there, a client in the middle of sending
//! would see it break, and not the answer that says why.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::EXPECT;
use http::{Request, Version};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// What is read of a body that nobody wants; more than that, and the connection breaks after all.
const BYTES_MAX: usize = 4 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(1);
/// Who sends nothing for this long waits for the answer.
const LULL: Duration = Duration::from_millis(250);

/// A body that can be read to its end when the handler has left it.
pub(crate) struct Readable(Arc<Mutex<Incoming>>);

/// What the handler may have left of it.
pub(crate) struct Unread(Option<Arc<Mutex<Incoming>>>);

/// Parts the request's body from what is done with the rest of it.
pub(crate) fn watch(request: Request<Incoming>) -> (Request<Readable>, Unread) {
    // Over HTTP/2 a stream ends without its connection; who sends `Expect` has not begun to send.
    let lost = request.version() < Version::HTTP_2 && !request.headers().contains_key(EXPECT);
    let (parts, body) = request.into_parts();
    let body = Arc::new(Mutex::new(body));
    let unread = Unread(lost.then(|| body.clone()));
    (Request::from_parts(parts, Readable(body)), unread)
}

impl Unread {
    /// Reads the rest and forgets it, unless somebody still reads: a feed is answered while it comes in.
    pub(crate) async fn pass_over(self) {
        let Some(body) = self.0.and_then(Arc::into_inner) else { return };
        let mut body = body.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        if body.is_end_stream() {
            return;
        }
        let mut left = BYTES_MAX;
        let over = async {
            while let Ok(Some(Ok(frame))) = tokio::time::timeout(LULL, body.frame()).await {
                left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
                if left == 0 {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(PATIENCE, over).await;
    }
}

impl Readable {
    fn lock(&self) -> MutexGuard<'_, Incoming> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Body for Readable {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut *self.lock()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().size_hint()
    }
}
