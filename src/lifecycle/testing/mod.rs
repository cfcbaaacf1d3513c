//! Builders for the tests of this room: the least that is valid, to be changed field by field.

mod certificate;
mod issuance;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    Times,
    certificate::{Held, IssuerView, SecretView, TLS_SECRET},
};
use crate::{
    api::{
        IssuerSpec,
        certificate::{RevocationSource, RevokedCertificate},
        issuance::Account,
        issuer::{DigiCert, IssuerKind, IssuerRef, SecretKeyRef},
    },
    pki::{KeyKind, Leaf},
    provider::{Accepted, AutoRenewal, OrderContent, OrderFacts, OrderStatus},
};

pub use certificate::{CertificateCase, csr, stored_key};
pub use issuance::{
    IssuanceCase, failed, failure, issuance_spec, issued, outcome, record, resolved, submission, told, validation,
};

pub const NAME: &str = "shop.example.com";
pub const US: &str = "us";
pub const THEM: &str = "them";
pub const INSTALLATION: &str = "here";
/// How the idempotency keys of [`INSTALLATION`] begin.
pub const MARK: &str = "00000000-0000";
pub const TIMES: Times = Times {
    call: Duration::from_secs(60),
    lease: Duration::from_secs(90),
    settle: Duration::from_secs(900),
    give_up: Duration::from_secs(3600),
};
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
    Accepted { order_id: order_id.to_owned(), ..Accepted::default() }
}

pub fn account() -> Account {
    Account { provider: "digicert".to_owned(), host: "www.digicert.com".to_owned(), id: "7".to_owned() }
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
        payment_method: None,
        contacts: Vec::new(),
        options: Default::default(),
    };
    IssuerSpec { digicert: Some(digicert), ..IssuerSpec::default() }
}

/// Ready, without a policy.
pub fn issuer_view() -> IssuerView {
    IssuerView::Ready {
        spec: Box::new(issuer()),
        account: account(),
        kind: IssuerKind::Issuer,
        reservations: Vec::new(),
    }
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
        ocsp_urls: Vec::new(),
    }
}

/// Another tool's Secret, of a type that can be taken over.
pub fn foreign() -> SecretView {
    SecretView::Foreign { type_: TLS_SECRET.to_owned(), held: Box::default() }
}

pub fn ours(leaf: Leaf) -> SecretView {
    SecretView::Ours(Box::new(holding(leaf)))
}

/// A certificate with its key.
pub fn holding(leaf: Leaf) -> Held {
    Held { public_key_sha256: Some(leaf.public_key_sha256.clone()), pair: Some(leaf), ..Held::default() }
}

/// What is heard against a certificate.
pub fn revoked(serial: &str) -> RevokedCertificate {
    RevokedCertificate {
        serial_number: serial.to_owned(),
        seen_in: RevocationSource::Crl,
        at: Some(time(5)),
        reason: Some("keyCompromise".to_owned()),
    }
}

/// Order 100, a year long, whose primary certificate is [`leaf`].
pub fn order() -> OrderFacts {
    OrderFacts {
        order_id: "100".to_owned(),
        status: OrderStatus::Active,
        valid_till: Some(jiff::civil::date(2027, 5, 31)),
        renewed_by: None,
        pending: false,
        auto_renew: AutoRenewal::Off,
        certificate_id: Some("9".to_owned()),
        serial_number: Some("0A".to_owned()),
        certificate_revoked: false,
        certificate_valid_till: Some(jiff::civil::date(2026, 12, 16)),
        certificates: Some(1),
        content: Box::new(OrderContent {
            product: Some("ssl_basic".to_owned()),
            common_name: Some(NAME.to_owned()),
            names: [NAME.to_owned()].into(),
            public_key_sha256: Some(key_hash('a')),
            ..OrderContent::default()
        }),
    }
}
