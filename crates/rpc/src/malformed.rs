//! Says INVALID_ARGUMENT where tonic would say INTERNAL: that a message cannot be read is the fault of who sent it.

use tonic::body::Body;
use tonic::{Code, Status};

use crate::fault::Fault;

/// How tonic begins to say that it could not read a request. `tests/hostile` keeps the list true.
const UNREADABLE: [&str; 4] = [
    "failed to decode Protobuf message",
    "protocol error: received message",
    "Missing request message",
    "Unexpected EOF decoding stream",
];

/// The answer, unless it blames us for a message that nobody could read.
pub(crate) fn blame_the_sender(response: http::Response<Body>) -> http::Response<Body> {
    let Some(status) = Status::from_header_map(response.headers()) else { return response };
    let unreadable = UNREADABLE.iter().any(|beginning| status.message().starts_with(beginning));
    if status.code() == Code::Internal && unreadable {
        let fault =
            Fault::new(Code::InvalidArgument, "MALFORMED_MESSAGE", "the message is no valid protobuf");
        return Status::from(fault).into_http();
    }
    response
}
