//! Addresses as an operator writes them, and what they lead to.

use std::io;
use std::net::SocketAddr;

use http::Uri;
use http::uri::{Authority, Scheme};

/// Why an address is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "services.{service}.address: {address:?} is no address; write {scheme}://host:port, several with commas between"
)]
pub struct InvalidAddress {
    /// Whose it is.
    pub service: String,
    /// What was written.
    pub address: String,
    /// How addresses begin: `https` with an identity, `http` without.
    pub scheme: &'static str,
}

/// One entry of a list of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    authority: Authority,
    host: String,
    port: u16,
}

/// Where one replica is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
    /// As it was written: what requests name.
    pub(crate) authority: Authority,
}

/// The entries of `addresses`, which has commas between them.
pub(crate) fn targets(
    service: &str,
    addresses: &str,
    is_secured: bool,
) -> Result<Vec<Target>, InvalidAddress> {
    let (scheme, name) = if is_secured { (Scheme::HTTPS, "https") } else { (Scheme::HTTP, "http") };
    let entries = addresses.split(',').map(str::trim);
    let targets = entries.map(|address| {
        let invalid =
            || InvalidAddress { service: service.to_owned(), address: address.to_owned(), scheme: name };
        target(address, &scheme).ok_or_else(invalid)
    });
    targets.collect()
}

fn target(address: &str, scheme: &Scheme) -> Option<Target> {
    let uri: Uri = address.parse().ok()?;
    let authority = uri.authority()?.clone();
    let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
    if uri.scheme() != Some(scheme) || !is_bare || authority.as_str().contains('@') {
        return None;
    }
    let port = authority.port_u16()?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    Some(Target { authority, host, port })
}

impl Target {
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Whether it is an address and no name, which leads to the same place for ever.
    pub(crate) fn fixed(&self) -> Option<Place> {
        let ip = self.host.parse().ok()?;
        Some(Place { address: SocketAddr::new(ip, self.port), authority: self.authority.clone() })
    }

    /// Every address of its name.
    pub(crate) async fn places(&self) -> io::Result<Vec<Place>> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await?;
        Ok(found.map(|address| Place { address, authority: self.authority.clone() }).collect())
    }
}
