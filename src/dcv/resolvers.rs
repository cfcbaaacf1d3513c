//! The recursive servers through which everybody else sees the DNS. They remember what they are told, also that there is
//! nothing: so they are never asked for a name whose record is not published yet.

use std::{net::SocketAddr, time::Duration};

use hickory_net::NetError;
use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{Name, RData, RecordType},
};
use hickory_resolver::system_conf::read_system_conf;

use super::exchange::{self, ExchangeError, exchange};

/// An answer that says something about the name.
fn is_told(code: ResponseCode) -> bool {
    matches!(code, ResponseCode::NoError | ResponseCode::NXDomain)
}

pub(super) struct Resolvers {
    servers: Vec<SocketAddr>,
    /// For one exchange with one of them.
    timeout: Duration,
}

impl Resolvers {
    /// Those of the system when none are named. Fails when its configuration cannot be read.
    pub(super) fn new(servers: &[SocketAddr], timeout: Duration) -> Result<Self, NetError> {
        let servers = match servers {
            [] => {
                let (config, _) = read_system_conf()?;
                let port = |server: &hickory_resolver::config::NameServerConfig| {
                    server.connections.first().map_or(53, |connection| connection.port)
                };
                config.name_servers.iter().map(|server| SocketAddr::new(server.ip, port(server))).collect()
            }
            servers => servers.to_vec(),
        };
        Ok(Self { servers, timeout })
    }

    pub(super) fn addresses(&self) -> &[SocketAddr] {
        &self.servers
    }

    /// The first answer that says something, whether or not it can be validated. For what is asked on the way only.
    pub(super) async fn ask(&self, name: &Name, record_type: RecordType) -> Result<Message, String> {
        self.first(name, record_type, true).await.map_err(|(why, _)| why)
    }

    /// The first answer that says something and that its resolver believes, where it validates.
    pub(super) async fn ask_validated(&self, name: &Name, record_type: RecordType) -> Result<Message, String> {
        self.first(name, record_type, false).await.map_err(|(why, _)| why)
    }

    /// The same; none where it is refused, as a server within a network does outside of its own zones: of the name that
    /// says nothing.
    pub(super) async fn ask_if_served(&self, name: &Name, record_type: RecordType) -> Result<Option<Message>, String> {
        match self.first(name, record_type, false).await {
            Ok(answer) => Ok(Some(answer)),
            Err((_, Some(ResponseCode::Refused))) => Ok(None),
            Err((why, _)) => Err(why),
        }
    }

    /// Else what the last one said.
    async fn first(
        &self,
        name: &Name,
        record_type: RecordType,
        unvalidated: bool,
    ) -> Result<Message, (String, Option<ResponseCode>)> {
        let mut last = ("there is no resolver to ask".to_owned(), None);
        for server in &self.servers {
            match self.ask_one(*server, name, record_type, unvalidated).await {
                Ok(answer) if is_told(answer.metadata.response_code) => return Ok(answer),
                Ok(answer) => {
                    let code = answer.metadata.response_code;
                    last = (format!("{server} answers {code}"), Some(code));
                }
                Err(error) => last = (format!("{server}: {error}"), None),
            }
        }
        Err(last)
    }

    pub(super) async fn ask_one(
        &self,
        server: SocketAddr,
        name: &Name,
        record_type: RecordType,
        unvalidated: bool,
    ) -> Result<Message, ExchangeError> {
        let question = exchange::recursive(name.clone(), record_type, unvalidated);
        exchange(server, question, None, self.timeout).await
    }

    /// The resolver that answers without validation what it does not answer with it: what it says is broken.
    pub(super) async fn broken(&self, name: &Name, record_type: RecordType) -> Option<SocketAddr> {
        for server in &self.servers {
            let Ok(validated) = self.ask_one(*server, name, record_type, false).await else { continue };
            if validated.metadata.response_code != ResponseCode::ServFail {
                return None;
            }
            let unvalidated = self.ask_one(*server, name, record_type, true).await;
            if unvalidated.is_ok_and(|answer| is_told(answer.metadata.response_code)) {
                return Some(*server);
            }
        }
        None
    }
}

/// Seconds for which an answer may be remembered: the least of its records; of an answer that says nothing is there what
/// its SOA allows (RFC 2308 §5).
pub(super) fn remembered(answer: &Message) -> u32 {
    let positive = answer.answers.iter().map(|record| record.ttl).min();
    let negative = || {
        answer.authorities.iter().find_map(|record| match &record.data {
            RData::SOA(soa) => Some(record.ttl.min(soa.minimum)),
            _ => None,
        })
    };
    positive.or_else(negative).unwrap_or_default()
}
