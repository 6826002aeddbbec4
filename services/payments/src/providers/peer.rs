//! Networks that unsigned webhooks may come from.

use std::net::IpAddr;

/// Whether `peer` is in one of `networks`, a list of `address/prefix` with commas between. What cannot be read holds
/// nobody.
pub fn is_within(peer: IpAddr, networks: &str) -> bool {
    networks.split(',').map(str::trim).any(|network| holds(network, peer.to_canonical()).unwrap_or(false))
}

fn holds(network: &str, peer: IpAddr) -> Option<bool> {
    let (address, prefix) =
        network.split_once('/').map_or((network, None), |(address, prefix)| (address, Some(prefix)));
    match (address.parse().ok()?, peer) {
        (IpAddr::V4(address), IpAddr::V4(peer)) => {
            let mask = u32::MAX.checked_shl(shift(prefix, 32)?).unwrap_or(0);
            Some(u32::from(address) & mask == u32::from(peer) & mask)
        }
        (IpAddr::V6(address), IpAddr::V6(peer)) => {
            let mask = u128::MAX.checked_shl(shift(prefix, 128)?).unwrap_or(0);
            Some(u128::from(address) & mask == u128::from(peer) & mask)
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Some(false),
    }
}

/// The bits that are not compared.
fn shift(prefix: Option<&str>, bits: u32) -> Option<u32> {
    let compared = prefix.map_or(Some(bits), |prefix| prefix.parse().ok())?;
    bits.checked_sub(compared)
}
