//! Tests of the translation, the routes and the OpenAPI document.

mod json_requests;
mod openapi;
mod routes;
mod round_trips;
mod shapes;
