//! Dynamic updates (RFC 2136) signed with TSIG (RFC 8945), as BIND, Knot and PowerDNS take them.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{
        DNSClass, Name, RData, Record as ResourceRecord, RecordType, TSigner,
        rdata::tsig::{self, TsigError},
    },
};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use thiserror::Error;

use super::{
    Kind, NameServer, Observed, PublishError, Publisher, Record, absolute, ancestors,
    exchange::{self, ExchangeError, exchange},
    same,
};

pub struct Rfc2136Config {
    /// The primary, `host:port` or `host`.
    pub nameserver: String,
    /// Asked for when the server does not say itself which of its zones a name is in.
    pub zones: Vec<String>,
    pub key: TsigKey,
}

pub struct TsigKey {
    pub name: String,
    pub algorithm: TsigAlgorithm,
    /// In base64, as name servers' configurations have it.
    pub secret: SecretString,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TsigAlgorithm {
    HmacSha256,
    HmacSha384,
    HmacSha512,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    #[error("{0}")]
    NameServer(String),
    #[error("`{0}` is no zone")]
    Zone(String),
    #[error("`{0}` is no name of a TSIG key")]
    KeyName(String),
    #[error("the secret of TSIG key {0} is not base64, or empty")]
    Secret(String),
}

pub struct Rfc2136 {
    server: NameServer,
    zones: Vec<Name>,
    key_name: Name,
    algorithm: TsigAlgorithm,
    secret: SecretSlice<u8>,
    timeout: Duration,
}

impl Rfc2136 {
    /// Asks nobody.
    pub fn new(config: Rfc2136Config) -> Result<Self, ConfigError> {
        let TsigKey { name, algorithm, secret } = config.key;
        let zone = |zone: String| absolute(&zone).map_err(|_| ConfigError::Zone(zone));
        let decoded = STANDARD.decode(secret.expose_secret().trim()).unwrap_or_default();
        if decoded.is_empty() {
            return Err(ConfigError::Secret(name));
        }
        Ok(Self {
            server: config.nameserver.parse().map_err(ConfigError::NameServer)?,
            zones: config.zones.into_iter().map(zone).collect::<Result<_, _>>()?,
            key_name: absolute(&name).map_err(|_| ConfigError::KeyName(name))?,
            algorithm,
            secret: decoded.into(),
            timeout: exchange::TIMEOUT,
        })
    }

    /// For one exchange with one address of the server; 5 s when not set.
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The data of this type at the name. A name that does not exist holds none.
    async fn held(&self, name: &Name, kind: Kind) -> Result<Vec<ResourceRecord>, PublishError> {
        let answer = self.send(exchange::question(name.clone(), kind.record_type())).await?;
        self.check(&answer, name, &[ResponseCode::NXDomain])?;
        Ok(answer.answers.into_iter().filter(|rr| rr.name == *name).collect())
    }

    /// The zone the server has the name in; where it does not say, the closest of the configured ones.
    async fn zone_of(&self, name: &Name) -> Result<Name, PublishError> {
        let not_said = match self.ask_for_zone(name).await {
            Err(error @ (PublishError::NotZone { .. } | PublishError::Refused { .. })) => error,
            said => return said,
        };
        let covering = self.zones.iter().filter(|zone| zone.zone_of(name));
        covering.max_by_key(|zone| zone.num_labels()).cloned().ok_or(not_said)
    }

    /// An authority names its zone's SOA also when nothing is there (RFC 2308 §3). A CNAME leads elsewhere, so its
    /// parent is asked then.
    async fn ask_for_zone(&self, name: &Name) -> Result<Name, PublishError> {
        for candidate in ancestors(name) {
            let answer = self.send(exchange::question(candidate.clone(), RecordType::SOA)).await?;
            // REFUSED is how servers answer about zones they do not serve.
            self.check(&answer, name, &[ResponseCode::NXDomain, ResponseCode::Refused])?;
            if !answer.metadata.authoritative {
                break;
            }
            let records = answer.answers.iter().chain(&answer.authorities);
            let mut soas = records.filter(|rr| rr.record_type() == RecordType::SOA);
            if let Some(soa) = soas.find(|soa| soa.name.zone_of(&candidate)) {
                return Ok(soa.name.clone());
            }
        }
        Err(self.not_zone(name))
    }

    /// To the first address that answers.
    async fn send(&self, message: Message) -> Result<Message, PublishError> {
        let unreachable = |cause: String| PublishError::Unreachable { server: self.server.to_string(), cause };
        let key = self.signer().map_err(unreachable)?;
        let addresses = self.server.addresses().await.map_err(|error| unreachable(error.to_string()))?;
        let mut last = unreachable("its name has no address".into());
        for address in addresses {
            match exchange(address, message.clone(), Some(&key), self.timeout).await {
                Ok(answer) => return Ok(answer),
                Err(ExchangeError::Unverified) => {
                    return Err(PublishError::Unverified { server: self.server.to_string() });
                }
                Err(error) => last = unreachable(error.to_string()),
            }
        }
        Err(last)
    }

    /// Made for each exchange, so that the secret stays in its box in between.
    fn signer(&self) -> Result<TSigner, String> {
        const FUDGE: u16 = 300;
        let algorithm = match self.algorithm {
            TsigAlgorithm::HmacSha256 => tsig::TsigAlgorithm::HmacSha256,
            TsigAlgorithm::HmacSha384 => tsig::TsigAlgorithm::HmacSha384,
            TsigAlgorithm::HmacSha512 => tsig::TsigAlgorithm::HmacSha512,
        };
        let secret = self.secret.expose_secret().to_vec();
        TSigner::new(secret, algorithm, self.key_name.clone(), FUDGE).map_err(|error| error.to_string())
    }

    /// Sorts out the answers that are no success; `accepted` codes are the caller's.
    fn check(&self, answer: &Message, name: &Name, accepted: &[ResponseCode]) -> Result<(), PublishError> {
        let code = answer.metadata.response_code;
        if code == ResponseCode::NoError || accepted.contains(&code) {
            return Ok(());
        }
        let server = self.server.to_string();
        let tsig = answer.signature().and_then(|tsig| tsig.data.error.as_ref());
        Err(match (code, tsig) {
            (ResponseCode::NotAuth, Some(error)) => {
                let (error, hint) = explain(error);
                PublishError::Refused { server, code: format!("NOTAUTH/{error}"), hint }
            }
            (ResponseCode::NotAuth | ResponseCode::NotZone, _) => self.not_zone(name),
            (ResponseCode::Refused, _) => PublishError::Refused {
                server,
                code: mnemonic(code),
                hint: "it does not serve the zone, or its policy does not allow this to the key",
            },
            _ => PublishError::Failed { server, code: mnemonic(code) },
        })
    }

    fn not_zone(&self, name: &Name) -> PublishError {
        PublishError::NotZone { server: self.server.to_string(), name: plain(name) }
    }
}

#[async_trait]
impl Publisher for Rfc2136 {
    async fn ensure(&self, record: &Record) -> Result<(), PublishError> {
        let (name, data) = record.parse()?;
        let held = match self.held(&name, record.kind).await {
            // Its policy may let the key update but not ask.
            Err(PublishError::Refused { .. }) => Vec::new(),
            held => held?,
        };
        if holds(&held, &data) {
            return Ok(());
        }
        let zone = self.zone_of(&name).await?;
        // A server drops what cannot stand beside a CNAME without a word (RFC 2136 §3.4.2.2): make it say so.
        let (must_not_exist, in_the_way) = match record.kind {
            Kind::Txt => (RecordType::CNAME, ResponseCode::YXRRSet),
            Kind::Cname => (RecordType::ANY, ResponseCode::YXDomain),
        };
        let mut prerequisite = ResourceRecord::update0(name.clone(), 0, must_not_exist).into_record_of_rdata();
        prerequisite.dns_class = DNSClass::NONE;
        // Values of one name have one TTL (RFC 2181 §5.2): theirs, when others are there.
        let neighbour = held.iter().find(|rr| rr.record_type() == record.kind.record_type());
        let ttl = neighbour.map_or(record.ttl, |rr| rr.ttl);
        let mut update = exchange::update(zone);
        update.add_answer(prerequisite);
        update.add_authority(ResourceRecord::from_rdata(name.clone(), ttl, data));

        let answer = self.send(update).await?;
        self.check(&answer, &name, &[in_the_way])?;
        match answer.metadata.response_code == in_the_way {
            true => Err(PublishError::Conflict { name: plain(&name), holds: describe(&held) }),
            false => Ok(()),
        }
    }

    async fn observe(&self, record: &Record) -> Result<Observed, PublishError> {
        let (name, data) = record.parse()?;
        let held = self.held(&name, record.kind).await?;
        Ok(if holds(&held, &data) { Observed::Present } else { Observed::Absent })
    }

    async fn remove(&self, record: &Record) -> Result<(), PublishError> {
        let (name, data) = record.parse()?;
        let zone = self.zone_of(&name).await?;
        // Class NONE: this value of the set, when it is there (RFC 2136 §2.5.4).
        let mut ours = ResourceRecord::from_rdata(name.clone(), 0, data);
        ours.dns_class = DNSClass::NONE;
        let mut update = exchange::update(zone);
        update.add_authority(ours);
        let answer = self.send(update).await?;
        self.check(&answer, &name, &[])
    }

    fn name_server(&self) -> Option<&NameServer> {
        Some(&self.server)
    }
}

impl fmt::Debug for Rfc2136 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (server, key) = (self.server.to_string(), plain(&self.key_name));
        f.debug_struct("Rfc2136").field("server", &server).field("key", &key).finish_non_exhaustive()
    }
}

fn holds(held: &[ResourceRecord], data: &RData) -> bool {
    held.iter().any(|rr| same(&rr.data, data))
}

fn describe(held: &[ResourceRecord]) -> String {
    match held.iter().find(|rr| rr.record_type() == RecordType::CNAME) {
        Some(rr) => format!("a CNAME to {}", rr.data),
        None => "other records".into(),
    }
}

fn explain(error: &TsigError) -> (String, &'static str) {
    match error {
        TsigError::BadKey => ("BADKEY".into(), "it does not know a TSIG key of this name and algorithm"),
        TsigError::BadSig => ("BADSIG".into(), "its TSIG secret is another (or ours is base64-encoded twice)"),
        TsigError::BadTime => ("BADTIME".into(), "its clock and ours are too far apart"),
        TsigError::BadTrunc => ("BADTRUNC".into(), "it wants another length of TSIG signature"),
        TsigError::Unknown(code) => (code.to_string(), "it did not accept the TSIG signature"),
    }
}

/// As the IANA registry *DNS RCODEs* writes it.
fn mnemonic(code: ResponseCode) -> String {
    format!("{code:?}").to_uppercase()
}

fn plain(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_owned()
}
