//! Which address a request comes from, also behind proxies that are trusted.

use std::net::IpAddr;
use std::str::FromStr;

use axum::extract::Request;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

/// The address that a connection came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// An address or a network such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    prefix_bits: u32,
}

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

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        let same = |ours: u128, theirs: u128, width: u32| {
            let ignored_bits = width - self.prefix_bits;
            ignored_bits >= 128 || ours >> ignored_bits == theirs >> ignored_bits
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                same(ours.to_bits().into(), theirs.to_bits().into(), 32)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => same(ours.to_bits(), theirs.to_bits(), 128),
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is neither an address nor a network such as 10.0.0.0/8");
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = if prefix.is_empty() { width } else { prefix.parse().map_err(|_| wrong())? };
        if prefix_bits > width || text.ends_with('/') {
            return Err(wrong());
        }
        Ok(Self { address, prefix_bits })
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> String {
        format!("{}/{}", network.address, network.prefix_bits)
    }
}
