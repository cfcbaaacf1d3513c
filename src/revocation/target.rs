//! Which URLs may be called. Pure.

use std::net::IpAddr;

use reqwest::Url;

use crate::address::is_public;

/// A URL that may be called.
#[derive(Debug)]
pub enum Judged {
    /// At a public address: that of a name is judged when it is resolved.
    Public(Url),
    /// Wherever it leads: an administrator has listed it.
    Listed(Url),
}

/// Plain http without credentials, at its own port and not at an address that is not public; or what is listed.
pub fn judge(url: &str, allowed: &[String]) -> Option<Judged> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    if url.scheme() != "http" || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let host_port = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    if allowed.iter().any(|allowed| *allowed == host_port || *allowed == host) {
        return Some(Judged::Listed(url));
    }
    let public = match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) => is_public(address),
        Err(_) => true,
    };
    (public && url.port().is_none()).then_some(Judged::Public(url))
}

#[cfg(test)]
mod tests {
    use super::*;

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
