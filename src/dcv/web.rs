//! Whether a file that proves control of a name is served. Asked from here, as the CA will ask from elsewhere: plain HTTP,
//! port 80 of the very name.
//!
//! The name comes from a user, so only public addresses are connected to, besides those an administrator has listed, and
//! no redirect is followed: nobody looks into the cluster's network through this.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_net::{NetError, runtime::TokioRuntimeProvider};
use hickory_resolver::{Resolver, TokioResolver, config::ResolverConfig};
use reqwest::{Client, Url, redirect, retry};

use super::selfcheck::name_server;
use crate::address::is_public;

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
        // An address in the name's place would be connected to without a look at it.
        let name = url.domain().filter(|_| url.scheme() == "http").map(str::to_owned);
        let name = name.ok_or_else(|| format!("{} is no plain HTTP URL of a name", file.url))?;
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
