//! The address of a page for buyers, to which their links add a fragment.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An absolute address over HTTPS without user and fragment; over HTTP only on this machine, for those who develop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageUrl(String);

/// Not the address of such a page.
#[derive(Debug, thiserror::Error)]
#[error(
    "an address such as \"https://shop.example/order\", without user, \"#\" and spaces, of at most 500 characters"
)]
pub(crate) struct PageUrlError;

const LENGTH_MAX: usize = 500;

impl FromStr for PageUrl {
    type Err = PageUrlError;

    fn from_str(text: &str) -> Result<Self, PageUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(PageUrlError)?;
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let allowed = match scheme {
            "https" => is_authority(authority),
            "http" => is_authority(authority) && is_local(host(authority)),
            _ => false,
        };
        // What a browser would have to escape, it may read differently from how it was meant.
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte));
        if allowed && plain && text.len() <= LENGTH_MAX {
            Ok(Self(text.to_owned()))
        } else {
            Err(PageUrlError)
        }
    }
}

impl fmt::Display for PageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A host, and maybe a port; no user before it.
fn is_authority(authority: &str) -> bool {
    let name = host(authority);
    let port = authority.get(name.len()..).unwrap_or_default();
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    is_port && (address(name).is_some() || name.split('.').all(is_label))
}

/// The authority without its port.
fn host(authority: &str) -> &str {
    let end = match authority.starts_with('[') {
        true => authority.find(']').map(|at| at + 1),
        false => authority.find(':'),
    };
    authority.get(..end.unwrap_or(authority.len())).unwrap_or_default()
}

fn address(host: &str) -> Option<IpAddr> {
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.unwrap_or(host).parse().ok()
}

fn is_local(host: &str) -> bool {
    host == "localhost" || address(host).is_some_and(|address| address.is_loopback())
}
