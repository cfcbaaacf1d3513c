//! Which addresses may be called. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// The URL when it may be called: http, by a name (whose addresses are judged when it is resolved), a public address,
/// or what is listed.
pub fn judge(url: &str, allowed: &[String]) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    let host_port = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let listed = allowed.iter().any(|allowed| *allowed == host_port || *allowed == host);
    let plain = url.scheme() == "http" && url.username().is_empty() && url.password().is_none();
    let public = match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) => is_public(address),
        Err(_) => true,
    };
    (plain && (listed || (public && url.port().is_none()))).then_some(url)
}

/// Neither this machine nor a private, shared, link-local, reserved or multicast network (RFC 6890).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inside) => is_public_v4(inside),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_broadcast()
        || address.is_multicast()
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b)))
}

/// Global unicast only.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    (first & 0xe000) == 0x2000 && !(first == 0x2001 && (second == 0x0db8 || second < 0x0200))
}

/// An IPv4 address in an IPv6 one: mapped (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = address.octets();
    let four = |at: usize| Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]);
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(four(12)),
        [0x2002, ..] => Some(four(2)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_called() {
        let public = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"];
        let others = [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.1",
            "192.168.1.1",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "::10.0.0.1",
        ];
        for (addresses, expected) in [(&public[..], true), (&others[..], false)] {
            for address in addresses {
                assert_eq!(address.parse().map(is_public), Ok(expected), "{address}");
            }
        }
    }

    #[test]
    fn urls_are_plain_http_at_their_own_port_or_listed() {
        let allowed = ["127.0.0.1:8443".to_owned(), "ca.corp".to_owned()];
        let cases = [
            ("http://crl3.digicert.com/x.crl", true),
            ("http://1.1.1.1/x.crl", true),
            ("http://127.0.0.1:8443/x.crl", true),
            ("http://ca.corp:8080/x.crl", true),
            ("https://crl3.digicert.com/x.crl", false),
            ("ldap://crl3.digicert.com/x", false),
            ("http://crl3.digicert.com:8080/x.crl", false),
            ("http://127.0.0.1/x.crl", false),
            ("http://[::1]/x.crl", false),
            ("http://[::ffff:10.0.0.1]/x.crl", false),
            ("http://169.254.169.254/latest", false),
            ("http://2130706433/", false),
            ("http://user@crl3.digicert.com/x.crl", false),
            ("http://ca.corp@127.0.0.1/x.crl", false),
            ("nothing", false),
        ];
        for (url, may) in cases {
            assert_eq!(judge(url, &allowed).is_some(), may, "{url}");
        }
    }
}
