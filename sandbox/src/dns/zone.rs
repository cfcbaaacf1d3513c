//! One zone: hickory's in-memory zone answers queries, updates are ours, and every signed request gets a signed answer.

use std::time::SystemTime;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::tsig::TsigError;
use hickory_proto::rr::rdata::{NS, SOA};
use hickory_proto::rr::{DNSClass, LowerName, Name, RData, Record, RecordType, TSigResponseContext, TSigner};
use hickory_server::dnssec::NxProofKind;
use hickory_server::server::{Request, RequestInfo};
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{
    AuthLookup, AxfrPolicy, LookupControlFlow, LookupOptions, Nsec3QueryInfo, ZoneHandler, ZoneType,
};

use super::update;

pub(super) struct DemoZone {
    records: InMemoryZoneHandler,
    signer: TSigner,
}

/// The name server of the demo zones. It resolves nowhere (RFC 6761 §6.4): an NS record cannot carry a port, and this
/// server is not at port 53.
pub(crate) const NAME_SERVER: &str = "ns.sandbox.invalid.";
/// Seconds; short, so that a cache in between does no harm.
const TTL: u32 = 5;

impl DemoZone {
    pub(super) fn new(origin: Name, signer: TSigner) -> anyhow::Result<Self> {
        let name_server = Name::from_ascii(NAME_SERVER)?;
        let contact = Name::from_ascii("hostmaster")?.append_domain(&origin)?;
        let soa = SOA::new(name_server.clone(), contact, 1, 3600, 600, 86_400, TTL);
        let mut records = InMemoryZoneHandler::empty(origin.clone(), ZoneType::Primary, AxfrPolicy::Deny, None);
        for data in [RData::SOA(soa), RData::NS(NS(name_server))] {
            records.upsert_mut(Record::from_rdata(origin.clone(), TTL, data), 1);
        }
        Ok(Self { records, signer })
    }

    /// Takes these records out and puts those in.
    pub(super) async fn change(&self, gone: &[Record], come: &[Record]) {
        let mut updates: Vec<Record> = gone.iter().map(deletion).collect();
        updates.extend_from_slice(come);
        let mut records = self.records.records_mut().await;
        if let Err(code) = update::apply(&mut records, self.origin(), &[], &updates) {
            tracing::warn!(%code, zone = %self.origin(), "records not changed");
        }
    }

    /// Checks the request's signature (RFC 8945 §5.2). None: it carries none.
    fn verify(&self, request: &Request, now: u64) -> Option<Verified> {
        let tsig = request.signature.as_deref()?;
        let id = request.metadata.id;
        if tsig.name != *self.signer.signer_name() {
            let answer = TSigResponseContext::unknown_key(id, now, tsig.name.clone());
            return Some(Verified::no(answer));
        }
        let signer = self.signer.clone();
        let Ok((mac, _, valid)) = signer.verify_message_byte(request.as_slice(), None, true) else {
            let answer = TSigResponseContext::bad_signature(id, now, signer);
            return Some(Verified::no(answer));
        };
        let timely = valid.contains(&now);
        let error = (!timely).then_some(TsigError::BadTime);
        Some(Verified {
            outcome: if timely { Ok(()) } else { Err(ResponseCode::NotAuth) },
            answer: TSigResponseContext::new(id, now, signer, mac, error),
        })
    }
}

/// Names one record to be taken out (RFC 2136 §2.5.4).
fn deletion(record: &Record) -> Record {
    let mut deletion = record.clone();
    deletion.dns_class = DNSClass::NONE;
    deletion.ttl = 0;
    deletion
}

struct Verified {
    outcome: Result<(), ResponseCode>,
    /// How the answer is signed.
    answer: TSigResponseContext,
}

impl Verified {
    fn no(answer: TSigResponseContext) -> Self {
        Self { outcome: Err(ResponseCode::NotAuth), answer }
    }
}

fn unix_now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())
}

#[async_trait::async_trait]
impl ZoneHandler for DemoZone {
    fn zone_type(&self) -> ZoneType {
        self.records.zone_type()
    }

    fn axfr_policy(&self) -> AxfrPolicy {
        self.records.axfr_policy()
    }

    fn origin(&self) -> &LowerName {
        self.records.origin()
    }

    async fn update(&self, request: &Request, now: u64) -> (Result<bool, ResponseCode>, Option<TSigResponseContext>) {
        let Some(verified) = self.verify(request, now) else {
            return (Err(ResponseCode::Refused), None);
        };
        if let Err(code) = verified.outcome {
            return (Err(code), Some(verified.answer));
        }
        let mut records = self.records.records_mut().await;
        let outcome = update::apply(&mut records, self.origin(), &request.answers, &request.authorities);
        (outcome, Some(verified.answer))
    }

    async fn lookup(
        &self,
        name: &LowerName,
        record_type: RecordType,
        request: Option<&RequestInfo<'_>>,
        options: LookupOptions,
    ) -> LookupControlFlow<AuthLookup> {
        self.records.lookup(name, record_type, request, options).await
    }

    async fn search(
        &self,
        request: &Request,
        options: LookupOptions,
    ) -> (LookupControlFlow<AuthLookup>, Option<TSigResponseContext>) {
        match self.verify(request, unix_now()) {
            None => self.records.search(request, options).await,
            Some(Verified { outcome, answer }) => {
                let found = match outcome {
                    Ok(()) => self.records.search(request, options).await.0,
                    Err(code) => LookupControlFlow::Break(Err(code.into())),
                };
                (found, Some(answer))
            }
        }
    }

    async fn nsec_records(&self, name: &LowerName, options: LookupOptions) -> LookupControlFlow<AuthLookup> {
        self.records.nsec_records(name, options).await
    }

    async fn nsec3_records(&self, info: Nsec3QueryInfo<'_>, options: LookupOptions) -> LookupControlFlow<AuthLookup> {
        self.records.nsec3_records(info, options).await
    }

    fn nx_proof_kind(&self) -> Option<&NxProofKind> {
        self.records.nx_proof_kind()
    }
}
