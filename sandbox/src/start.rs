//! Starting: opens the state, listens, and says in one line of JSON where everything is.

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use clap::{Parser, ValueEnum};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    admin::accounts::{self, NewAccount},
    app::App,
    ca::Ca,
    calls::Calls,
    digicert,
    dns::{DemoDns, DnsConfig, TsigKey},
    dnsimple,
    faults::Faults,
    limits::{RateLimits, Windows},
    products, sectigo, server,
    state::{Store, records::Restriction},
    tls::TlsWire,
    validation::DcvCheck,
    wire::{Peer, Wire},
};

/// Certificate provider APIs in front of a real small CA.
#[derive(Parser)]
#[command(name = "evercert-sandbox", version)]
pub struct Options {
    /// Where the APIs, the page and the CRL are served.
    #[arg(long, default_value = "127.0.0.1:8480")]
    pub listen: SocketAddr,
    /// Where the same is served over TLS, to clients that may show a certificate.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub tls_listen: SocketAddr,
    /// Directory that holds the CA and every order. Made when missing.
    #[arg(long)]
    pub state: PathBuf,
    /// Whether domains are looked at, or believed at once.
    #[arg(long, value_enum, default_value_t = Dcv::Check)]
    pub dcv: Dcv,
    /// Origin that others reach this process by; goes into CRL distribution points.
    #[arg(long)]
    pub public_url: Option<String>,
    /// A zone of the demo name server; repeat for more.
    #[arg(long = "zone", default_values = ["example.com", "example.org", "example.net"])]
    pub zones: Vec<String>,
    /// Where the demo name server listens, UDP and TCP.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub dns_listen: SocketAddr,
    /// Name server asked by domain validation [default: the demo name server].
    #[arg(long)]
    pub resolver: Option<SocketAddr>,
    /// Port at which validation by file expects the web server.
    #[arg(long, default_value_t = 80)]
    pub http_port: u16,
    /// The same for HTTPS, which Sectigo offers.
    #[arg(long, default_value_t = 443)]
    pub https_port: u16,
    /// For how many real seconds a token for Sectigo's API is good.
    #[arg(long, default_value_t = 300)]
    pub token_seconds: i64,
    /// DNSimple's webhooks may be plain HTTP to a loopback address.
    #[arg(long)]
    pub plain_webhooks: bool,
    /// Pause between two rounds of checks of what is pending.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    pub poll_seconds: u64,
    /// Requests per seconds and key, several windows at once, or `off`.
    #[arg(long, default_value = "1000/180,100/5")]
    pub rate_limit: Windows,
    /// Number of equal accounts, each with its own key and organization.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub accounts: u16,
    /// A domain that counts as validated for the first account of each provider; repeat for more.
    #[arg(long = "validated-domain")]
    pub validated_domains: Vec<String>,
}

impl Options {
    /// The defaults, with these arguments in their place. For tests and tools that start a sandbox in their own process.
    pub fn from_args(args: impl IntoIterator<Item = String>, state: PathBuf) -> Result<Self, clap::Error> {
        let fixed = ["evercert-sandbox".into(), "--state".into(), state.into_os_string()];
        Self::try_parse_from(fixed.into_iter().chain(args.into_iter().map(Into::into)))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Dcv {
    Check,
    Instant,
}

/// A sandbox that listens. `serve` answers requests until it is dropped.
pub struct Sandbox {
    app: Arc<App>,
    wire: Wire,
    tls: TlsWire,
    poll: Duration,
    dns: DemoDns,
    ready: Value,
}

impl Sandbox {
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let dir = &options.state;
        fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        let listener = TcpListener::bind(options.listen).await;
        let listener = listener.with_context(|| format!("listening on {}", options.listen))?;
        let url = match &options.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", listener.local_addr()?),
        };
        let dns = DemoDns::start(DnsConfig {
            listen: options.dns_listen,
            zones: options.zones.clone(),
            key: Some(tsig_key(dir.join("tsig-secret"))?),
        })
        .await?;
        let dcv = match options.dcv {
            Dcv::Instant => DcvCheck::Instant,
            Dcv::Check => DcvCheck::Real {
                resolver: options.resolver.unwrap_or(dns.address()),
                http_port: options.http_port,
                https_port: options.https_port,
            },
        };
        let ca = Ca::open(dir, format!("{url}{}", server::CRL_PATH), format!("{url}{}", server::OCSP_PATH))?;
        let tls = TlsWire::listen(options.tls_listen, &ca, vec!["localhost".into()]).await?;
        let app = Arc::new(App {
            url: url.clone(),
            tls_url: format!("https://{}", tls.address()),
            zones: options.zones.clone(),
            store: Store::open(dir)?,
            ca,
            dcv,
            faults: Faults::default(),
            limits: RateLimits::new(options.rate_limit.clone()),
            calls: Calls::default(),
            token_seconds: options.token_seconds,
            dnsimple: dnsimple::Runtime::new(dns.served(), options.plain_webhooks),
        });
        furnish(&app, &options)?;
        dnsimple::check_pending(&app).await;
        let ready = ready(&app, &url, &dns, &options);
        Ok(Self { app, wire: Wire(listener), tls, poll: Duration::from_secs(options.poll_seconds), dns, ready })
    }

    /// What a client needs to know to begin.
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    pub async fn serve(self) -> std::io::Result<()> {
        let service = server::router(&self.app).into_make_service_with_connect_info::<Peer>();
        let over_tls = service.clone();
        let rounds = async {
            loop {
                tokio::time::sleep(self.poll).await;
                digicert::check_pending(&self.app).await;
                sectigo::issuance::check_pending(&self.app).await;
                dnsimple::check_pending(&self.app).await;
            }
        };
        let _dns = self.dns;
        tokio::select! {
            served = async { axum::serve(self.wire, service).await } => served,
            served = async { axum::serve(self.tls, over_tls).await } => served,
            () = rounds => Ok(()),
            () = dnsimple::deliver(self.app.clone()) => Ok(()),
        }
    }
}

/// The accounts every sandbox begins with: the asked number of equal ones, and one whose organization is not validated.
fn furnish(app: &App, options: &Options) -> anyhow::Result<()> {
    let world = &mut *app.store.lock();
    let known = world.accounts.iter().count();
    if known == 0 {
        let account = accounts::create(world, &NewAccount::default());
        accounts::add_key(world, account.id, Restriction::ViewOnly);
        let unvalidated =
            NewAccount { organization_validated: false, name: "Newcomer Ltd".into(), ..NewAccount::default() };
        accounts::create(world, &unvalidated);
    }
    for number in known.saturating_sub(1).max(1)..usize::from(options.accounts) {
        let name = format!("Sandbox {} Ltd", number + 1);
        accounts::create(world, &NewAccount { name, ..NewAccount::default() });
    }
    sectigo::setup::furnish(world, &app.ca, &options.zones, &options.validated_domains)?;
    dnsimple::setup::furnish(world, &options.zones);
    let first = world.accounts.iter().next().map(|account| account.id);
    if let Some(first) = first {
        for domain in &options.validated_domains {
            accounts::mark_validated(world, first, domain);
        }
    }
    Ok(())
}

fn ready(app: &App, url: &str, dns: &DemoDns, options: &Options) -> Value {
    let world = app.store.lock();
    let mut accounts = world.accounts.iter().map(|account| accounts::view(&world, account));
    let first = accounts.next().unwrap_or_default();
    let newcomer = accounts.next().unwrap_or_default();
    let view_only = first["apiKeys"].get(1).map(|key| key["apiKey"].clone());
    json!({
        "url": url,
        "dns": {"address": dns.address(), "zones": dns.zones(), "tsig": dns.tsig()},
        "clock": format!("{url}/_sandbox/clock"),
        "ca": app.ca.root_pem(),
        "crl": app.ca.crl_url(),
        "digicert": {
            "url": format!("{url}{}", digicert::PATH),
            "apiKey": first["apiKey"],
            "viewOnlyApiKey": view_only,
            "accountId": first["accountId"],
            "organizationId": first["organizationId"],
            "products": products::PRODUCTS.iter().map(|product| product.name_id).collect::<Vec<_>>(),
            "domains": options.zones,
            "unvalidated": newcomer,
            "accounts": accounts.collect::<Vec<_>>(),
        },
        "sectigo": sectigo::setup::ready(app, &world, &options.zones),
        "dnsimple": dnsimple::setup::ready(app, &world),
    })
}

/// The TSIG key stays the same for the life of a state directory.
fn tsig_key(file: PathBuf) -> anyhow::Result<TsigKey> {
    let mut key = TsigKey::generate("evercert-sandbox")?;
    match fs::read_to_string(&file) {
        Ok(secret) => key.secret = secret.trim().to_owned(),
        Err(_) => fs::write(&file, &key.secret).with_context(|| format!("writing {}", file.display()))?,
    }
    Ok(key)
}
