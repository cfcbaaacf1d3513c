//! Command line. Every flag can be set by an environment variable, as a Deployment does.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand};
use evercert::{
    controller::{clock::Clock, context::LEASE_MARGIN, endpoint::Network, lease::LeaseConfig},
    dcv::http_routes::Service,
    lifecycle::Times,
    server::telemetry::LogFormat,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;

/// Keeps commercial TLS certificates alive in Kubernetes.
#[derive(Parser)]
#[command(version)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Print the custom resource definitions and admission policies.
    Crds {
        /// Write one file each into this directory instead.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Run the operator.
    Run(Box<Run>),
}

#[derive(Parser)]
pub struct Run {
    /// The operator's own namespace: its Lease, and the Secrets that ClusterIssuers name.
    #[arg(long, env = "EVERCERT_NAMESPACE", default_value = "evercert")]
    pub namespace: String,
    /// Whose ledger this is. Set it to the old value after a restore into a new cluster. Default: the uid of the
    /// kube-system namespace.
    #[arg(long, env = "EVERCERT_INSTALLATION_ID")]
    pub installation_id: Option<String>,
    /// Hosts (host or host:port) that namespaced Issuers may call beside the vendors' own, where a ClusterIssuer may call
    /// any by https; the only way to plain http or loopback.
    #[arg(long, env = "EVERCERT_ALLOWED_PROVIDER_HOSTS", value_delimiter = ',')]
    pub allowed_provider_hosts: Vec<String>,
    /// Name servers (host or host:port) that namespaced Issuers may update; the only way to loopback ones.
    #[arg(long, env = "EVERCERT_ALLOWED_NAME_SERVERS", value_delimiter = ',')]
    pub allowed_name_servers: Vec<String>,
    /// Recursive name servers (address:port) with which the self-check finds authoritative ones, and sees what is
    /// remembered. Best ones that validate. Default: the system's.
    #[arg(long, env = "EVERCERT_DNS_SERVERS", value_delimiter = ',')]
    pub dns_servers: Vec<SocketAddr>,
    /// Addresses (address:port) on loopback or private networks that the check of validation files may ask; it asks public
    /// ones on port 80.
    #[arg(long, env = "EVERCERT_HTTP_CHECK_ADDRESSES", value_delimiter = ',')]
    pub http_check_addresses: Vec<SocketAddr>,
    /// Address at which validation files are answered, on every replica: for ClusterIssuers with the publisher http.
    /// Default: none are.
    #[arg(long, env = "EVERCERT_FILE_LISTEN", requires = "file_service")]
    pub file_listen: Option<SocketAddr>,
    /// The Service (name:port) in the operator's namespace that leads to --file-listen.
    #[arg(long, env = "EVERCERT_FILE_SERVICE", requires = "file_listen", value_parser = service)]
    pub file_service: Option<(String, u16)>,
    /// Longest time for one call to a provider.
    #[arg(long, env = "EVERCERT_CALL_TIMEOUT", default_value = "60s")]
    pub call_timeout: kube::core::Duration,
    /// How long the Lease lasts without renewal.
    #[arg(long, env = "EVERCERT_LEASE_DURATION", default_value = "90s")]
    pub lease_duration: kube::core::Duration,
    /// How often the Lease is renewed.
    #[arg(long, env = "EVERCERT_LEASE_RENEWAL", default_value = "10s")]
    pub lease_renewal: kube::core::Duration,
    /// How long a provider may hide what it has accepted before it counts as absent.
    #[arg(long, env = "EVERCERT_SETTLE_TIME", default_value = "15m")]
    pub settle_time: kube::core::Duration,
    /// How long the deletion of an object waits for a provider or name server before it goes on without.
    #[arg(long, env = "EVERCERT_GIVE_UP_AFTER", default_value = "1h")]
    pub give_up_after: kube::core::Duration,
    /// How often the revocation list behind a certificate that is served is fetched; its order is looked at every 24 of
    /// these.
    #[arg(long, env = "EVERCERT_REVOCATION_PERIOD", default_value = "1h")]
    pub revocation_period: kube::core::Duration,
    /// Address of probes and metrics.
    #[arg(long, env = "EVERCERT_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// Address for DNSimple's webhooks, behind something that speaks https. Default: none is listened at.
    #[arg(long, env = "EVERCERT_DNSIMPLE_WEBHOOK_LISTEN", requires = "dnsimple_webhook_path")]
    pub dnsimple_webhook_listen: Option<SocketAddr>,
    /// The path they are sent to, without its first slash: 24 to 128 letters, digits, dashes and underscores. Whoever knows
    /// it can make Evercert look at certificates, and nothing else.
    #[arg(long, env = "EVERCERT_DNSIMPLE_WEBHOOK_PATH", hide_env_values = true, requires = "dnsimple_webhook_listen")]
    pub dnsimple_webhook_path: Option<SecretString>,
    /// How much is logged; `PUT /log-level` changes it while running.
    #[arg(long, env = "EVERCERT_LOG", default_value = "info")]
    pub log: tracing::Level,
    /// Form of the log.
    #[arg(long, env = "EVERCERT_LOG_FORMAT", value_enum, default_value = "json")]
    pub log_format: LogFormat,
    /// URL of the sandbox's clock.
    #[cfg(feature = "sandbox-clock")]
    #[arg(long, env = "EVERCERT_SANDBOX_CLOCK")]
    pub sandbox_clock: Option<String>,
    /// Port of authoritative name servers, where they cannot have theirs.
    #[cfg(feature = "sandbox-clock")]
    #[arg(long, env = "EVERCERT_SANDBOX_DNS_PORT")]
    pub sandbox_dns_port: Option<u16>,
}

/// `name:port`
fn service(text: &str) -> Result<(String, u16), String> {
    let (name, port) = text.rsplit_once(':').ok_or("it is name:port")?;
    let port = port.parse().map_err(|error| format!("its port: {error}"))?;
    if name.is_empty() { Err("it has no name".to_owned()) } else { Ok((name.to_owned(), port)) }
}

impl Run {
    /// Refuses times that contradict each other.
    pub fn times(&self) -> anyhow::Result<Times> {
        let [call, lease, renewal, settle] =
            [self.call_timeout, self.lease_duration, self.lease_renewal, self.settle_time].map(Duration::from);
        ensure!(!call.is_zero() && !renewal.is_zero(), "--call-timeout and --lease-renewal must not be zero");
        ensure!(
            lease > call + LEASE_MARGIN + renewal,
            "--lease-duration must be longer than --call-timeout, --lease-renewal and {} s together, or no call could be made",
            LEASE_MARGIN.as_secs()
        );
        ensure!(settle >= call, "--settle-time must be at least --call-timeout");
        Ok(Times { call, lease, settle, give_up: self.give_up_after.into() })
    }

    /// Where to listen for DNSimple's webhooks, and their path.
    pub fn dnsimple_webhook(&self) -> anyhow::Result<Option<(SocketAddr, SecretString)>> {
        let Some(listen) = self.dnsimple_webhook_listen else { return Ok(None) };
        let path = self.dnsimple_webhook_path.clone().context("--dnsimple-webhook-path is missing")?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        ensure!(
            (24..=128).contains(&path.expose_secret().len()) && path.expose_secret().bytes().all(plain),
            "--dnsimple-webhook-path must be 24 to 128 letters, digits, dashes and underscores"
        );
        Ok(Some((listen, path)))
    }

    pub fn lease(&self) -> LeaseConfig {
        let mut config = LeaseConfig::new(self.namespace.clone());
        config.duration = self.lease_duration.into();
        config.renew_every = self.lease_renewal.into();
        config
    }

    pub fn file_service(&self) -> Option<Service> {
        let (name, port) = self.file_service.clone()?;
        Some(Service { namespace: self.namespace.clone(), name, port })
    }

    pub fn network(&self) -> Network {
        Network {
            provider_hosts: self.allowed_provider_hosts.clone(),
            name_servers: self.allowed_name_servers.clone(),
            resolvers: self.dns_servers.clone(),
            http_check_addresses: self.http_check_addresses.clone(),
            authorities_port: self.authorities_port(),
        }
    }

    #[cfg(feature = "sandbox-clock")]
    fn authorities_port(&self) -> Option<u16> {
        self.sandbox_dns_port
    }

    #[cfg(not(feature = "sandbox-clock"))]
    fn authorities_port(&self) -> Option<u16> {
        None
    }

    #[cfg(feature = "sandbox-clock")]
    pub async fn clock(&self, jumped: watch::Sender<u64>) -> anyhow::Result<Clock> {
        match &self.sandbox_clock {
            Some(url) => Clock::follow(url.clone(), move || jumped.send_modify(|jumps| *jumps += 1)).await,
            None => Ok(Clock::default()),
        }
    }

    #[cfg(not(feature = "sandbox-clock"))]
    pub async fn clock(&self, _jumped: watch::Sender<u64>) -> anyhow::Result<Clock> {
        Ok(Clock::default())
    }
}
