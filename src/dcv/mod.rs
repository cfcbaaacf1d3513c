//! Where the records that prove control of a domain get published, and the check that everybody can see them.
//!
//! A publisher touches only values it was asked for: what others hold at the same name stays as it is. Nothing
//! here waits for the DNS to settle; the caller looks again later.

mod authority;
pub mod caa;
pub mod cert_manager_webhook;
mod delegation;
pub mod dnsimple;
mod exchange;
pub mod external_dns;
pub mod http_routes;
pub mod manual;
mod nameserver;
mod resolvers;
pub mod rfc2136;
pub mod selfcheck;
pub mod standing;
pub mod web;

use async_trait::async_trait;
use hickory_proto::{
    ProtoError,
    rr::{Name, RData, RecordType, rdata},
};
use thiserror::Error;

use crate::provider::{CallError, DcvMethod, DcvRecord};

pub use cert_manager_webhook::CertManagerWebhook;
pub use delegation::Ask;
pub use dnsimple::DnSimple;
pub use external_dns::ExternalDns;
pub use http_routes::HttpRoutes;
pub use nameserver::NameServer;
pub use rfc2136::Rfc2136;
pub use selfcheck::{SelfCheck, Visibility};
pub use web::{File, HttpCheck};

/// A record that has to be visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Absolute; the final dot may be missing.
    pub name: String,
    pub kind: Kind,
    /// The text, or the CNAME's target.
    pub value: String,
    /// Seconds. Where other values stand at the name, theirs is kept.
    pub ttl: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Txt,
    Cname,
}

/// Long enough for resolvers to share an answer, short enough that a removed token is soon forgotten.
pub const TTL: u32 = 60;

impl From<&DcvRecord> for Record {
    fn from(record: &DcvRecord) -> Self {
        let kind = match record.method {
            DcvMethod::DnsCname => Kind::Cname,
            // Only the DNS methods have a record.
            DcvMethod::DnsTxt | DcvMethod::HttpToken | DcvMethod::Email => Kind::Txt,
        };
        Self { name: record.name.clone(), kind, value: record.value.clone(), ttl: TTL }
    }
}

/// One place where records, or files, can be published.
#[async_trait]
pub trait Publisher<Proof: Sync = Record>: Send + Sync {
    /// Makes the record exist there. Changes nothing when it does.
    async fn ensure(&self, proof: &Proof) -> Result<(), PublishError>;

    /// Looks whether the record exists there; says nothing about other name servers.
    async fn observe(&self, proof: &Proof) -> Result<Observed, PublishError>;

    /// Makes the record not exist there. Changes nothing when it does not.
    async fn remove(&self, proof: &Proof) -> Result<(), PublishError>;

    /// Whether every name server of the publisher's operator has the record by now, as that operator says. `None`: it
    /// cannot be asked.
    async fn is_distributed(&self, _: &Proof) -> Result<Option<bool>, PublishError> {
        Ok(None)
    }

    /// What usually keeps a record from being seen that was published here, for a person.
    fn hint(&self) -> Option<&'static str> {
        None
    }

    /// The name server behind it, where there is one.
    fn name_server(&self) -> Option<&NameServer> {
        None
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    Present,
    Absent,
    /// This publisher cannot look.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PublishError {
    /// The key or its permissions: a person has to change the name server or the issuer.
    #[error("{server} refused with {code}: {hint}")]
    Refused { server: String, code: String, hint: &'static str },
    #[error("{server} is no authority for {name}, or does not say so to this key")]
    NotZone { server: String, name: String },
    /// A CNAME is alone at its name, so ours cannot join what is there, nor the other way round.
    #[error("{name} already holds {holds}, which Evercert leaves alone")]
    Conflict { name: String, holds: String },
    /// Whatever is there could be lost.
    #[error(
        "{name} already holds {holds}, which some webhooks take away: keepsOtherValues: true says that this one does not"
    )]
    AtRisk { name: String, holds: String },
    #[error("what {name} holds cannot be seen: {cause}")]
    Unseen { name: String, cause: String },
    #[error("{server} does not answer: {cause}")]
    Unreachable { server: String, cause: String },
    /// It answered, but could not do its work just now.
    #[error("{server} failed with {code}")]
    Failed { server: String, code: String },
    /// The answer could be anybody's.
    #[error("{server} answered without a valid TSIG signature")]
    Unverified { server: String },
    #[error("DNSimple: {0}")]
    DnSimple(#[from] CallError),
    #[error("{what} cannot be published: {why}")]
    Malformed { what: String, why: String },
}

impl Record {
    /// Owner name and data as they stand in the DNS.
    fn parse(&self) -> Result<(Name, RData), PublishError> {
        let data = match self.kind {
            Kind::Txt => Ok(RData::TXT(text(&self.value))),
            Kind::Cname => absolute(&self.value).map(|target| RData::CNAME(rdata::CNAME(target))),
        };
        let parsed = absolute(&self.name).and_then(|name| Ok((name, data?)));
        parsed.map_err(|error| PublishError::Malformed { what: manual::sentence(self), why: error.to_string() })
    }
}

impl Kind {
    fn record_type(self) -> RecordType {
        match self {
            Self::Txt => RecordType::TXT,
            Self::Cname => RecordType::CNAME,
        }
    }
}

/// One string holds at most 255 octets (RFC 1035 §3.3); readers join the strings.
fn text(value: &str) -> rdata::TXT {
    rdata::TXT::from_bytes(match value.is_empty() {
        true => vec![b""],
        false => value.as_bytes().chunks(255).collect(),
    })
}

fn absolute(name: &str) -> Result<Name, ProtoError> {
    let mut name = Name::from_ascii(name)?;
    name.set_fqdn(true);
    Ok(name)
}

/// Whether the data says the same: strings joined, names without regard to case.
fn same(held: &RData, wanted: &RData) -> bool {
    match (held, wanted) {
        (RData::TXT(held), RData::TXT(wanted)) => held.txt_data.concat() == wanted.txt_data.concat(),
        _ => held == wanted,
    }
}

/// The name and its parents, the root excluded.
fn ancestors(name: &Name) -> impl Iterator<Item = Name> {
    std::iter::successors(Some(name.clone()), |name| Some(name.base_name())).take_while(|name| !name.is_root())
}
