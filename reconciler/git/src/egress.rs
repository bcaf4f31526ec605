//! Which addresses a remote may have. A URL is written by whoever may write a source; the addresses near this machine are not theirs to reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::failure::RemoteFailure;

/// Addresses at which clouds hand out credentials of the machine; the first is link-local as well.
const METADATA: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Refuses an address that no repository lives at; judged is what a name resolved to at the moment of connecting, so that a name cannot change its mind in
/// between. Private networks are allowed: that is where most git servers are.
pub(crate) fn check(address: IpAddr, loopback_allowed: bool) -> Result<(), RemoteFailure> {
    let plain = address.to_canonical();
    let refused = |kind| Err(RemoteFailure::Address { address: plain, kind });
    if METADATA.contains(&plain) {
        return refused("a metadata service");
    }
    if plain.is_unspecified() || plain.is_multicast() || plain == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return refused("that of no host");
    }
    let link_local = match plain {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    if link_local {
        return refused("link-local");
    }
    if plain.is_loopback() && !loopback_allowed {
        return refused("on this machine");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atk_12_addresses_near_this_machine_are_refused_in_every_spelling() {
        for (address, by_default, with_loopback) in [
            ("169.254.169.254", false, false),
            ("::ffff:169.254.169.254", false, false),
            ("fd00:ec2::254", false, false),
            ("169.254.1.1", false, false),
            ("fe80::1", false, false),
            ("0.0.0.0", false, false),
            ("::", false, false),
            ("224.0.0.1", false, false),
            ("255.255.255.255", false, false),
            ("127.0.0.1", false, true),
            ("127.9.9.9", false, true),
            ("::1", false, true),
            ("::ffff:127.0.0.1", false, true),
            ("10.0.0.1", true, true),
            ("192.168.1.1", true, true),
            ("140.82.121.3", true, true),
            ("2606:50c0:8000::64", true, true),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(check(address, false).is_ok(), by_default, "{address}");
            assert_eq!(check(address, true).is_ok(), with_loopback, "{address}, loopback allowed");
        }
    }
}
