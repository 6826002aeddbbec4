//! REST in, gRPC out: the only door of the suite that partners see.
//!
//! Routes come from the annotations in `proto/`; a new public RPC needs nothing here. Read in this order:
//!
//! - [`Settings`] and [`Limits`]: what an operator may set.
//! - `layers`: what every request passes, as a list with reasons.
//! - `handlers`: the call behind a route, and the few routes written by hand.
//! - `problem`: how refusals look, and the table of codes.
//! - `server`: the accept loop.

mod activity;
mod body;
mod by_hand;
mod callees;
mod docs;
mod guarded_io;
mod handlers;
mod keys;
mod known_caller;
mod languages;
mod layers;
mod media_types;
mod openapi;
mod operation;
mod peer;
mod pieces;
mod problem;
mod rates;
mod readiness;
mod repeats;
mod server;
mod settings;
mod state;
mod tracker;
mod unread;
mod wrong_keys;

use rpc::Directory;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use callees::callees;
pub use docs::REASONS_TEXT;
pub use openapi::text as openapi_text;
pub use problem::{CODES, CodeRow, FieldError, Problem};
pub use server::{Serving, bind};
pub use settings::{Limits, Settings};

/// The name under which the gateway makes calls.
pub const NAME: &str = "gateway";

/// Listens and serves until `shutdown`; then drains. Answers once the address is bound.
pub async fn serve(
    settings: Settings,
    directory: &Directory,
    shutdown: CancellationToken,
) -> anyhow::Result<Serving> {
    let listener = bind(settings.listen)?;
    serve_on(listener, settings, directory, shutdown)
}

/// The same on a socket that listens already, perhaps also for others.
pub fn serve_on(
    listener: TcpListener,
    settings: Settings,
    directory: &Directory,
    shutdown: CancellationToken,
) -> anyhow::Result<Serving> {
    let gateway = state::Gateway::new(settings.clone(), &directory.calling(callees()))?;
    server::start(listener, settings, gateway, shutdown)
}
