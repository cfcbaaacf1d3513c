//! Domain control validation as the CA does it (CertCentral, *Supported DCV methods*): every check asks the given name
//! server afresh, without a cache.
//!
//! DNS methods accept the name or any parent of at least two labels (the authorization domain names of the Baseline
//! Requirements §1.6.1, without a list of public suffixes); `*.name` is validated at `name`.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_net::runtime::TokioRuntimeProvider;
use hickory_proto::rr::{Name, RData, RecordType};
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::{Resolver, TokioResolver};
use thiserror::Error;

/// Why a check failed. A CA keeps looking, so each of these may heal.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Failure {
    #[error("the value was not found{}", what(.seen))]
    NotFound {
        /// What stands there instead.
        seen: Vec<String>,
    },
    #[error("{0}")]
    Lookup(String),
    #[error("{0} cannot be validated by this method")]
    Unsuitable(String),
}

fn what(seen: &[String]) -> String {
    match seen {
        [] => String::new(),
        _ => format!(", but {}", seen.join(", ")),
    }
}

/// TXT at the name itself equals the random value. Returns the authorization domain name.
pub async fn check_txt(server: SocketAddr, name: &str, value: &str) -> Result<String, Failure> {
    find_txt(server, name, None, value).await
}

/// `_dnsauth.<name>` is a CNAME to `<value>.dcv.digicert.com`. Returns the authorization domain name.
pub async fn check_cname(server: SocketAddr, name: &str, value: &str) -> Result<String, Failure> {
    find_cname(server, name, "_dnsauth", &format!("{value}.dcv.digicert.com")).await
}

/// The file under the exact name contains the random value. `port` is 80 outside of demos. Redirects are not followed.
pub async fn check_http(server: SocketAddr, name: &str, port: u16, value: &str) -> Result<String, Failure> {
    find_file(server, name, "http", port, "/.well-known/pki-validation/fileauth.txt", |text| text.contains(value)).await
}

/// TXT at the name, or at `label` below it, equals `value`.
pub async fn find_txt(server: SocketAddr, name: &str, label: Option<&str>, value: &str) -> Result<String, Failure> {
    let dns = Dns::at(server)?;
    let mut seen = Vec::new();
    for domain in authorization_domains(name) {
        let owner = label.map_or_else(|| domain.clone(), |label| format!("{label}.{domain}"));
        let texts = dns.texts(&owner).await?;
        if texts.iter().any(|text| text == value) {
            return Ok(domain);
        }
        seen.extend(texts);
    }
    Err(Failure::NotFound { seen })
}

/// How many CNAMEs in a row are followed.
const MOST_CNAMES: usize = 8;

/// `<label>.<name>` is a CNAME to `wanted`, or leads there over others: a CA may follow them (Baseline Requirements §1.6.1,
/// *Authorization Domain Name*).
pub async fn find_cname(server: SocketAddr, name: &str, label: &str, wanted: &str) -> Result<String, Failure> {
    let dns = Dns::at(server)?;
    let mut seen = Vec::new();
    for domain in authorization_domains(name) {
        let mut found = dns.cname(&format!("{label}.{domain}")).await?;
        for _ in 0..MOST_CNAMES {
            let Some(target) = found else { break };
            if target.eq_ignore_ascii_case(wanted) {
                return Ok(domain);
            }
            // A target that this server knows nothing of leads nowhere.
            found = dns.cname(&target).await.unwrap_or_default();
            seen.push(target);
        }
    }
    Err(Failure::NotFound { seen })
}

/// The file at `path` under the exact name is as wanted. Redirects are not followed, certificates not judged.
pub async fn find_file(
    server: SocketAddr,
    name: &str,
    scheme: &str,
    port: u16,
    path: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<String, Failure> {
    if name.starts_with("*.") {
        return Err(Failure::Unsuitable(name.into()));
    }
    let addresses = Dns::at(server)?.addresses(name, port).await?;
    let url = format!("{scheme}://{name}:{port}{path}");
    let body = fetch(name, &addresses, &url)
        .await
        .map_err(|error| Failure::Lookup(format!("{url}: {}", error.without_url())))?;
    match body {
        Ok(text) if wanted(&text) => Ok(name.into()),
        Ok(text) => Err(Failure::NotFound { seen: vec![text.chars().take(100).collect()] }),
        Err(status) => Err(Failure::Lookup(format!("{url} answers {status}"))),
    }
}

async fn fetch(
    name: &str,
    addresses: &[SocketAddr],
    url: &str,
) -> reqwest::Result<Result<String, reqwest::StatusCode>> {
    let client = reqwest::Client::builder()
        .resolve_to_addrs(name, addresses)
        .redirect(reqwest::redirect::Policy::none())
        // Who validates a name has no certificate for it yet.
        .danger_accept_invalid_certs(true)
        .no_proxy()
        .timeout(TIMEOUT)
        .build()?;
    let mut response = client.get(url).send().await?;
    if !response.status().is_success() {
        return Ok(Err(response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_FILE {
            break;
        }
    }
    body.truncate(LONGEST_FILE);
    Ok(Ok(String::from_utf8_lossy(&body).into_owned()))
}

const TIMEOUT: Duration = Duration::from_secs(5);
const LONGEST_FILE: usize = 4096;

fn authorization_domains(name: &str) -> Vec<String> {
    let name = name.strip_prefix("*.").unwrap_or(name);
    let labels: Vec<&str> = name.trim_end_matches('.').split('.').collect();
    let last = labels.len().saturating_sub(2);
    (0..=last).map(|first| labels[first..].join(".")).collect()
}

/// Lookups at one name server.
struct Dns {
    server: SocketAddr,
    resolver: TokioResolver,
}

impl Dns {
    fn at(server: SocketAddr) -> Result<Self, Failure> {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()]
            .into_iter()
            .map(|mut connection| {
                connection.port = server.port();
                connection
            })
            .collect();
        let config = ResolverConfig::from_name_servers(vec![NameServerConfig::new(server.ip(), true, connections)]);
        let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options = builder.options_mut();
        options.cache_size = 0;
        options.timeout = TIMEOUT;
        options.attempts = 1;
        options.use_hosts_file = ResolveHosts::Never;
        let resolver = builder.build().map_err(|error| Failure::Lookup(error.to_string()))?;
        Ok(Self { server, resolver })
    }

    async fn texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        let text = |data: &RData| match data {
            RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
            _ => None,
        };
        let records = self.lookup(name, RecordType::TXT).await?;
        Ok(records.iter().filter_map(text).collect())
    }

    async fn cname(&self, name: &str) -> Result<Option<String>, Failure> {
        let target = |data: &RData| match data {
            RData::CNAME(target) => Some(target.0.to_ascii().trim_end_matches('.').to_owned()),
            _ => None,
        };
        let records = self.lookup(name, RecordType::CNAME).await?;
        Ok(records.iter().find_map(target))
    }

    async fn addresses(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, Failure> {
        let address = |data: &RData| data.ip_addr().map(|ip| SocketAddr::new(ip, port));
        let mut addresses = Vec::new();
        for record_type in [RecordType::A, RecordType::AAAA] {
            let records = self.lookup(name, record_type).await?;
            addresses.extend(records.iter().filter_map(address));
        }
        match addresses.is_empty() {
            true => Err(Failure::Lookup(format!("{name} has no address"))),
            false => Ok(addresses),
        }
    }

    /// A name or type that does not exist is an empty answer.
    async fn lookup(&self, name: &str, record_type: RecordType) -> Result<Vec<RData>, Failure> {
        let failed = |why: String| Failure::Lookup(format!("{name} {record_type} at {}: {why}", self.server));
        let mut fqdn = Name::from_ascii(name).map_err(|error| failed(error.to_string()))?;
        fqdn.set_fqdn(true);
        match self.resolver.lookup(fqdn, record_type).await {
            Ok(found) => Ok(found.answers().iter().map(|rr| rr.data.clone()).collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_validated_at_itself_or_a_parent_of_two_labels() {
        let domains = ["a.shop.example.com", "shop.example.com", "example.com"];
        assert_eq!(authorization_domains("a.shop.example.com"), domains);
        assert_eq!(authorization_domains("*.shop.example.com."), domains[1..]);
        assert_eq!(authorization_domains("example.com"), ["example.com"]);
        assert_eq!(authorization_domains("localhost"), ["localhost"]);
    }
}
