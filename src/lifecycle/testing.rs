//! Builders for the tests of this room: the least that is valid, to be changed field by field.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{
    Step, Times,
    certificate::{self, Held, Hindrance, IssuerView, KeyView, OrderView, SecretView, TLS_SECRET},
    issuance::{self, Seen},
    plan::StoredKey,
};
use crate::{
    api::{
        Certificate, CertificateSpec, Issuance, IssuanceSpec, IssuanceStatus, IssuerSpec,
        conditions::RESOLVED,
        issuance::{
            Account, CertificateRef, Cost, Failure, FailureClass, Operation, Outcome, OutcomeClass, Parent,
            PublisherKind, Record, RecordType, Request, State, Submission, Trigger, Validation, ValidationMethod,
            ValidationState,
        },
        issuer::{AmbiguousPaid, DigiCert, IssuerKind, IssuerRef, OrderValidity, SecretKeyRef},
        meta,
    },
    pki::{KeyKind, Leaf},
    provider::{self, Accepted, OrderFacts, OrderStatus},
};

pub const NAME: &str = "shop.example.com";
pub const US: &str = "us";
pub const THEM: &str = "them";
pub const INSTALLATION: &str = "here";
pub const TIMES: Times =
    Times { call: Duration::from_secs(60), lease: Duration::from_secs(90), settle: Duration::from_secs(900) };
const MIDNIGHT: &str = "2026-06-01T00:00:00Z";

/// Seconds after a midnight in 2026.
pub fn at(seconds: i64) -> Timestamp {
    let midnight: Timestamp = MIDNIGHT.parse().expect("a timestamp");
    midnight + SignedDuration::from_secs(seconds)
}

pub fn days(n: i64) -> Timestamp {
    at(n * 86_400)
}

pub fn time(seconds: i64) -> Time {
    Time(at(seconds))
}

pub fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A public key's hash, told apart by one character.
pub fn key_hash(key: char) -> String {
    key.to_string().repeat(64)
}

pub fn accepted(order_id: &str) -> Accepted {
    Accepted { order_id: order_id.to_owned(), certificate_id: None, request_id: None }
}

pub fn account() -> Account {
    Account { provider: "digicert".to_owned(), host: "www.digicert.com".to_owned(), id: "7".to_owned() }
}

/// Recorded by us at the first second, for the key `a`.
pub fn issuance_spec(operation: Operation) -> IssuanceSpec {
    let parent = Parent { order_id: "100".to_owned(), certificate_id: None };
    IssuanceSpec {
        certificate_ref: CertificateRef { name: "shop".to_owned(), uid: "uid".to_owned() },
        issuer_ref: issuer_ref(),
        account: account(),
        revision: 1,
        operation,
        cost: if operation == Operation::Reissue { Cost::Free } else { Cost::Paid },
        reason: Trigger::FirstIssue,
        request_token: None,
        request: Request {
            common_name: NAME.to_owned(),
            dns_names: strings(&[NAME]),
            csr: "csr".to_owned(),
            public_key_sha256: key_hash('a'),
            key_origin: Default::default(),
            key_algorithm: Default::default(),
            key_size: 256,
            validity: None,
            product: "ssl_basic".to_owned(),
            signature_hash: Default::default(),
            organization_id: None,
            order_validity: (operation != Operation::Reissue).then_some(OrderValidity::Years(1)),
        },
        parent: (operation != Operation::Order).then_some(parent),
        supersedes: None,
        idempotency_key: "00000000-0000-8000-8000-000000000000".to_owned(),
        submissions: vec![submission(1, 0)],
    }
}

pub fn submission(n: i32, seconds: i64) -> Submission {
    Submission { n, at: time(seconds), installation: INSTALLATION.to_owned(), holder: US.to_owned() }
}

pub fn outcome(n: i32, class: OutcomeClass, seconds: i64) -> Outcome {
    Outcome { n, class, code: None, at: time(seconds) }
}

pub fn resolved(reason: &str, message: &str) -> Condition {
    Condition {
        type_: RESOLVED.to_owned(),
        status: "True".to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation: None,
        last_transition_time: time(0),
    }
}

pub fn failure(class: FailureClass, seconds: i64) -> Failure {
    Failure { class, code: None, message: "what happened".to_owned(), at: Some(time(seconds)) }
}

/// An Issuance and what a reconcile knows of it.
#[derive(Clone)]
pub struct IssuanceCase {
    pub spec: IssuanceSpec,
    pub status: IssuanceStatus,
    pub deleted: Option<Timestamp>,
    pub finalizer: bool,
    pub fresh: bool,
    pub ambiguous_paid: AmbiguousPaid,
    pub self_check: bool,
    pub seen: Seen,
    pub next_poll: Duration,
    pub now: Timestamp,
}

impl IssuanceCase {
    pub fn new(operation: Operation) -> Self {
        Self {
            spec: issuance_spec(operation),
            status: IssuanceStatus::default(),
            deleted: None,
            finalizer: false,
            fresh: false,
            ambiguous_paid: AmbiguousPaid::Ask,
            self_check: true,
            seen: Seen::default(),
            next_poll: Duration::ZERO,
            now: at(1),
        }
    }

    pub fn decide(&self) -> Step<issuance::Effect> {
        issuance::decide(&self.observed())
    }

    pub fn observed(&self) -> issuance::Observed<'_> {
        issuance::Observed {
            spec: &self.spec,
            status: &self.status,
            deleted: self.deleted,
            finalizer: self.finalizer,
            fresh: self.fresh,
            holder: US,
            installation: INSTALLATION,
            ambiguous_paid: self.ambiguous_paid,
            self_check: self.self_check,
            seen: &self.seen,
            next_poll: self.next_poll,
            now: self.now,
            times: TIMES,
        }
    }
}

pub fn issuer_ref() -> IssuerRef {
    IssuerRef { kind: IssuerKind::Issuer, name: "digicert".to_owned() }
}

pub fn issuer() -> IssuerSpec {
    let digicert = DigiCert {
        url: None,
        api_key_secret_ref: SecretKeyRef { name: "digicert".to_owned(), key: "api-key".to_owned() },
        organization_id: None,
        product: "ssl_basic".to_owned(),
        order_validity: None,
        container_id: None,
        skip_approval: None,
        payment_method: None,
        disable_renewal_notifications: None,
    };
    IssuerSpec { digicert: Some(digicert), ..IssuerSpec::default() }
}

/// A certificate for the key `a`, issued at that midnight for 199 days.
pub fn leaf() -> Leaf {
    Leaf {
        serial: "a".to_owned(),
        not_before: at(0),
        not_after: days(199),
        dns_names: [NAME.to_owned()].into(),
        common_name: Some(NAME.to_owned()),
        issuer_name: "CN=CA".to_owned(),
        public_key_sha256: key_hash('a'),
        fingerprint_sha256: key_hash('f'),
        signature_hash: None,
        key_kind: Some(KeyKind::EcdsaP256),
        crl_urls: Vec::new(),
    }
}

/// Another tool's Secret, of a type that can be taken over.
pub fn foreign() -> SecretView {
    SecretView::Foreign { type_: TLS_SECRET.to_owned() }
}

pub fn ours(leaf: Leaf) -> SecretView {
    SecretView::Ours(Box::new(Held { pair: Some(leaf), ..Held::default() }))
}

/// Order 100, a year long, whose primary certificate is [`leaf`].
pub fn order() -> OrderFacts {
    OrderFacts {
        order_id: "100".to_owned(),
        status: OrderStatus::Active,
        valid_till: Some(jiff::civil::date(2027, 5, 31)),
        renewed_by: None,
        pending: false,
        auto_renew: false,
        certificate_id: Some("9".to_owned()),
        serial_number: Some("0A".to_owned()),
    }
}

/// An Issuance of the Certificate [`CertificateCase::new`] has, at order 100.
pub fn issued(revision: i64, state: State, key: char) -> Issuance {
    let mut spec = issuance_spec(Operation::Order);
    spec.revision = revision;
    spec.request.public_key_sha256 = key_hash(key);
    let mut issuance = Issuance::new(&meta::issuance_name("shop", revision), spec);
    issuance.metadata.namespace = Some("web".to_owned());
    issuance.status = Some(IssuanceStatus {
        state: Some(state),
        order_id: Some("100".to_owned()),
        certificate_id: Some("9".to_owned()),
        order_valid_till: Some(Time(days(365))),
        serial_number: Some(key.to_string()),
        not_after: Some(Time(days(199))),
        cost: Some(Cost::Paid),
        outcomes: vec![outcome(1, OutcomeClass::Accepted, 1)],
        ..IssuanceStatus::default()
    });
    issuance
}

pub fn failed(revision: i64, class: FailureClass, seconds: i64) -> Issuance {
    let mut issuance = issued(revision, State::Failed, 'f');
    issuance.status = Some(IssuanceStatus {
        state: Some(State::Failed),
        failure: Some(failure(class, seconds)),
        ..IssuanceStatus::default()
    });
    issuance
}

/// A Certificate and what a reconcile knows of it.
#[derive(Clone)]
pub struct CertificateCase {
    pub certificate: Certificate,
    pub issuer: IssuerView,
    pub namespace_labels: Option<BTreeMap<String, String>>,
    pub secret: SecretView,
    pub unwritable: Option<String>,
    pub rival: Option<String>,
    pub issuances: Vec<Arc<Issuance>>,
    pub key: KeyView,
    pub spent_keys: Vec<String>,
    pub elsewhere: Option<String>,
    pub order: OrderView,
    pub now: Timestamp,
}

impl CertificateCase {
    /// Never issued.
    pub fn new() -> Self {
        let spec = CertificateSpec {
            issuer_ref: issuer_ref(),
            secret_name: "shop-tls".to_owned(),
            dns_names: strings(&[NAME]),
            ..CertificateSpec::default()
        };
        let mut certificate = Certificate::new("shop", spec);
        certificate.metadata.namespace = Some("web".to_owned());
        certificate.metadata.uid = Some("uid".to_owned());
        certificate.metadata.generation = Some(1);
        let issuer = issuer();
        Self {
            certificate,
            issuer: IssuerView::Ready { spec: Box::new(issuer), account: account(), kind: IssuerKind::Issuer },
            namespace_labels: Some(BTreeMap::new()),
            secret: SecretView::Absent,
            unwritable: None,
            rival: None,
            issuances: Vec::new(),
            key: KeyView::Unread,
            spent_keys: Vec::new(),
            elsewhere: None,
            order: OrderView::Unread,
            now: at(10),
        }
    }

    /// Order 100 was placed, its certificate is served.
    pub fn served() -> Self {
        let held = Held {
            pair: Some(leaf()),
            order_id: Some("100".to_owned()),
            certificate_id: Some("9".to_owned()),
            revision: Some(1),
            ..Held::default()
        };
        Self {
            secret: SecretView::Ours(Box::new(held)),
            issuances: vec![Arc::new(issued(1, State::Installed, 'a'))],
            ..Self::new()
        }
    }

    pub fn with(mut self, issuance: Issuance) -> Self {
        self.issuances.push(Arc::new(issuance));
        self
    }

    pub fn asking(mut self, token: &str, reason: Option<&str>) -> Self {
        let annotations = self.certificate.metadata.annotations.get_or_insert_default();
        annotations.insert(meta::REISSUE_REQUESTED.to_owned(), token.to_owned());
        annotations.extend(reason.map(|reason| (meta::REISSUE_REASON.to_owned(), reason.to_owned())));
        self
    }

    pub fn named(mut self, names: &[&str]) -> Self {
        self.certificate.spec.dns_names = strings(names);
        self
    }

    pub fn edit_last(mut self, change: impl FnOnce(&mut Issuance)) -> Self {
        change(Arc::make_mut(self.issuances.last_mut().expect("an Issuance")));
        self
    }

    pub fn decide(&self) -> Result<Step<certificate::Effect>, Hindrance> {
        certificate::decide(&self.observed())
    }

    pub fn observed(&self) -> certificate::Observed<'_> {
        certificate::Observed {
            certificate: &self.certificate,
            issuer: &self.issuer,
            namespace_labels: self.namespace_labels.as_ref(),
            secret: &self.secret,
            unwritable: self.unwritable.as_deref(),
            rival: self.rival.as_deref(),
            issuances: &self.issuances,
            installation: INSTALLATION,
            key: &self.key,
            spent_keys: &self.spent_keys,
            elsewhere: self.elsewhere.as_deref(),
            order: &self.order,
            now: self.now,
            machine_now: self.now,
        }
    }
}

/// The key and CSR that wait for the next revision.
pub fn stored_key(key: char, names: &[&str]) -> StoredKey {
    StoredKey {
        csr: "csr".to_owned(),
        public_key_sha256: key_hash(key),
        common_name: names[0].to_owned(),
        dns_names: strings(names),
        kind: KeyKind::EcdsaP256,
    }
}

/// By rfc2136, with a record of its own.
pub fn validation(domain: &str, state: ValidationState) -> Validation {
    Validation {
        domain: domain.to_owned(),
        method: ValidationMethod::DnsTxt,
        state,
        record: Some(record(domain, "token")),
        publisher: Some(PublisherKind::Rfc2136),
        since: Some(time(0)),
        message: None,
    }
}

pub fn record(domain: &str, value: &str) -> Record {
    Record { name: format!("_dnsauth.{domain}"), type_: RecordType::Txt, value: value.to_owned() }
}

/// What the provider says of a domain.
pub fn told(domain: &str, value: Option<&str>) -> provider::Validation {
    provider::Validation {
        domain: domain.to_owned(),
        valid: false,
        record: value.map(|value| provider::DcvRecord {
            name: format!("_dnsauth.{domain}"),
            method: provider::DcvMethod::DnsTxt,
            value: value.to_owned(),
        }),
        status: "pending".to_owned(),
    }
}
