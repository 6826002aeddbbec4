//! HTTP and JSON on one side, gRPC wire bytes on the other, driven by the descriptors of `proto/`.
//!
//! - [`Api`] holds the routes of all annotated methods and finds the one of a request.
//! - [`Api::read_request`] turns path, query, body and idempotency key into the wire form of the request message.
//! - [`Api::write_response`] turns the wire form of the response into JSON.
//! - [`openapi()`] describes the same routes as an OpenAPI 3.1 document.
//!
//! Both translations are one pass over the bytes, with tables that are built once; no message is built in between.
//! Reading is strict: what protobuf's JSON mapping tolerates and a database or a partner would not, is a [`Violation`].

mod api;
mod duration;
mod field_mask;
mod field_path;
mod json_string;
mod json_text;
mod matcher;
mod openapi;
mod percent;
mod query;
mod reader;
mod route;
mod scalar;
mod tables;
mod template;
mod timestamp;
mod violation;
mod wire;
mod writer;

pub use api::{Api, Inbound, Matched, NoRoute};
pub use field_mask::{lower_camel_case, snake_case};
pub use openapi::{Info, openapi};
pub use route::{Route, RouteError};
pub use tables::{MessageId, UnsupportedShape};
pub use violation::{Reason, Violation};
pub use wire::Malformed;

/// How many elements all arrays and maps of a body may have together. An element of three bytes (`{},`) may take a
/// hundred in memory; the longest list that a method takes is a tenth of this.
pub const ELEMENTS_MAX: usize = 10_000;

/// How deep JSON objects and arrays may be nested.
pub const DEPTH_MAX: usize = 32;
