//! Networks that unsigned webhooks may come from.

use std::net::IpAddr;

use types::Network;

/// Whether `peer` is in one of `networks`, a list of `address/prefix` with commas between. What cannot be read holds
/// nobody.
pub fn is_within(peer: IpAddr, networks: &str) -> bool {
    let mut networks = networks.split(',').filter_map(|network| network.trim().parse::<Network>().ok());
    networks.any(|network| network.contains(peer))
}
