//! Addresses that are nobody's machine: the operator itself, and what a cloud shows only to those within.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether the operator may be sent to its own machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loopback {
    /// It may not.
    #[default]
    Refused,
    /// For tests and laboratories, where the machines are on the same computer.
    Allowed,
}

/// Services that clouds show to their own machines at addresses outside the link-local ranges: credentials for free.
const METADATA: &[IpAddr] = &[
    // Amazon: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    // Google, on machines with IPv6 alone.
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    // Azure's wire server.
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    // Alibaba.
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    // Oracle, beside 169.254.169.254.
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

/// What an address is, if it is none that a cluster may name.
pub fn forbidden(address: IpAddr, loopback: Loopback) -> Option<&'static str> {
    // Written as IPv6, or as what a translator between both makes of it, it leads to the same place.
    let address = match address.to_canonical() {
        IpAddr::V6(six) => embedded(six).map_or(IpAddr::V6(six), IpAddr::V4),
        four @ IpAddr::V4(_) => four,
    };
    let link_local = match address {
        IpAddr::V4(four) => four.is_link_local(),
        IpAddr::V6(six) => six.is_unicast_link_local(),
    };
    let this_network = match address {
        // 0.0.0.0/8, "this network" (RFC 1122): Linux takes all of it for the machine itself or for an error.
        IpAddr::V4(four) => four.octets()[0] == 0,
        IpAddr::V6(six) => six.is_unspecified(),
    };
    let reserved = match address {
        // 240.0.0.0/4, with the broadcast address (RFC 1112).
        IpAddr::V4(four) => four.octets()[0] >= 240,
        IpAddr::V6(_) => false,
    };
    if METADATA.contains(&address) || address == IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)) {
        Some("the metadata service of a cloud")
    } else if address.is_loopback() {
        (loopback == Loopback::Refused).then_some("a loopback address")
    } else if link_local {
        Some("a link-local address")
    } else if this_network {
        Some("an unspecified address")
    } else if address.is_multicast() {
        Some("a multicast address")
    } else if reserved {
        Some("a reserved address")
    } else {
        None
    }
}

/// The IPv4 address within one of NAT64's (64:ff9b::/96, RFC 6052) or of the deprecated compatible ones (RFC 4291).
fn embedded(six: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = u128::from(six);
    let (prefix, low) = (bits >> 32, bits & u128::from(u32::MAX));
    let nat64 = prefix == 0x0064_ff9b << 64;
    // `::` and `::1` are not meant by it.
    let compatible = prefix == 0 && low > 0xffff;
    let four = u32::try_from(low).ok().map(Ipv4Addr::from);
    four.filter(|_| nat64 || compatible)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn said(text: &str, loopback: Loopback) -> Option<&'static str> {
        forbidden(text.parse().unwrap(), loopback)
    }

    #[test]
    fn nobody_sends_the_operator_to_itself_or_to_its_cloud() {
        for (text, what) in [
            ("127.0.0.1", "loopback"),
            ("127.255.0.9", "loopback"),
            ("::1", "loopback"),
            ("::ffff:127.0.0.1", "loopback"),
            ("64:ff9b::7f00:1", "loopback"),
            ("::127.0.0.1", "loopback"),
            ("169.254.169.254", "metadata"),
            ("::ffff:169.254.169.254", "metadata"),
            ("64:ff9b::a9fe:a9fe", "metadata"),
            ("fd00:ec2::254", "metadata"),
            ("fd20:ce::254", "metadata"),
            ("168.63.129.16", "metadata"),
            ("100.100.100.200", "metadata"),
            ("169.254.170.2", "link-local"),
            ("fe80::1", "link-local"),
            ("0.0.0.0", "unspecified"),
            ("0.1.2.3", "unspecified"),
            ("::", "unspecified"),
            ("224.0.0.1", "multicast"),
            ("ff02::1", "multicast"),
            ("255.255.255.255", "reserved"),
            ("240.0.0.1", "reserved"),
        ] {
            let said = said(text, Loopback::Refused).unwrap_or_default();
            assert!(said.contains(what), "{text}: {said}");
        }
    }

    #[test]
    fn addresses_of_machines_pass() {
        for text in [
            "10.5.0.1",
            "192.0.2.11",
            "172.16.0.1",
            "100.64.0.1",
            "2001:db8::1",
            "fd12:3456::1",
            "64:ff9b::c000:20b",
        ] {
            assert_eq!(said(text, Loopback::Refused), None, "{text}");
        }
    }

    #[test]
    fn in_a_laboratory_only_loopback_is_allowed() {
        for text in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(said(text, Loopback::Allowed), None, "{text}");
        }
        for text in ["169.254.169.254", "0.0.0.0", "fe80::1", "224.0.0.1"] {
            assert!(said(text, Loopback::Allowed).is_some(), "{text}");
        }
    }
}
