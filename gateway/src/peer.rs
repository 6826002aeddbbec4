//! Which address a request comes from, also behind proxies that are trusted.

use std::net::IpAddr;

use axum::extract::Request;
use http::HeaderMap;
use types::Network;

/// The address that a connection came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The peer of the connection; behind trusted proxies the last one that is not trusted, because everything further to
/// the left is only what that one claims.
pub(crate) fn address(request: &Request, trusted: &[Network]) -> Option<IpAddr> {
    let Peer(peer) = *request.extensions().get::<Peer>()?;
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(*address));
    if !is_trusted(&peer) {
        return Some(peer);
    }
    forwarded(request.headers()).into_iter().rev().find(|address| !is_trusted(address)).or(Some(peer))
}

/// The address under which a client is counted: one subscriber has a whole /64 of IPv6.
pub(crate) fn subscriber(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        },
    }
}

/// The addresses of `X-Forwarded-For` in order; what follows one that cannot be read, and nothing before it.
fn forwarded(headers: &HeaderMap) -> Vec<IpAddr> {
    let values = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let mut addresses = Vec::new();
    for text in values.flat_map(|value| value.split(',')) {
        match text.trim().parse() {
            Ok(address) => addresses.push(address),
            Err(_) => addresses.clear(),
        }
    }
    addresses
}
