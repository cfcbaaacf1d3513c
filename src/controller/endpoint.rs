//! Which addresses an issuer may make the operator call. Pure.

use std::net::SocketAddr;

use crate::{address::is_local, dcv::NameServer};

/// What the operator's flags allow issuers to reach.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Hosts (with port, when not the default) beyond the vendors' own.
    pub provider_hosts: Vec<String>,
    /// `host:port` of name servers that namespaced issuers, and loopback ones that any issuer, may update.
    pub name_servers: Vec<String>,
    /// Where the self-check begins; empty: the system's resolvers.
    pub resolvers: Vec<SocketAddr>,
    /// Addresses that are not public and that the check of files may ask.
    pub http_check_addresses: Vec<SocketAddr>,
    /// Where authoritative name servers listen, when not on port 53.
    pub authorities_port: Option<u16>,
}

/// CertCentral's API (Services API, *Base URL*); the second is the European instance.
pub const CERTCENTRAL: &str = "https://www.digicert.com/services/v2";
/// DigiCert's and DNSimple's; and Sectigo's by OAuth 2.0 with its token server ("Getting started with the Sectigo Admin API").
const VENDOR_HOSTS: [&str; 8] = [
    "www.digicert.com",
    "certcentral.digicert.eu",
    "api.dnsimple.com",
    "api.sandbox.dnsimple.com",
    "cert-manager.com",
    "admin.enterprise.sectigo.com",
    "admin.hard.sectigo.com",
    "auth.sso.sectigo.com",
];
/// Below it are Sectigo's instances, `hard` and those of single customers.
const SECTIGO: &str = ".cert-manager.com";

/// Whether a provider URL may be called. A namespaced Issuer calls the vendors' own hosts and the listed ones; a
/// ClusterIssuer any https host. Plain http and loopback only when listed.
pub fn judge_url(url: &str, namespaced: bool, network: &Network) -> Result<(), String> {
    let url = reqwest::Url::parse(url).map_err(|error| format!("{url} is not a URL: {error}"))?;
    let Some(host) = url.host_str() else { return Err(format!("{url} names no host")) };
    let host_port = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let listed = network.provider_hosts.iter().any(|allowed| *allowed == host_port || *allowed == host);
    let own = (VENDOR_HOSTS.contains(&host) || host.ends_with(SECTIGO)) && url.port().is_none();
    let plain = url.scheme() != "https";
    if listed || (!plain && own) {
        return Ok(());
    }
    if plain || is_here(host) {
        return Err(format!(
            "{host_port} over {} is not listed in the operator's --allowed-provider-hosts",
            url.scheme()
        ));
    }
    if namespaced {
        return Err(format!(
            "an Issuer may call the vendor's own hosts only; {host_port} is not listed in the operator's \
             --allowed-provider-hosts, and a ClusterIssuer may call it"
        ));
    }
    Ok(())
}

/// Whether a name server may be sent updates: by a namespaced Issuer, or on loopback, only when listed. What is listed
/// without a port is listed with every port.
pub fn judge_name_server(server: &str, namespaced: bool, network: &Network) -> Result<(), String> {
    // Read as it will be called: `::1:53` is an address and no port.
    let read: NameServer = server.parse()?;
    let is_read = |allowed: &String| allowed == read.host() || allowed.parse().as_ref() == Ok(&read);
    if network.name_servers.iter().any(is_read) || !(namespaced || is_here(read.host())) {
        return Ok(());
    }
    Err(format!("name server {server} is not listed in the operator's --allowed-name-servers"))
}

/// This host or its link, by address in whatever form, or by name (RFC 6761 §6.3). A name is not resolved here: only
/// administrators of the cluster name hosts that are not listed.
fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    let unscoped = bare.split('%').next().unwrap_or_default();
    // `127.1` and `0x7f000001` are addresses to resolvers, as they are in a URL.
    let read = reqwest::Url::parse(&format!("http://{bare}/")).ok();
    let read = read.as_ref().and_then(reqwest::Url::host_str).unwrap_or_default();
    bare == "localhost"
        || bare.ends_with(".localhost")
        || [unscoped, read].iter().any(|address| address.parse().is_ok_and(is_local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_calls_only_the_vendor_and_what_is_listed() {
        let network = Network { provider_hosts: vec!["127.0.0.1:8443".into(), "ca.corp".into()], ..Network::default() };
        let cases = [
            (CERTCENTRAL, true, true),
            ("https://certcentral.digicert.eu/services/v2", true, true),
            ("http://www.digicert.com/services/v2", false, false),
            ("https://elsewhere.example/services/v2", true, false),
            ("https://elsewhere.example/services/v2", false, true),
            ("http://elsewhere.example/services/v2", false, false),
            ("https://localhost/services/v2", false, false),
            ("https://[::1]/services/v2", false, false),
            ("https://localhost./services/v2", false, false),
            ("https://2130706433/services/v2", false, false),
            ("https://0x7f.1/services/v2", false, false),
            ("https://[::ffff:127.0.0.1]/services/v2", false, false),
            ("https://169.254.169.254/services/v2", false, false),
            ("https://[fe80::1]/services/v2", false, false),
            ("https://www.digicert.com:8443/services/v2", true, false),
            ("https://www.digicert.com./services/v2", true, false),
            ("http://127.0.0.1:8443/services/v2", true, true),
            ("http://127.0.0.1:8444/services/v2", true, false),
            ("http://ca.corp/services/v2", true, true),
            ("https://www.digicert.com.evil.example/", true, false),
            ("https://www.digicert.com@evil.example/", true, false),
            ("https://cert-manager.com/api", true, true),
            ("https://cert-manager.com/private/api", true, true),
            ("https://hard.cert-manager.com/api", true, true),
            ("https://admin.enterprise.sectigo.com/api", true, true),
            ("https://api.dnsimple.com/v2", true, true),
            ("https://api.sandbox.dnsimple.com/v2", true, true),
            ("http://api.dnsimple.com/v2", true, false),
            ("https://auth.sso.sectigo.com/auth/realms/apiclients/protocol/openid-connect/token", true, true),
            ("http://cert-manager.com/api", false, false),
            ("https://evilcert-manager.com/api", true, false),
            ("https://cert-manager.com.evil.example/api", true, false),
            ("https://sectigo.com.evil.example/api", true, false),
        ];
        for (url, namespaced, allowed) in cases {
            assert_eq!(judge_url(url, namespaced, &network).is_ok(), allowed, "{url}, namespaced: {namespaced}");
        }
    }

    #[test]
    fn a_name_server_on_loopback_or_of_an_issuer_must_be_listed() {
        let listed = ["127.0.0.1:5353", "10.0.0.53", "fd00::1", "[fd00::2]:53"].map(str::to_owned);
        let network = Network { name_servers: listed.to_vec(), ..Network::default() };
        let cases = [
            ("127.0.0.1:5353", true, true),
            ("127.0.0.1", false, false),
            ("10.0.0.53", true, true),
            ("10.0.0.53:53", true, true),
            ("10.0.0.54", true, false),
            ("10.0.0.54", false, true),
            ("[::1]:53", false, false),
            ("::1", false, false),
            ("fe80::1", false, false),
            ("localhost.:53", false, false),
            ("169.254.169.254:53", false, false),
            ("[::ffff:127.0.0.1]:53", false, false),
            ("ns.elsewhere.example", true, false),
            ("fd00::1", true, true),
            ("[fd00::1]:5353", true, true),
            ("fd00::1:53", true, false),
            ("[fd00::2]:53", true, true),
            ("fd00::2", true, true),
            ("[fd00::2]:54", true, false),
            ("127.1", false, false),
            ("0x7f000001:53", false, false),
            ("2130706433", false, false),
            ("fe80::1%eth0", false, false),
            ("[::1", false, false),
        ];
        for (server, namespaced, allowed) in cases {
            assert_eq!(
                judge_name_server(server, namespaced, &network).is_ok(),
                allowed,
                "{server}, namespaced: {namespaced}"
            );
        }
    }
}
