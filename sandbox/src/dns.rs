//! An authoritative DNS server for the demo zones, in memory, which takes dynamic updates (RFC 2136) signed with TSIG
//! (RFC 8945) from whoever holds its key and from nobody else.

mod update;
mod zone;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hickory_net::runtime::Time;
use hickory_proto::op::{OpCode, ResponseCode};
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use hickory_proto::rr::{DNSClass, LowerName, Name, Record, TSigner};
use hickory_server::Server;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::{Catalog, MessageResponseBuilder};
use serde::Serialize;
use tokio::net::{TcpListener, UdpSocket};

use zone::DemoZone;
pub(crate) use zone::NAME_SERVER;

pub struct DnsConfig {
    /// Where UDP and TCP listen, on the same port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Zones the server is authoritative for. They start with SOA and NS only.
    pub zones: Vec<String>,
    /// The key that may update them; a new one is made when absent.
    pub key: Option<TsigKey>,
}

impl Default for DnsConfig {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            zones: ["example.com", "example.org", "example.net"].map(String::from).to_vec(),
            key: None,
        }
    }
}

/// A TSIG key as name servers' configurations write it.
#[derive(Clone, Serialize)]
pub struct TsigKey {
    pub name: String,
    pub algorithm: Algorithm,
    /// The shared secret in base64.
    pub secret: String,
}

#[derive(Clone, Copy, Serialize)]
pub enum Algorithm {
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
}

impl TsigKey {
    pub fn generate(name: &str) -> anyhow::Result<Self> {
        let mut secret = [0; 32];
        aws_lc_rs::rand::fill(&mut secret).map_err(|_| anyhow!("no randomness for a TSIG key"))?;
        Ok(Self { name: name.into(), algorithm: Algorithm::HmacSha256, secret: STANDARD.encode(secret) })
    }

    fn signer(&self) -> anyhow::Result<TSigner> {
        let secret = STANDARD.decode(&self.secret).context("the TSIG secret is not base64")?;
        let name = Name::from_ascii(&self.name).context("the TSIG key name is no domain name")?;
        let Algorithm::HmacSha256 = self.algorithm;
        Ok(TSigner::new(secret, TsigAlgorithm::HmacSha256, name, FUDGE)?)
    }
}

/// Seconds a signature may be off, as RFC 8945 §10 recommends.
const FUDGE: u16 = 300;

/// A running server. Dropping it ends it.
pub struct DemoDns {
    address: SocketAddr,
    zones: Vec<String>,
    tsig: TsigKey,
    served: Zones,
    _server: Server<Front>,
}

impl DemoDns {
    /// Listens before it returns.
    pub async fn start(config: DnsConfig) -> anyhow::Result<Self> {
        let tsig = match config.key {
            Some(key) => key,
            None => TsigKey::generate("evercert-sandbox")?,
        };
        let front = Front::new(&config.zones, &tsig.signer()?)?;
        let (udp, tcp) = bind(config.listen).await?;
        let address = udp.local_addr()?;
        let served = front.zones.clone();
        let mut server = Server::new(front);
        server.register_socket(udp);
        server.register_listener(tcp, IDLE_TCP, RESPONSES_PER_TCP);
        Ok(Self { address, zones: config.zones, tsig, served, _server: server })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn zones(&self) -> &[String] {
        &self.zones
    }

    pub fn tsig(&self) -> &TsigKey {
        &self.tsig
    }

    pub(crate) fn served(&self) -> Zones {
        self.served.clone()
    }
}

/// What a server serves, to be changed from within the process.
#[derive(Clone, Default)]
pub(crate) struct Zones(Arc<BTreeMap<LowerName, Arc<DemoZone>>>);

impl Zones {
    /// In a zone that is not served this does nothing.
    pub(crate) async fn change(&self, zone: &Name, gone: &[Record], come: &[Record]) {
        if let Some(zone) = self.0.get(&LowerName::new(zone)) {
            zone.change(gone, come).await;
        }
    }
}

const IDLE_TCP: Duration = Duration::from_secs(10);
const RESPONSES_PER_TCP: usize = 32;

/// A free UDP port may be taken for TCP, so a few are tried.
async fn bind(listen: SocketAddr) -> anyhow::Result<(UdpSocket, TcpListener)> {
    const ATTEMPTS: usize = 16;
    let mut attempt = 1;
    loop {
        let udp = UdpSocket::bind(listen).await.with_context(|| format!("cannot listen on {listen} (UDP)"))?;
        let address = udp.local_addr()?;
        match TcpListener::bind(address).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(_) if listen.port() == 0 && attempt < ATTEMPTS => attempt += 1,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot listen on {address} (TCP)"));
            }
        }
    }
}

/// Turns away updates whose zone section names no zone of ours; the catalog would hand a zone's child to the zone.
struct Front {
    zones: Zones,
    catalog: Catalog,
}

impl Front {
    fn new(zones: &[String], signer: &TSigner) -> anyhow::Result<Self> {
        let (mut served, mut catalog) = (BTreeMap::new(), Catalog::new());
        for zone in zones {
            let mut origin = Name::from_ascii(zone).with_context(|| format!("{zone} is no zone name"))?;
            origin.set_fqdn(true);
            let lower = LowerName::new(&origin);
            let zone = Arc::new(DemoZone::new(origin, signer.clone())?);
            served.insert(lower.clone(), zone.clone());
            catalog.upsert(lower, vec![zone]);
        }
        Ok(Self { zones: Zones(Arc::new(served)), catalog })
    }

    fn is_authority_for(&self, request: &Request) -> bool {
        request
            .queries
            .queries()
            .iter()
            .all(|zone| zone.query_class() == DNSClass::IN && self.zones.0.contains_key(zone.name()))
    }
}

#[async_trait::async_trait]
impl RequestHandler for Front {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut response: R) -> ResponseInfo {
        if request.metadata.op_code != OpCode::Update || self.is_authority_for(request) {
            return self.catalog.handle_request::<R, T>(request, response).await;
        }
        let refusal =
            MessageResponseBuilder::from_message_request(request).error_msg(&request.metadata, ResponseCode::NotAuth);
        match response.send_response(refusal).await {
            Ok(sent) => sent,
            Err(error) => {
                tracing::warn!(%error, client = %request.src(), "cannot answer");
                hickory_proto::op::Header { metadata: request.metadata, counts: Default::default() }.into()
            }
        }
    }
}
