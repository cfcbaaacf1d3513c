//! Every call of the CertCentral client, byte for byte, and what it makes of every kind of answer.

#![allow(clippy::unwrap_used)]

mod account;
mod changes;
mod dcv;
mod duplicates;
mod ending;
mod errors;
mod find;
mod garbage;
mod progress;
mod submit;
mod transport;
#[path = "../fixture/wire.rs"]
mod wire;

use evercert::pki::{KeyKind, PrivateKey, SignatureHash, csr};
use evercert::provider::digicert::{DigiCert, DigiCertConfig};
use evercert::provider::limits::{Limiter, RateLimit};
use evercert::provider::{
    CallError, DcvMethod, Details, Operation, Placed, Provider, Request, Urgency, Validity, Wanted,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockBuilder, MockServer, ResponseTemplate};

pub const API_KEY: &str = "KEY-that-must-never-be-shown";
pub const IDEMPOTENCY_KEY: &str = "00000000-0000-8000-8000-000000000007";

/// A CSR and the hash of its public key.
pub struct Pair {
    pub csr: String,
    pub key: String,
}

fn pair() -> Pair {
    let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
    let names = ["shop.example.com".to_owned(), "www.shop.example.com".to_owned()];
    let csr = csr::build(&key, Some("shop.example.com"), &names, SignatureHash::Sha256).unwrap();
    Pair { csr, key: key.public_key_sha256() }
}

pub static OURS: LazyLock<Pair> = LazyLock::new(pair);
pub static OTHER: LazyLock<Pair> = LazyLock::new(pair);

pub fn config(origin: &str) -> DigiCertConfig {
    DigiCertConfig {
        base_url: format!("{origin}/services/v2"),
        api_key: SecretString::from(API_KEY),
        organization_id: Some(77),
        product: "ssl_basic".into(),
        ca_bundle_pem: None,
        limiter: Arc::new(Limiter::new(RateLimit::CERTCENTRAL)),
        observer: Arc::new(|_| ()),
        call_timeout: Duration::from_secs(10),
    }
}

pub fn digicert(server: &MockServer) -> DigiCert {
    DigiCert::new(config(&server.uri())).unwrap()
}

/// Matches a call made as every call must be made.
pub fn call(verb: &str, at: &str) -> MockBuilder {
    Mock::given(method(verb))
        .and(path(format!("/services/v2/{at}")))
        .and(header("X-DC-DEVKEY", API_KEY))
        .and(header("Accept", "application/json"))
        .and(header("User-Agent", concat!("evercert/", env!("CARGO_PKG_VERSION"))))
}

pub async fn answers(server: &MockServer, verb: &str, at: &str, status: u16, body: Value) {
    call(verb, at).respond_with(ResponseTemplate::new(status).set_body_json(body)).expect(1..).mount(server).await;
}

pub fn vendor_error(code: &str) -> Value {
    json!({ "errors": [{ "code": code, "message": "what CertCentral says" }] })
}

pub fn request(operation: Operation) -> Request {
    Request {
        operation,
        product: "ssl_basic".into(),
        common_name: "shop.example.com".into(),
        dns_names: vec!["shop.example.com".into(), "www.shop.example.com".into()],
        csr: OURS.csr.clone(),
        signature_hash: "sha256".into(),
        validity: Some(Validity::Days(199)),
        order_validity: Some(Validity::Years(1)),
        organization_id: Some(77),
        skip_approval: true,
        dcv_method: DcvMethod::DnsTxt,
        details: Details::default(),
        idempotency_key: IDEMPOTENCY_KEY.into(),
    }
}

pub fn reissue() -> Operation {
    Operation::Reissue { order_id: "112233".into() }
}

pub fn renew() -> Operation {
    Operation::Renew { order_id: "112233".into() }
}

pub fn duplicate() -> Operation {
    Operation::Duplicate { order_id: "112233".into() }
}

pub fn placed(operation: Operation) -> Placed {
    Placed {
        operation,
        order_id: "112233".into(),
        certificate_id: None,
        request_id: None,
        public_key_sha256: OURS.key.clone(),
        earlier: Default::default(),
    }
}

pub fn wanted(operation: Operation) -> Wanted {
    Wanted {
        operation,
        idempotency_key: IDEMPOTENCY_KEY.into(),
        public_key_sha256: OURS.key.clone(),
        earlier: Default::default(),
        common_name: "shop.example.com".into(),
        dns_names: vec!["shop.example.com".into()],
        external_requester: None,
        since: "2026-11-24T07:34:00Z".parse().unwrap(),
    }
}

pub async fn submit(digicert: &DigiCert, operation: Operation) -> Result<evercert::provider::Accepted, CallError> {
    let permit = digicert.permit(Urgency::Normal).await?;
    let accepted = digicert.submit(&request(operation), permit, Duration::from_secs(5)).await?;
    Ok(accepted.expect("CertCentral always tells the order"))
}

/// *Order info* of order 112233 with a certificate 5501.
pub fn order_info(status: &str, csr: &str) -> Value {
    json!({
        "id": 112233,
        "status": status,
        "date_created": "2026-11-24T07:34:10+00:00",
        "order_valid_till": "2027-11-24",
        "renewed_order_id": 0,
        "certificate": { "id": 5501, "common_name": "shop.example.com", "csr": csr },
    })
}
