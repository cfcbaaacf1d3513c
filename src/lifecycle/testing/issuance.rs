//! An Issuance, and what is known around it.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{INSTALLATION, MARK, NAME, TIMES, US, account, at, days, issuer_ref, issuer_view, key_hash, strings, time};
use crate::{
    api::{
        Issuance, IssuanceSpec, IssuanceStatus,
        conditions::RESOLVED,
        issuance::{
            CertificateRef, Cost, Failure, FailureClass, Operation, Outcome, OutcomeClass, Parent, PublisherKind,
            Record, RecordType, Request, State, Submission, Trigger, Validation, ValidationMethod, ValidationState,
        },
        issuer::{AmbiguousPaid, OrderValidity},
        meta,
    },
    lifecycle::{
        Step,
        certificate::IssuerView,
        issuance::{self, Seen, Wish},
    },
    provider,
};

/// Recorded by us at the first second, for the key `a`.
pub fn issuance_spec(operation: Operation) -> IssuanceSpec {
    let parent = Parent { order_id: "100".to_owned(), ..Parent::default() };
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
            order_validity: crate::lifecycle::issuance::is_paid(operation).then_some(OrderValidity::Years(1)),
            digicert: None,
            sectigo: None,
            dnsimple: None,
        },
        parent: (operation != Operation::Order).then_some(parent),
        supersedes: None,
        adopt: None,
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
    pub wish: Wish,
    pub seen: Seen,
    pub next_poll: Duration,
    pub next_ask: Duration,
    pub issuer: IssuerView,
    pub outage: Option<Timestamp>,
    pub namespace_labels: Option<BTreeMap<String, String>>,
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
            wish: Wish::Same,
            seen: Seen::default(),
            next_poll: Duration::ZERO,
            next_ask: Duration::ZERO,
            issuer: issuer_view(),
            outage: None,
            namespace_labels: Some(BTreeMap::new()),
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
            mark: MARK,
            ambiguous_paid: self.ambiguous_paid,
            self_check: self.self_check,
            wish: self.wish,
            seen: &self.seen,
            next_poll: self.next_poll,
            next_ask: self.next_ask,
            namespace: "web",
            namespace_labels: self.namespace_labels.as_ref(),
            issuer: &self.issuer,
            outage: self.outage,
            now: self.now,
            world_now: self.now,
            times: TIMES,
        }
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

/// By rfc2136, with a record of its own.
pub fn validation(domain: &str, state: ValidationState) -> Validation {
    Validation {
        domain: domain.to_owned(),
        method: ValidationMethod::DnsTxt,
        state,
        record: Some(record(domain, "token")),
        emails: Vec::new(),
        publisher: Some(PublisherKind::Rfc2136),
        delegated_to: None,
        since: Some(time(0)),
        ask_at: None,
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
        emails: Vec::new(),
        status: "pending".to_owned(),
    }
}
