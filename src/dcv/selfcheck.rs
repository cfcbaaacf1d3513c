//! Whether everybody can see a record: every address of every authoritative server of the zone is asked, so that a
//! CA that looks from several places finds the same (Baseline Requirements §3.2.2.9).

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures::future::join_all;
use hickory_net::{DnsError, NetError, NoRecords, runtime::TokioRuntimeProvider};
use hickory_proto::{
    op::ResponseCode,
    rr::{Name, RData, RecordType},
};
use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
};

use super::{
    Kind, NameServer, Record, ancestors,
    exchange::{self, ExchangeError, exchange},
    same,
};
use crate::address::is_local;

/// Name servers of a zone, and their addresses, that are asked. The root has 13 of two each; who asks for a name may have
/// thousands put into its zone.
const MOST_SERVERS: usize = 32;
const MOST_ADDRESSES: usize = 128;

#[derive(Debug, Clone)]
pub struct SelfCheckConfig {
    /// Recursive servers that know where zones are served. Empty: those of the system.
    pub resolvers: Vec<SocketAddr>,
    /// Where authoritative servers listen.
    pub port: u16,
    /// For one exchange with one address.
    pub timeout: Duration,
}

impl Default for SelfCheckConfig {
    fn default() -> Self {
        Self { resolvers: Vec::new(), port: 53, timeout: exchange::TIMEOUT }
    }
}

pub struct SelfCheck {
    resolver: TokioResolver,
    port: u16,
    timeout: Duration,
    /// Servers on this host count too: told to resolve at one of them, that is where zones are.
    local: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visibility {
    /// Every server shows it.
    Visible,
    /// Some answer without it. Lists every server that does not show it.
    Lagging { servers: Vec<ServerView> },
    /// No server is known to lack it, but not all could be asked.
    Unknown(String),
}

/// One address of one authoritative server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerView {
    pub name: String,
    pub address: SocketAddr,
    pub seen: Seen,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Value,
    Missing,
    /// It gave no authoritative answer.
    Failed(String),
    /// This host cannot reach such addresses.
    NoRoute,
}

impl SelfCheck {
    /// Fails when the system's resolver configuration cannot be read.
    pub fn new(config: &SelfCheckConfig) -> Result<Self, NetError> {
        let mut builder = match config.resolvers.as_slice() {
            [] => TokioResolver::builder_tokio()?,
            resolvers => {
                let servers = resolvers.iter().map(name_server).collect();
                let config = ResolverConfig::from_name_servers(servers);
                Resolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.cache_size = 0;
        options.timeout = config.timeout;
        let local = config.resolvers.iter().any(|resolver| is_local(resolver.ip()));
        Ok(Self { resolver: builder.build()?, port: config.port, timeout: config.timeout, local })
    }

    /// Who asks for a name chooses what its zone says of its servers.
    fn may_ask(&self, address: IpAddr) -> bool {
        self.local || !is_local(address)
    }

    /// `primary`, the publisher's own server, stands in for the zone's servers where those cannot be resolved, as in
    /// a zone nobody has delegated yet.
    pub async fn check(&self, record: &Record, primary: Option<&NameServer>) -> Visibility {
        let (name, data) = match record.parse() {
            Ok(parsed) => parsed,
            Err(error) => return Visibility::Unknown(error.to_string()),
        };
        let servers = match (self.authorities(&name, record.kind).await, primary) {
            (Ok(servers), _) => servers,
            (Err(why), None) => return Visibility::Unknown(why),
            (Err(why), Some(primary)) => match primary.addresses().await {
                Ok(addresses) => addresses.into_iter().map(|address| (primary.to_string(), address)).collect(),
                Err(error) => return Visibility::Unknown(format!("{why}; {primary}: {error}")),
            },
        };
        let views = servers.into_iter().map(async |(server, address)| {
            let seen = self.look(address, &name, record.kind, &data).await;
            ServerView { name: server, address, seen }
        });
        judge(join_all(views).await)
    }

    async fn look(&self, server: SocketAddr, name: &Name, kind: Kind, data: &RData) -> Seen {
        let question = exchange::question(name.clone(), kind.record_type());
        let answer = match exchange(server, question, None, self.timeout).await {
            Ok(answer) => answer,
            Err(error) if error.is_no_route() => return Seen::NoRoute,
            Err(ExchangeError::Silent) => return Seen::Failed("does not answer".into()),
            Err(error) => return Seen::Failed(error.to_string()),
        };
        match answer.metadata.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain if answer.metadata.authoritative => {
                let shown = answer.answers.iter().any(|rr| rr.name == *name && same(&rr.data, data));
                if shown { Seen::Value } else { Seen::Missing }
            }
            ResponseCode::NoError | ResponseCode::NXDomain => Seen::Failed("does not serve the zone".into()),
            code => Seen::Failed(format!("answers {code}")),
        }
    }

    /// Name and address of every server of the zone; why there is none.
    async fn authorities(&self, name: &Name, kind: Kind) -> Result<Vec<(String, SocketAddr)>, String> {
        let zone = self.zone_of(name, kind).await?;
        let found = self.resolver.lookup(zone.clone(), RecordType::NS).await;
        let found = found.map_err(|error| format!("the name servers of {zone} cannot be resolved: {error}"))?;
        let server = |data: &RData| match data {
            RData::NS(server) => Some(server.0.clone()),
            _ => None,
        };
        let servers: Vec<Name> = found.answers().iter().filter_map(|rr| server(&rr.data)).collect();
        if servers.len() > MOST_SERVERS {
            return Err(format!("{zone} has more than {MOST_SERVERS} name servers"));
        }
        let resolved = join_all(servers.iter().map(|server| self.addresses(server))).await;
        let pairs = servers.iter().zip(resolved).flat_map(|(server, addresses)| {
            addresses.into_iter().map(|address| (server.to_ascii().trim_end_matches('.').to_owned(), address))
        });
        let pairs: Vec<_> = pairs.collect();
        match pairs.len() {
            0 => Err(format!("no name server of {zone} has an address")),
            1..=MOST_ADDRESSES => Ok(pairs),
            _ => Err(format!("the name servers of {zone} have more than {MOST_ADDRESSES} addresses")),
        }
    }

    async fn addresses(&self, server: &Name) -> Vec<SocketAddr> {
        let types = [RecordType::A, RecordType::AAAA];
        let found = join_all(types.map(|family| self.resolver.lookup(server.clone(), family))).await;
        let records = found.iter().flatten().flat_map(|found| found.answers());
        let addresses = records.filter_map(|rr| rr.data.ip_addr()).filter(|address| self.may_ask(*address));
        addresses.map(|address| SocketAddr::new(address, self.port)).collect()
    }

    /// By the SOA that comes with every answer, also with one that says nothing is there (RFC 2308 §3). The search
    /// for a CNAME's zone starts above it: the question would follow it into the CA's zone.
    async fn zone_of(&self, name: &Name, kind: Kind) -> Result<Name, String> {
        let skip = usize::from(kind == Kind::Cname);
        for candidate in ancestors(name).skip(skip) {
            let soa = match self.resolver.lookup(candidate.clone(), RecordType::SOA).await {
                Ok(found) => found.answers().iter().find_map(|rr| soa_owner(&rr.data, &rr.name)),
                Err(NetError::Dns(DnsError::NoRecordsFound(NoRecords { soa, .. }))) => soa.map(|soa| soa.name.clone()),
                Err(error) => return Err(format!("the zone of {name} cannot be found: {error}")),
            };
            if let Some(zone) = soa.filter(|zone| zone.zone_of(&candidate)) {
                return Ok(zone);
            }
        }
        Err(format!("{name} is in no zone"))
    }
}

fn soa_owner(data: &RData, owner: &Name) -> Option<Name> {
    matches!(data, RData::SOA(_)).then(|| owner.clone())
}

pub(super) fn name_server(address: &SocketAddr) -> NameServerConfig {
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for connection in &mut connections {
        connection.port = address.port();
    }
    NameServerConfig::new(address.ip(), true, connections)
}

/// Addresses without a route say nothing, as long as any other was asked.
fn judge(mut views: Vec<ServerView>) -> Visibility {
    if views.is_empty() {
        return Visibility::Unknown("there is no name server to ask".into());
    }
    if views.iter().any(|view| view.seen != Seen::NoRoute) {
        views.retain(|view| view.seen != Seen::NoRoute);
    }
    views.retain(|view| view.seen != Seen::Value);
    if views.is_empty() {
        Visibility::Visible
    } else if views.iter().any(|view| view.seen == Seen::Missing) {
        Visibility::Lagging { servers: views }
    } else {
        Visibility::Unknown(sentence(&views))
    }
}

fn sentence(views: &[ServerView]) -> String {
    views.iter().map(ServerView::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for ServerView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) ", self.name, self.address)?;
        match &self.seen {
            Seen::Value => f.write_str("shows it"),
            Seen::Missing => f.write_str("does not show it"),
            Seen::Failed(why) => f.write_str(why),
            Seen::NoRoute => f.write_str("cannot be reached from here"),
        }
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Visible => f.write_str("every name server of the zone shows it"),
            Self::Lagging { servers } => f.write_str(&sentence(servers)),
            Self::Unknown(why) => f.write_str(why),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use hickory_proto::{
        op::{Message, MessageType},
        rr::{Record as ResourceRecord, rdata},
    };
    use tokio::net::UdpSocket;

    use super::*;

    /// A resolver that knows a zone with so many name servers.
    async fn serve(socket: UdpSocket, servers: usize) {
        let zone = Name::from_ascii("example.com.").unwrap();
        let mut buffer = [0; 4096];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let mut answer = Message::from_vec(&buffer[..length]).unwrap();
            answer.metadata.message_type = MessageType::Response;
            let mut add = |data| {
                answer.add_answer(ResourceRecord::from_rdata(zone.clone(), 60, data));
            };
            match answer_type(&buffer[..length]) {
                RecordType::SOA => add(RData::SOA(rdata::SOA::new(zone.clone(), zone.clone(), 1, 60, 60, 60, 60))),
                RecordType::NS => {
                    for n in 0..servers {
                        add(RData::NS(rdata::NS(zone.prepend_label(format!("n{n}")).unwrap())));
                    }
                }
                _ => {}
            }
            socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
        }
    }

    fn answer_type(question: &[u8]) -> RecordType {
        Message::from_vec(question).unwrap().queries[0].query_type()
    }

    /// Each would be looked up twice, and each of its addresses asked.
    #[tokio::test]
    async fn a_zone_with_countless_servers_is_not_followed() {
        let record = Record { name: "example.com".into(), kind: Kind::Txt, value: "token".into(), ttl: 60 };
        for (servers, expected) in [(MOST_SERVERS, "has an address"), (MOST_SERVERS + 1, "more than 32 name servers")] {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let resolvers = vec![socket.local_addr().unwrap()];
            let serving = tokio::spawn(serve(socket, servers));
            let check = SelfCheck::new(&SelfCheckConfig { resolvers, ..SelfCheckConfig::default() }).unwrap();
            let visibility = check.check(&record, None).await;
            assert!(matches!(&visibility, Visibility::Unknown(why) if why.contains(expected)), "{visibility:?}");
            serving.abort();
        }
    }

    #[tokio::test]
    async fn a_zone_cannot_send_us_to_this_host_or_its_link() {
        let told = |resolver: &str| {
            let config = SelfCheckConfig { resolvers: vec![resolver.parse().unwrap()], ..SelfCheckConfig::default() };
            SelfCheck::new(&config).unwrap()
        };
        let (away, here) = (told("192.0.2.53:53"), told("127.0.0.1:53"));
        for (address, elsewhere) in [
            ("192.0.2.1", true),
            ("10.0.0.53", true),
            ("2001:db8::53", true),
            ("127.0.0.1", false),
            ("127.8.8.8", false),
            ("0.0.0.0", false),
            ("169.254.169.254", false),
            ("::1", false),
            ("::", false),
            ("fe80::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:169.254.169.254", false),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(away.may_ask(address), elsewhere, "{address}");
            assert!(here.may_ask(address), "{address}");
        }
    }
}
