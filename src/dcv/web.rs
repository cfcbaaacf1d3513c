//! Whether a file that proves control of a name is served. Asked from here, as the CA will ask from elsewhere: plain HTTP,
//! port 80 of the very name.
//!
//! The name comes from a user, so only public addresses are connected to, besides those an administrator has listed, and
//! no redirect is followed: nobody looks into the cluster's network through this.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_net::{NetError, runtime::TokioRuntimeProvider};
use hickory_resolver::{Resolver, TokioResolver, config::ResolverConfig};
use reqwest::{Client, Url, redirect, retry};

use super::selfcheck::name_server;

/// For the whole exchange.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The file holds one random value.
const LONGEST: usize = 4096;
const PORT: u16 = 80;

/// What has to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// `http://<name>/…`
    pub url: String,
    pub content: String,
}

pub struct HttpCheck {
    resolver: TokioResolver,
    listed: Vec<SocketAddr>,
}

impl HttpCheck {
    /// `resolvers` empty: those of the system. `listed`: addresses that are not public and may be asked all the same, on
    /// their port.
    pub fn new(resolvers: &[SocketAddr], listed: &[SocketAddr]) -> Result<Self, NetError> {
        let mut builder = match resolvers {
            [] => TokioResolver::builder_tokio()?,
            resolvers => {
                let servers = resolvers.iter().map(name_server).collect();
                let config = ResolverConfig::from_name_servers(servers);
                Resolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        builder.options_mut().cache_size = 0;
        Ok(Self { resolver: builder.build()?, listed: listed.to_vec() })
    }

    /// Why it is not seen.
    pub async fn check(&self, file: &File) -> Result<(), String> {
        let mut url = Url::parse(&file.url).map_err(|error| format!("{} is no URL: {error}", file.url))?;
        let name = url.host_str().filter(|_| url.scheme() == "http").map(str::to_owned);
        let name = name.ok_or_else(|| format!("{} is no plain HTTP URL", file.url))?;
        let found = self.resolver.lookup_ip(format!("{name}.")).await;
        let found = found.map_err(|error| format!("{name} cannot be resolved: {error}"))?;
        let found: Vec<IpAddr> = found.iter().collect();
        let Some(address) = found.iter().find_map(|address| self.allowed(*address)) else {
            let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
            return Err(format!(
                "{name} is at {}, which is not public and not listed in the operator's --http-check-addresses",
                shown.join(", ")
            ));
        };
        if address.port() != PORT {
            let _ = url.set_port(Some(address.port()));
        }
        let body = fetch(&name, address, url).await?;
        match body.contains(&file.content) {
            true => Ok(()),
            false => Err(format!("{} does not contain the random value", file.url)),
        }
    }

    fn allowed(&self, address: IpAddr) -> Option<SocketAddr> {
        let listed = self.listed.iter().find(|listed| listed.ip() == address).copied();
        listed.or_else(|| is_public(address).then(|| SocketAddr::new(address, PORT)))
    }
}

async fn fetch(name: &str, address: SocketAddr, url: Url) -> Result<String, String> {
    let shown = url.to_string();
    let told = |error: reqwest::Error| format!("{shown}: {}", error.without_url());
    let client = Client::builder()
        .user_agent(concat!("evercert/", env!("CARGO_PKG_VERSION")))
        .resolve(name, address)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .timeout(TIMEOUT)
        .build()
        .map_err(told)?;
    let mut response = client.get(url).send().await.map_err(told)?;
    if response.status().is_redirection() {
        return Err(format!("{shown} answers {}, and redirects are not followed", response.status()));
    }
    if !response.status().is_success() {
        return Err(format!("{shown} answers {}", response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(told)? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST {
            return Err(format!("{shown} is longer than {LONGEST} bytes"));
        }
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// IANA's special-purpose registries (RFC 6890), as far as they name networks of one's own.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => is_public_v4(inner),
            None => {
                let local = address.is_unique_local() || address.is_unicast_link_local();
                let first = address.segments()[0];
                !local && !address.is_loopback() && !address.is_unspecified() && (0x2000..0x4000).contains(&first)
            }
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let local = address.is_private() || address.is_loopback() || address.is_link_local();
    let shared = a == 100 && (64..128).contains(&b);
    let special = a == 0 || a >= 224 || (a, b, c) == (192, 0, 0) || (a == 198 && (18..20).contains(&b));
    !local && !shared && !special && !address.is_documentation()
}

/// IPv4 in IPv6: mapped (RFC 4291 §2.5.5.2), translated (RFC 6052 §2.1), 6to4 (RFC 3056).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_ones_own_network_is_public() {
        let cases = [
            ("93.184.216.34", true),
            ("2606:2800:220:1::1", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("198.18.0.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::1", false),
            ("::", false),
            ("fd00::1", false),
            ("fe80::1", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:93.184.216.34", true),
            ("64:ff9b::a00:1", false),
            ("2002:7f00:1::1", false),
        ];
        for (address, public) in cases {
            assert_eq!(is_public(address.parse().expect("an address")), public, "{address}");
        }
    }
}
