//! What an operator may set: where to listen, and every limit by name.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rpc::AdmissionLimits;
use serde::{Deserialize, Serialize};
use types::Network;

use crate::activity::Patience;

/// The settings of the gateway. Every key has a default; an unknown key is an error.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where to listen; port 0 takes a free one. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// Browser origins that may call, such as `https://shop.example`. Default none: CORS is off.
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed: addresses, or networks such as `10.0.0.0/8`. Default none.
    pub trusted_proxies: Vec<Network>,
    /// How long `/readyz` says no before the listener closes, so that load balancers look away first. Default 0.
    pub drain_notice_ms: u64,
    /// How long running requests may take to finish after that. Default 20,000.
    pub drain_ms_max: u64,
    /// What a client may take.
    pub limits: Limits,
}

/// Everything has a limit, and the limit has a name.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Open connections; more wait in the listen queue of the kernel. Default 1,024.
    pub connections_max: usize,
    /// Requests in work while answers are timely; more are answered 503 at once. Critical methods may take all places,
    /// others four fifths and those that may be shed half of them. Default 512.
    pub in_flight_max: usize,
    /// Requests in work however late the answers are; between this and the maximum the limit follows them. Default 64.
    pub in_flight_min: usize,
    /// Requests of critical methods that may wait for a place; more are answered 503 at once. Default 64.
    pub waiting_max: usize,
    /// How long one of them may wait. Default 100; longer is 503.
    pub wait_ms_max: u64,
    /// Feeds that are imported and exported at once; more are answered 503. Default 8.
    pub feeds_max: usize,
    /// Streams of changes that are open at once; more are answered 503. Default 256.
    pub event_streams_max: usize,
    /// Streams of changes that one key has open; more are 429. Default 8.
    pub event_streams_per_key_max: usize,
    /// Attempts at one call, when a service could not be reached and the method may be repeated. Default 3.
    pub attempts_max: u32,
    /// Repeats in a hundred calls: with more, repeating would only add to the load. Default 10.
    pub repeats_percent_max: u32,
    /// From a request's first byte until its whole header is there, and for the first bytes of a connection.
    /// Default 5,000; longer closes.
    pub header_ms_max: u64,
    /// Size of a request's headers. Default 16 KiB; larger is 431.
    pub header_bytes_max: usize,
    /// Number of a request's headers. Default 64; more is 431.
    pub headers_max: usize,
    /// Size of a JSON body. Default 1 MiB; larger is 413.
    pub body_bytes_max: usize,
    /// Until the whole JSON body is there, and between two parts of a feed. Default 10,000; longer is 408.
    pub body_ms_max: u64,
    /// Size of an uploaded feed. Default 512 MiB; larger is 413.
    pub feed_bytes_max: u64,
    /// Webhooks that are taken at once; more are answered 503. Anybody can begin one, so they must not take the places of
    /// all the others. Default 64.
    pub webhooks_max: usize,
    /// Size of what a provider or a carrier sends. Default 1 MiB; larger is 413.
    pub webhook_bytes_max: usize,
    /// What one sender tells per second for one account of a provider or a carrier. Default 50; more is 429.
    pub webhooks_per_second_max: u32,
    /// Parcels that are looked up for buyers at once; more are answered 503. Anybody can ask, so they must not take the
    /// places of all the others. Default 64.
    pub trackers_max: usize,
    /// How often one address may look at parcels per second. Default 10; more is 429.
    pub trackers_per_second_max: u32,
    /// Size of a service's answer. Default 16 MiB; larger is 500.
    pub answer_bytes_max: usize,
    /// How long a client may leave an answer unread. Default 10,000; longer closes.
    pub write_stall_ms_max: u64,
    /// How long a client may take to read an answer to its end; streams are exempt. Default 30,000; longer closes.
    pub delivery_ms_max: u64,
    /// How long a connection may ask nothing; longer than proxies keep theirs. Default 75,000; longer closes.
    pub idle_ms_max: u64,
    /// HTTP/2 streams per connection. Default 64.
    pub streams_max: u32,
    /// HTTP/2 streams that a client reset and the gateway has not dropped yet. Default 20; more closes.
    pub reset_streams_max: usize,
    /// Interval of HTTP/2 pings; a client that does not answer within it is closed. Default 5,000.
    pub ping_ms: u64,
    /// How long an answer of the access service is trusted; a revoked key works at most this long. Default 4,000.
    pub key_trust_ms_max: u64,
    /// Keys remembered, valid and invalid ones apart. Default 10,000.
    pub keys_max: usize,
    /// Requests per second of one buyer, whichever tokens they use. Default 10; more is 429.
    pub buyer_requests_per_second_max: u32,
    /// Wrong keys per address and minute. Default 20; more is 429.
    pub wrong_keys_per_minute_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            drain_notice_ms: 0,
            drain_ms_max: 20_000,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 1024,
            in_flight_max: 512,
            in_flight_min: 64,
            waiting_max: 64,
            wait_ms_max: 100,
            feeds_max: 8,
            event_streams_max: 256,
            event_streams_per_key_max: 8,
            attempts_max: 3,
            repeats_percent_max: 10,
            header_ms_max: 5_000,
            header_bytes_max: 16 * 1024,
            headers_max: 64,
            body_bytes_max: 1024 * 1024,
            body_ms_max: 10_000,
            feed_bytes_max: 512 * 1024 * 1024,
            webhooks_max: 64,
            webhook_bytes_max: 1024 * 1024,
            webhooks_per_second_max: 50,
            trackers_max: 64,
            trackers_per_second_max: 10,
            answer_bytes_max: 16 * 1024 * 1024,
            write_stall_ms_max: 10_000,
            delivery_ms_max: 30_000,
            idle_ms_max: 75_000,
            streams_max: 64,
            reset_streams_max: 20,
            ping_ms: 5_000,
            key_trust_ms_max: 4_000,
            keys_max: 10_000,
            buyer_requests_per_second_max: 10,
            wrong_keys_per_minute_max: 20,
        }
    }
}

impl Limits {
    pub(crate) fn admission(&self) -> AdmissionLimits {
        AdmissionLimits {
            max: self.in_flight_max,
            min: self.in_flight_min,
            waiting_max: self.waiting_max,
            wait_max: Duration::from_millis(self.wait_ms_max),
        }
    }

    pub(crate) fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_ms_max)
    }

    pub(crate) fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_ms_max)
    }

    pub(crate) fn write_stall(&self) -> Duration {
        Duration::from_millis(self.write_stall_ms_max)
    }

    pub(crate) fn patience(&self) -> Patience {
        Patience {
            header: self.header_timeout(),
            delivery: Duration::from_millis(self.delivery_ms_max),
            idle: Duration::from_millis(self.idle_ms_max),
        }
    }

    pub(crate) fn ping_interval(&self) -> Duration {
        Duration::from_millis(self.ping_ms)
    }

    pub(crate) fn key_trust(&self) -> Duration {
        Duration::from_millis(self.key_trust_ms_max)
    }
}
