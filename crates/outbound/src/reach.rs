//! How far calls go: to the public internet by TLS, and to what else the operator allows.
//!
//! An address to call is often chosen by somebody who must not see the network that we stand in: its databases, its
//! neighbours, the cloud's metadata. So what is not public is refused, whatever name leads there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use serde::{Deserialize, Serialize};
use types::Network;

/// The section `outbound` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reach {
    /// Networks such as `10.0.5.0/24` that are called although they are not public, and without TLS where the URL says
    /// `http`. Default none.
    pub allowed_networks: Vec<Network>,
}

/// Why a call is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// It leads to a network that is not public.
    #[error("{address} is {what} and is called only if the operator lists it in outbound.allowed_networks")]
    Address {
        /// Where it leads.
        address: IpAddr,
        /// What kind of address this is, such as `a loopback address`.
        what: &'static str,
    },
    /// It would show secrets on the way.
    #[error(
        "{host} is called by https only, unless the operator lists its network in outbound.allowed_networks"
    )]
    Plain {
        /// A name or an address.
        host: String,
    },
    /// It is no URL, or its host is an address that is not written as one.
    #[error("names no host by its name or address")]
    Host,
}

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Reach {
    /// The public internet and these networks.
    ///
    /// # Panics
    /// One of them is no network; for texts of the program itself.
    pub fn with(networks: &[&str]) -> Self {
        let read = |text: &&str| text.parse().unwrap_or_else(|problem: String| panic!("{problem}"));
        Self { allowed_networks: networks.iter().map(read).collect() }
    }

    /// Whether `url` may be called, as far as can be told without asking where its name leads; that is asked whenever a
    /// connection is made.
    ///
    /// # Errors
    /// It surely may not.
    pub fn check_url(&self, url: &str) -> Result<(), Forbidden> {
        let uri: Uri = url.parse().map_err(|_| Forbidden::Host)?;
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            _ => return Err(Forbidden::Host),
        };
        let host = uri.host().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
        if let Some(address) = literal(&host) {
            return self.check(scheme, address);
        }
        if host == "localhost" || host.ends_with(".localhost") {
            let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            let allowed = loopback.into_iter().any(|address| self.check(scheme, address).is_ok());
            return if allowed { Ok(()) } else { self.check(scheme, loopback[0]) };
        }
        if host.is_empty() || ends_in_a_number(&host) {
            return Err(Forbidden::Host);
        }
        match scheme {
            Scheme::Http if self.allowed_networks.is_empty() => Err(Forbidden::Plain { host }),
            _ => Ok(()),
        }
    }

    /// Whether `address` may be connected to.
    pub(crate) fn check(&self, scheme: Scheme, address: IpAddr) -> Result<(), Forbidden> {
        let address = address.to_canonical();
        if self.allowed_networks.iter().any(|network| network.contains(address)) {
            return Ok(());
        }
        if let Some(what) = not_public(address) {
            return Err(Forbidden::Address { address, what });
        }
        match scheme {
            Scheme::Https => Ok(()),
            Scheme::Http => Err(Forbidden::Plain { host: address.to_string() }),
        }
    }
}

/// An address where a URL has its host, with the brackets of version 6 or without.
pub(crate) fn literal(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

/// Resolvers take `127.1`, `0x7f000001` and `2130706433` for addresses; no name of a host ends like this.
fn ends_in_a_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let hexadecimal =
        last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    hexadecimal || last.bytes().all(|byte| byte.is_ascii_digit())
}

/// What an address is when it is not public; those that carry another address are what that one is.
fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => not_public_v4(address),
        IpAddr::V6(address) => not_public_v6(address),
    }
}

fn not_public_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [127, ..] => Some("a loopback address"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("a private address"),
        [169, 254, ..] => Some("a link-local address"),
        [100, 64..=127, ..] => Some("a carrier-grade NAT address"),
        [0, ..] => Some("an unspecified address"),
        [224..=239, ..] => Some("a multicast address"),
        // Assignments of protocols, documentation, relays and measurements; and what is kept for later, with broadcast.
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Some("a reserved address")
        }
        [240..=255, ..] => Some("a reserved address"),
        _ => None,
    }
}

fn not_public_v6(address: Ipv6Addr) -> Option<&'static str> {
    let tail = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("an unspecified address"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("a loopback address"),
        // Translated by NAT64, carried by 6to4: they lead to an address of version 4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => not_public_v4(tail(high, low)),
        [0xfc00..=0xfdff, ..] => Some("a private address"),
        [0xfe80..=0xfebf, ..] => Some("a link-local address"),
        [0xff00..=0xffff, ..] => Some("a multicast address"),
        // Teredo and other protocols, documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some("a reserved address"),
        [0x2000..=0x3fff, ..] => None,
        _ => Some("a reserved address"),
    }
}
