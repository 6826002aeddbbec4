//! Reads what came back over HTTP, up to the carrier's own dialect.

use std::time::Duration;

use outbound::{Answer as Reply, Client, Failure, Request};
use serde::de::DeserializeOwned;

use super::{Answer, CarrierError};
use crate::model::label_rows::Label;

/// How long a carrier may think. Shorter than a job's lease by far.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// A label of a few pages.
pub const LABEL_BYTES_MAX: usize = 4 << 20;

/// What a request does at the carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it may be asked again.
    None,
    /// Something that must not happen twice.
    Some,
}

/// Sends `request`. An answer with a status that says nothing of the content (too many, broken, not available) is an error
/// here; everything else is for the dialect to read.
pub async fn send(client: &Client, request: Request, effect: Effect) -> Answer<Reply> {
    let reply = client.send(request.within(DEADLINE)).await.map_err(|failure| failed(failure, effect))?;
    match reply.status.as_u16() {
        429 => {
            let seconds = reply.header("retry-after").and_then(|text| text.trim().parse().ok());
            Err(CarrierError::NotNow {
                cause: "too many requests".to_owned(),
                pause: seconds.map(Duration::from_secs),
            })
        }
        // Nobody knows what a broken server did before it broke.
        500..=599 => Err(unsure(format!("status {}", reply.status.as_u16()), effect)),
        _ => Ok(reply),
    }
}

/// Reads JSON. What cannot be read after an effect leaves the effect unknown.
pub fn json<T: DeserializeOwned>(reply: &Reply, effect: Effect) -> Answer<T> {
    reply.json().map_err(|error| {
        // Where, not what: the text itself may name a person.
        let at = format!("{}:{}", error.line(), error.column());
        unsure(format!("status {}, not readable at {at}", reply.status.as_u16()), effect)
    })
}

/// An answer that leaves open what was done.
pub fn unsure(cause: String, effect: Effect) -> CarrierError {
    match effect {
        Effect::None => CarrierError::NotNow { cause, pause: None },
        Effect::Some => CarrierError::Unknown { cause },
    }
}

fn failed(failure: Failure, effect: Effect) -> CarrierError {
    if failure.is_unsent() {
        return CarrierError::NotNow { cause: failure.to_string(), pause: None };
    }
    unsure(failure.to_string(), effect)
}

/// A label that is one. What carriers send instead of a label is not kept.
pub fn pdf(reply: &Reply) -> Option<Label> {
    let is_pdf = reply.status.is_success() && reply.body.starts_with(b"%PDF-");
    is_pdf.then(|| Label { content: reply.body.to_vec(), content_type: "application/pdf".to_owned() })
}
