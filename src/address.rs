//! What kind of network an address is in. Pure; whoever calls an address that a stranger has named asks here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Neither this host nor a private, shared, link-local, documentation, reserved or multicast network (IANA's
/// special-purpose registries, RFC 6890).
pub fn is_public(address: IpAddr) -> bool {
    match outer(address) {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// This host or its link: cloud metadata is there too (RFC 3927, RFC 4291 §2.5.6).
pub fn is_local(address: IpAddr) -> bool {
    match outer(address) {
        IpAddr::V4(address) => {
            address.octets()[0] == 0 || address.is_loopback() || address.is_link_local() || address.is_broadcast()
        }
        IpAddr::V6(address) => address.is_loopback() || address.is_unspecified() || address.is_unicast_link_local(),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let special = a == 0 || a >= 224 || (a, b, c) == (192, 0, 0) || (a == 198 && (18..20).contains(&b));
    let own = address.is_private() || address.is_loopback() || address.is_link_local();
    !own && !shared && !special && !address.is_documentation()
}

/// Global unicast, without IETF's own (Teredo among them) and documentation (RFC 3849, RFC 9637).
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let special = first == 0x2001 && (second == 0x0db8 || second < 0x0200) || first == 0x3fff && second < 0x1000;
    (0x2000..0x4000).contains(&first) && !special
}

/// Where packets end up, for IPv4 in IPv6: mapped (RFC 4291 §2.5.5.2), translated (RFC 6052 §2.1), 6to4 (RFC 3056).
fn outer(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let join = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)).into();
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => join(high, low),
        [0x2002, high, low, ..] => join(high, low),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    enum Network {
        Public,
        /// Of one's own, or of nobody's.
        Special,
        Local,
    }
    use Network::{Local, Public, Special};

    #[test]
    fn every_special_network_is_known_in_every_form() {
        let table = [
            ("1.1.1.1", Public),
            ("93.184.216.34", Public),
            ("2606:4700::1111", Public),
            ("::ffff:1.1.1.1", Public),
            ("64:ff9b::101:101", Public),
            ("2002:101:101::", Public),
            ("10.0.0.1", Special),
            ("100.64.0.1", Special),
            ("172.16.0.1", Special),
            ("192.0.0.1", Special),
            ("192.0.2.1", Special),
            ("192.168.1.1", Special),
            ("198.18.0.1", Special),
            ("198.51.100.1", Special),
            ("203.0.113.1", Special),
            ("224.0.0.1", Special),
            ("240.0.0.1", Special),
            ("2001::1", Special),
            ("2001:db8::1", Special),
            ("3fff::1", Special),
            ("fc00::1", Special),
            ("fd00::1", Special),
            ("ff02::1", Special),
            ("64:ff9b:1::1", Special),
            ("::10.0.0.1", Special),
            ("::ffff:10.0.0.1", Special),
            ("64:ff9b::a00:1", Special),
            ("2002:a00:1::", Special),
            ("0.0.0.0", Local),
            ("127.0.0.1", Local),
            ("127.8.8.8", Local),
            ("169.254.169.254", Local),
            ("255.255.255.255", Local),
            ("::", Local),
            ("::1", Local),
            ("fe80::1", Local),
            ("::ffff:127.0.0.1", Local),
            ("::ffff:169.254.169.254", Local),
            ("64:ff9b::7f00:1", Local),
            ("2002:7f00:1::1", Local),
        ];
        for (text, expected) in table {
            let address: IpAddr = text.parse().expect("an address");
            let network = match (is_public(address), is_local(address)) {
                (true, false) => Public,
                (false, false) => Special,
                (false, true) => Local,
                (true, true) => panic!("{text} is both public and local"),
            };
            assert_eq!(network, expected, "{text}");
        }
    }
}
