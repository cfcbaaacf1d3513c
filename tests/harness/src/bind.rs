//! BIND 9 on loopback: a small Internet of its own, from the root down to a validating resolver.
//!
//! | server | serves |
//! |---|---|
//! | root | where everything begins |
//! | primary | `example.com`, `example.net`, `lagging.example`, `lame.example`, `signed.example`, `bogus.example` |
//! | secondary | a copy of `lagging.example` that stays as it is until [`Bind::catch_up`] |
//! | other | `example.org`, with a key of its own; `lame.example` names it too, and it refuses to answer for it |
//! | resolver | everybody, validating: it expects `signed.example` and `bogus.example` to be signed, and the second is not |
//!
//! NS records name no port, and `named` listens only on addresses that an interface has: so each server is reached, as
//! the zones say, at a loopback address of its own and one port for all, where this process forwards to it.

mod files;
mod front;

use std::{
    collections::HashMap,
    fmt, fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use control_plane::Supervisor;
use hickory_net::{
    client::{Client, ClientHandle},
    runtime::TokioRuntimeProvider,
    udp::UdpClientStream,
};
use hickory_proto::{
    op::{DnsResponse, ResponseCode},
    rr::{DNSClass, Name, RData, Record, RecordSet, RecordType, TSigner, rdata::tsig::TsigAlgorithm},
};
use tokio::time::{Instant, sleep, timeout};

use crate::objects::PATIENCE;
use front::Front;

/// A port can be taken by somebody else between our choosing it and the server's listening on it.
const START_ATTEMPTS: usize = 5;
/// Of everything in the zones, in seconds: what it takes to be forgotten is waited for.
const TTL: u32 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Server {
    Primary,
    Secondary,
    Other,
    Resolver,
    Root,
}

impl Server {
    const ALL: [Self; 5] = [Self::Primary, Self::Secondary, Self::Other, Self::Resolver, Self::Root];

    fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
            Self::Other => "other",
            Self::Resolver => "resolver",
            Self::Root => "root",
        }
    }

    /// Those that it takes updates for.
    pub fn zones(self) -> Vec<&'static str> {
        match self {
            Self::Other => vec![files::OTHERS],
            Self::Primary => files::ZONES.iter().map(|(zone, _)| *zone).filter(|zone| *zone != files::OTHERS).collect(),
            Self::Secondary | Self::Resolver | Self::Root => Vec::new(),
        }
    }

    fn address(self) -> Ipv4Addr {
        let host = Self::ALL.iter().position(|server| *server == self).unwrap_or_default();
        Ipv4Addr::new(127, 53, 0, host as u8 + 1)
    }
}

/// A TSIG key that may update every zone of its server.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub name: &'static str,
    /// As an issuer has it; `named` calls it `hmac-sha256`.
    pub algorithm: &'static str,
    /// In base64.
    pub secret: &'static str,
}

/// Of the primary.
pub const UPDATE_KEY: Key =
    Key { name: "update", algorithm: "HmacSha256", secret: "dGhlIHByaW1hcnkncyBrZXkgZm9yIHVwZGF0ZXM=" };
/// Of the other primary.
pub const OTHER_KEY: Key =
    Key { name: "other-update", algorithm: "HmacSha512", secret: "dGhlIG90aGVyIHByaW1hcnkncyBvd24gc2VjcmV0" };

/// Stops when dropped, and when this process ends in whatever way.
pub struct Bind {
    supervisor: Supervisor,
    dir: PathBuf,
    named: PathBuf,
    /// Of all fronts.
    port: u16,
    /// Where `named` itself listens, on 127.0.0.1.
    behind: HashMap<Server, u16>,
    fronts: Mutex<HashMap<Server, Front>>,
}

impl Bind {
    pub async fn start() -> Result<Self> {
        let mut last = None;
        for _ in 0..START_ATTEMPTS {
            match Self::try_start().await {
                Err(error) if format!("{error:#}").contains("address in use") => last = Some(error),
                started => return started,
            }
        }
        Err(last.context("no start")?)
    }

    async fn try_start() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("bind-").tempdir()?;
        let supervisor = Supervisor::new(dir.path(), false)?;
        let dir = dir.keep();
        // A copy: where AppArmor confines the installed one, it does so to folders of the system.
        let named = dir.join("named");
        fs::copy(installed()?, &named)?;
        let (port, listeners) = front::listeners(&Server::ALL.map(Server::address)).await?;
        let behind: HashMap<_, _> = Server::ALL.into_iter().zip(free_ports()?).collect();
        let forwarded = Server::ALL.into_iter().zip(listeners);
        let fronts: HashMap<_, _> =
            forwarded.map(|(server, listener)| (server, Front::start(listener, behind[&server]))).collect();
        let mut bind = Self { supervisor, dir, named, port, behind, fronts: Mutex::new(fronts) };
        for (server, zone, shows) in [
            (Server::Root, ".", RecordType::SOA),
            (Server::Primary, "signed.example", RecordType::DNSKEY),
            (Server::Secondary, "lagging.example", RecordType::SOA),
            (Server::Other, "example.org", RecordType::SOA),
            // Last: it is told the key that the primary has made for the signed zone.
            (Server::Resolver, "signed.example", RecordType::SOA),
        ] {
            bind.run(server)?;
            bind.until_serving(server, zone, shows).await?;
        }
        Ok(bind)
    }

    fn run(&mut self, server: Server) -> Result<()> {
        let folder = self.dir.join(server.name());
        fs::create_dir(&folder)?;
        for (name, content) in files::of(server, &self.dir, self.port, self.behind[&server])? {
            fs::write(folder.join(name), content)?;
        }
        let config = folder.join("named.conf").to_string_lossy().into_owned();
        self.supervisor.run(server.name(), &self.named, &["-g".into(), "-n".into(), "1".into(), "-c".into(), config])
    }

    async fn until_serving(&self, server: Server, zone: &str, shows: RecordType) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = self.log(server);
            let shown = self.data(server, zone, shows).await.is_ok_and(|records| !records.is_empty());
            if shown && log.contains(" running") {
                return Ok(());
            }
            if self.supervisor.has_ended(server.name()) || log.contains("address in use") || Instant::now() > deadline {
                bail!("named as {} does not serve {zone}:\n{log}", server.name());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Where a server is reached.
    pub fn address(&self, server: Server) -> SocketAddr {
        SocketAddr::new(server.address().into(), self.port)
    }

    /// At which every authoritative server listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on nobody listens at its address.
    pub fn silence(&self, server: Server) {
        self.fronts.lock().unwrap_or_else(PoisonError::into_inner).remove(&server);
    }

    /// The TXT values that a server shows at a name. A name that does not exist has none.
    pub async fn texts(&self, server: Server, name: &str) -> Result<Vec<String>> {
        let text = |data: &RData| match data {
            RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
            _ => None,
        };
        let answer = self.ask(server, name, RecordType::TXT).await?;
        let known = matches!(answer.response_code, ResponseCode::NoError | ResponseCode::NXDomain);
        ensure!(known, "{name} at {server:?}: {}", answer.response_code);
        Ok(answer.answers.iter().filter_map(|record| text(&record.data)).collect())
    }

    /// Every record of this type, as a zone file has its data.
    pub async fn data(&self, server: Server, name: &str, record_type: RecordType) -> Result<Vec<String>> {
        let answer = self.ask(server, name, record_type).await?;
        let records = answer.answers.iter().filter(|record| record.record_type() == record_type);
        Ok(records.map(|record| record.data.to_string()).collect())
    }

    async fn ask(&self, server: Server, name: &str, record_type: RecordType) -> Result<DnsResponse> {
        let mut client = self.client(server, None);
        Ok(timeout(Duration::from_secs(3), client.query(absolute(name)?, DNSClass::IN, record_type)).await??)
    }

    /// What the administrator of a zone puts into it.
    pub async fn put(&self, zone: &str, name: &str, data: RData) -> Result<()> {
        let record = Record::from_rdata(absolute(name)?, TTL, data);
        let (server, key) = home(zone);
        let answer = self.client(server, Some(key)).append(record, absolute(zone)?, false).await?;
        ensure!(answer.response_code == ResponseCode::NoError, "{name}: {}", answer.response_code);
        Ok(())
    }

    /// What the administrator of a zone takes out of it.
    pub async fn take(&self, zone: &str, name: &str, data: RData) -> Result<()> {
        let record = Record::from_rdata(absolute(name)?, TTL, data);
        let (server, key) = home(zone);
        let answer = self.client(server, Some(key)).delete_by_rdata(record, absolute(zone)?).await?;
        ensure!(answer.response_code == ResponseCode::NoError, "{name}: {}", answer.response_code);
        Ok(())
    }

    /// Has the secondary fetch what the primary has by now, and waits until it has.
    pub async fn catch_up(&self) -> Result<()> {
        const ZONE: &str = "lagging.example";
        let deadline = Instant::now() + PATIENCE;
        while self.data(Server::Secondary, ZONE, RecordType::SOA).await?
            != self.data(Server::Primary, ZONE, RecordType::SOA).await?
        {
            ensure!(Instant::now() < deadline, "the secondary stays behind:\n{}", self.log(Server::Secondary));
            let zone = absolute(ZONE)?;
            let mut client = self.client(Server::Secondary, None);
            client.notify(zone, DNSClass::IN, RecordType::SOA, None::<RecordSet>).await?;
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    pub fn log(&self, server: Server) -> String {
        self.supervisor.log(server.name())
    }

    fn client(&self, server: Server, key: Option<Key>) -> Client<TokioRuntimeProvider> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.behind[&server]));
        let signer = key.and_then(|key| signer(key).ok());
        let stream = UdpClientStream::builder(address, TokioRuntimeProvider::new()).with_signer(signer).build();
        let (client, background) = Client::<TokioRuntimeProvider>::from_sender(stream);
        tokio::spawn(background);
        client
    }
}

impl fmt::Debug for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bind").field("dir", &self.dir).field("port", &self.port).finish_non_exhaustive()
    }
}

/// Where a zone is updated, and with which key.
fn home(zone: &str) -> (Server, Key) {
    match zone {
        files::OTHERS => (Server::Other, OTHER_KEY),
        _ => (Server::Primary, UPDATE_KEY),
    }
}

fn signer(key: Key) -> Result<TSigner> {
    let algorithm = match key.algorithm {
        "HmacSha512" => TsigAlgorithm::HmacSha512,
        _ => TsigAlgorithm::HmacSha256,
    };
    Ok(TSigner::new(STANDARD.decode(key.secret)?, algorithm, absolute(key.name)?, 300)?)
}

fn absolute(name: &str) -> Result<Name> {
    let mut name = Name::from_ascii(name)?;
    name.set_fqdn(true);
    Ok(name)
}

fn installed() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Where servers are, and where the PATH of somebody who is not root seldom leads.
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let mut found = folders.map(|folder| folder.join("named")).filter(|named| Path::is_file(named));
    found.next().context("BIND 9 is not installed: `apt-get install bind9` on Debian and Ubuntu")
}

/// Free for UDP and TCP.
fn free_ports() -> Result<[u16; Server::ALL.len()]> {
    let mut held = Vec::new();
    let mut ports = [0; Server::ALL.len()];
    for port in &mut ports {
        let (listener, socket) = loop {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on loopback")?;
            if let Ok(socket) = UdpSocket::bind(listener.local_addr()?) {
                break (listener, socket);
            }
        };
        *port = listener.local_addr()?.port();
        held.push((listener, socket));
    }
    Ok(ports)
}
