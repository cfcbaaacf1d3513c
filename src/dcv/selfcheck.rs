//! Whether everybody can see a record: every address of every authoritative server of the zone is asked, so that a
//! CA that looks from several places finds the same (Baseline Requirements §3.2.2.9).

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures::future::join_all;
use hickory_net::NetError;
use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{Name, RData},
};
use hickory_resolver::config::{ConnectionConfig, NameServerConfig};

use super::{
    NameServer, Record,
    exchange::{self, ExchangeError, exchange},
    resolvers::{Resolvers, remembered},
    same,
};
use crate::address::is_local;

/// Longest wait, in seconds, for resolvers to forget what stood at a name before: the provider looks again anyway.
const LONGEST_MEMORY: u32 = 120;

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
    pub(super) resolvers: Resolvers,
    pub(super) port: u16,
    pub(super) timeout: Duration,
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
    /// A CNAME to there stands at the name instead.
    Alias(String),
    /// It gave no authoritative answer.
    Failed(String),
    /// This host cannot reach such addresses.
    NoRoute,
}

impl SelfCheck {
    /// Fails when the system's resolver configuration cannot be read.
    pub fn new(config: &SelfCheckConfig) -> Result<Self, NetError> {
        let resolvers = Resolvers::new(&config.resolvers, config.timeout)?;
        let local = config.resolvers.iter().any(|resolver| is_local(resolver.ip()));
        Ok(Self { resolvers, port: config.port, timeout: config.timeout, local })
    }

    /// Who asks for a name chooses what its zone says of its servers.
    pub(super) fn may_ask(&self, address: IpAddr) -> bool {
        self.local || !is_local(address)
    }

    /// Asks every authoritative server. `primary`, the publisher's own server, stands in for the zone's servers where
    /// those cannot be found, as in a zone nobody has delegated yet.
    pub async fn check(&self, record: &Record, primary: Option<&NameServer>) -> Visibility {
        let (name, data) = match record.parse() {
            Ok(parsed) => parsed,
            Err(error) => return Visibility::Unknown(error.to_string()),
        };
        let servers = match (self.authority(&name).await, primary) {
            (Ok(zone), _) => zone.servers,
            (Err(why), None) => return Visibility::Unknown(why),
            (Err(why), Some(primary)) => match primary.addresses().await {
                Ok(addresses) => addresses.into_iter().map(|address| (primary.to_string(), address)).collect(),
                Err(error) => return Visibility::Unknown(format!("{why}; {primary}: {error}")),
            },
        };
        let views = servers.into_iter().map(async |(server, address)| {
            let question = exchange::question(name.clone(), record.kind.record_type());
            let answer = exchange(address, question, None, self.timeout).await;
            let seen = match answer {
                Ok(answer) if is_told(&answer) && !answer.metadata.authoritative => {
                    Seen::Failed("does not serve the zone".into())
                }
                answer => seen(answer, &name, &data),
            };
            ServerView { name: server, address, seen }
        });
        judge(join_all(views).await)
    }

    /// Asks every resolver, for where authoritative servers cannot be reached.
    pub async fn check_at_resolvers(&self, record: &Record) -> Visibility {
        let (name, data) = match record.parse() {
            Ok(parsed) => parsed,
            Err(error) => return Visibility::Unknown(error.to_string()),
        };
        let views = self.resolvers.addresses().iter().map(async |address| {
            let answer = self.resolvers.ask_one(*address, &name, record.kind.record_type(), true).await;
            ServerView { name: "resolver".into(), address: *address, seen: seen(answer, &name, &data) }
        });
        judge(join_all(views).await)
    }

    /// Once every server shows a record: for how long resolvers may still show what was there before. Fails when they do
    /// not believe the zone, since a CA may not either (Baseline Requirements §3.2.2.4).
    pub async fn settle(&self, record: &Record) -> Result<Duration, String> {
        let Ok((name, data)) = record.parse() else { return Ok(Duration::ZERO) };
        let record_type = record.kind.record_type();
        let answer = match self.resolvers.ask_validated(&name, record_type).await {
            Ok(answer) => answer,
            Err(_) => {
                return match self.resolvers.broken(&name, record_type).await {
                    Some(resolver) => Err(format!(
                        "the DNSSEC of its zone is broken: resolver {resolver} answers SERVFAIL for {name}, and only with \
                         checking disabled what is there; the provider will not believe it either"
                    )),
                    // That resolvers fail says nothing about others.
                    None => Ok(Duration::ZERO),
                };
            }
        };
        let values = answer.answers.iter().filter(|rr| rr.name == name && rr.record_type() == record_type);
        let (ours, others): (Vec<_>, Vec<_>) = values.partition(|rr| same(&rr.data, &data));
        // Alone, it can have joined nothing that anybody remembers without it.
        let nothing_else = !ours.is_empty() && others.is_empty();
        let seconds = if nothing_else { 0 } else { remembered(&answer).min(LONGEST_MEMORY) };
        Ok(Duration::from_secs(seconds.into()))
    }
}

fn is_told(answer: &Message) -> bool {
    matches!(answer.metadata.response_code, ResponseCode::NoError | ResponseCode::NXDomain)
}

fn seen(answer: Result<Message, ExchangeError>, name: &Name, data: &RData) -> Seen {
    let answer = match answer {
        Ok(answer) if is_told(&answer) => answer,
        Ok(answer) => return Seen::Failed(format!("answers {}", answer.metadata.response_code)),
        Err(error) if error.is_no_route() => return Seen::NoRoute,
        Err(ExchangeError::Silent) => return Seen::Failed("does not answer".into()),
        Err(error) => return Seen::Failed(error.to_string()),
    };
    let mut there = answer.answers.iter().filter(|rr| rr.name == *name);
    if there.clone().any(|rr| same(&rr.data, data)) {
        return Seen::Value;
    }
    match there.find_map(|rr| target(&rr.data)) {
        Some(target) => Seen::Alias(target.to_ascii().trim_end_matches('.').to_owned()),
        None => Seen::Missing,
    }
}

/// Where a CNAME leads.
pub(super) fn target(data: &RData) -> Option<&Name> {
    match data {
        RData::CNAME(target) => Some(&target.0),
        _ => None,
    }
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
    } else if views.iter().any(|view| matches!(view.seen, Seen::Missing | Seen::Alias(_))) {
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
            Seen::Alias(target) => write!(f, "has a CNAME to {target} in its place"),
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
        rr::{Record as ResourceRecord, RecordType, rdata},
    };
    use tokio::net::UdpSocket;

    use super::*;
    use crate::dcv::{Kind, authority::MOST_SERVERS};

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
