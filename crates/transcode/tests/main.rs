//! Tests of the translation, the routes and the OpenAPI document.

#![allow(clippy::unwrap_used)]

mod json_requests;
mod openapi;
mod round_trips;
mod routes;
mod shapes;
