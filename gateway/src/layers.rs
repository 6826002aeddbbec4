//! The layers of the gateway. A request passes them from the outermost to the innermost, its answer the other way.

mod admit;
mod authenticate;
mod authorize;
mod catch_panic;
mod limit_rate;
mod refuse_unknown;
mod request_id;
mod security_headers;
mod share_origin;
mod trace;

use axum::extract::Request;
use axum::response::Response;

pub(crate) use request_id::RequestId;

use crate::handlers;
use crate::state::Gateway;

/// What a layer hands a request on to: everything further in.
///
/// The layers are functions within functions, one future for all of them; a tower of boxed services would be cloned for each request.
trait Next: Send {
    /// Answers the request.
    fn run(self, request: Request) -> impl Future<Output = Response> + Send;
}

impl<F, Answer> Next for F
where
    F: FnOnce(Request) -> Answer + Send,
    Answer: Future<Output = Response> + Send,
{
    fn run(self, request: Request) -> impl Future<Output = Response> + Send {
        self(request)
    }
}

/// Everything between a connection and a service; the innermost layer comes first here.
pub(crate) async fn answer(gateway: &Gateway, request: Request) -> Response {
    // On the heap: it holds whatever any of the handlers needs.
    let answer = |request| Box::pin(handlers::answer(gateway, request));
    // What the caller may do, from the contract of the method.
    let answer = |request| authorize::run(request, answer);
    // One caller cannot take the place of the others.
    let answer = |request| limit_rate::run(gateway, request, answer);
    // Who calls: the key, found by its digest, or the buyer, by the token.
    let answer = |request| authenticate::run(gateway, request, answer);
    // More at once would only be slower for all; what matters most is refused last.
    let answer = |request| admit::run(gateway, request, answer);
    // Unknown paths and methods end here, before any work.
    let answer = |request| refuse_unknown::run(request, answer);
    // Browsers ask first; only listed origins get an answer.
    let answer = |request| share_origin::run(gateway, request, answer);
    // A bug costs one request and not the connection.
    let answer = |request| catch_panic::run(request, answer);
    // What happened, how long it took, and the trace that goes on inside.
    let answer = |request| trace::run(request, answer);
    // Every answer names its request, and every refusal gets its body here.
    let answer = |request| request_id::run(request, answer);
    // Whatever answers, a browser must not guess, frame or keep it.
    security_headers::run(request, answer).await
}
