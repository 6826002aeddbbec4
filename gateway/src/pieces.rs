//! An HTTP/2 answer in pieces of its own.
//!
//! hyper hands a whole frame to the HTTP/2 buffer as soon as the client's window has room for one byte. A large answer
//! would lie there, out of sight, for as long as the client likes; in pieces it stays where it is seen and dropped.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

const PIECE_BYTES_MAX: usize = 16 * 1024;

pub(crate) struct Pieces {
    body: Body,
    /// What is left of the frame that is being handed out.
    rest: Bytes,
    /// Whether that frame is handed out in one piece.
    is_whole: bool,
}

impl Pieces {
    pub(crate) fn of(body: Body) -> Self {
        Self { body, rest: Bytes::new(), is_whole: true }
    }

    /// The next piece. Those of a larger frame are copied: a slice would hold on to the whole.
    fn next_piece(&mut self) -> Frame<Bytes> {
        let length = self.rest.len().min(PIECE_BYTES_MAX);
        let piece = self.rest.split_to(length);
        Frame::data(if self.is_whole { piece } else { Bytes::copy_from_slice(&piece) })
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        self.is_whole = data.len() <= PIECE_BYTES_MAX;
                        self.rest = data;
                    }
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => return Poll::Ready(other),
            }
        }
        Poll::Ready(Some(Ok(self.next_piece())))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let hint = self.body.size_hint();
        let mut whole = SizeHint::new();
        whole.set_lower(hint.lower().saturating_add(rest));
        if let Some(upper) = hint.upper() {
            whole.set_upper(upper.saturating_add(rest));
        }
        whole
    }
}
