//! Every call of the SCM client, byte for byte, and what it makes of every kind of answer.

#![allow(clippy::unwrap_used)]

mod account;
mod auth;
mod collect;
mod dcv;
mod domains;
mod ending;
mod errors;
mod find;
mod garbage;
mod locations;
mod preflight;
mod progress;
mod records;
mod requests;
mod submit;
mod transport;
#[path = "../fixture/wire.rs"]
mod wire;

use evercert::pki::{KeyKind, Leaf, PrivateKey, SignatureHash, csr};
use evercert::provider::limits::{Limiter, RateLimit};
use evercert::provider::sectigo::{ApiVersion, Credentials, Sectigo, SectigoConfig, ValidationModel};
use evercert::provider::{
    Accepted, CallError, DcvMethod, Details, Operation, Placed, Provider, Request, Urgency, Validity, Wanted,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use wiremock::matchers::{body_json, header, header_exists, method, path};
use wiremock::{Mock, MockBuilder, MockServer, ResponseTemplate};

pub const PASSWORD: &str = "PASSWORD-that-must-never-be-shown";
pub const IDEMPOTENCY_KEY: &str = "00000000-0000-8000-8000-000000000007";
pub const MARK: &str = "evercert:00000000-0000-8000-8000-000000000007";

/// A key, a CSR for it, and certificates for it.
pub struct Pair {
    private: PrivateKey,
    pub csr: String,
    /// Hash of the public key.
    pub key: String,
}

const NAMES: [&str; 2] = ["shop.example.com", "www.shop.example.com"];

fn pair() -> Pair {
    let private = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
    let csr = csr::build(&private, Some(NAMES[0]), &NAMES.map(str::to_owned), SignatureHash::Sha256).unwrap();
    Pair { key: private.public_key_sha256(), private, csr }
}

pub static OURS: LazyLock<Pair> = LazyLock::new(pair);
pub static OTHER: LazyLock<Pair> = LazyLock::new(pair);

static ROOT: LazyLock<(Issuer<'static, KeyPair>, String)> = LazyLock::new(|| {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Test Root");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), pem)
});

impl Pair {
    /// Root first, as *Collect* answers `x509`.
    pub fn chain(&self, serial: u64) -> String {
        let mut params = CertificateParams::new(NAMES.map(str::to_owned)).unwrap();
        params.distinguished_name.push(DnType::CommonName, NAMES[0]);
        params.serial_number = Some(SerialNumber::from(serial));
        let key = KeyPair::from_pem(self.private.to_pkcs8_pem().expose_secret()).unwrap();
        format!("{}{}", ROOT.1, params.signed_by(&key, &ROOT.0).unwrap().pem())
    }
}

/// In the form in which serial numbers are compared.
pub fn serial(serial: u64) -> String {
    Leaf::all_in(&OURS.chain(serial)).pop().unwrap().serial
}

pub fn config(origin: &str) -> SectigoConfig {
    SectigoConfig {
        base_url: format!("{origin}/api"),
        api_version: ApiVersion::V2,
        credentials: Credentials::Password { login: "evercert".into(), password: PASSWORD.into() },
        customer_uri: "acme".into(),
        organization_id: 42,
        profile_id: 5120,
        validation: ValidationModel::PerCertificate,
        ca_bundle_pem: None,
        limiter: Arc::new(Limiter::new(RateLimit::SECTIGO)),
        observer: Arc::new(|_| ()),
        call_timeout: Duration::from_secs(10),
    }
}

pub fn sectigo(server: &MockServer) -> Sectigo {
    Sectigo::new(config(&server.uri())).unwrap()
}

/// The same account, otherwise.
pub fn with(server: &MockServer, change: impl FnOnce(&mut SectigoConfig)) -> Sectigo {
    let mut config = config(&server.uri());
    change(&mut config);
    Sectigo::new(config).unwrap()
}

/// Matches a call made as every call must be made.
pub fn call(verb: &str, at: &str) -> MockBuilder {
    Mock::given(method(verb))
        .and(path(format!("/api/{at}")))
        .and(header("login", "evercert"))
        .and(header("password", PASSWORD))
        .and(header("customerUri", "acme"))
        .and(header_exists("Accept"))
        .and(header("User-Agent", concat!("evercert/", env!("CARGO_PKG_VERSION"))))
}

pub async fn answers(server: &MockServer, verb: &str, at: &str, status: u16, body: Value) {
    call(verb, at).respond_with(ResponseTemplate::new(status).set_body_json(body)).expect(1..).mount(server).await;
}

/// Exactly this body, and no other key; answered without one.
pub async fn takes(server: &MockServer, verb: &str, at: &str, body: Value, answer: ResponseTemplate) {
    call(verb, at)
        .and(header("Content-Type", "application/json"))
        .and(header_exists("Content-Length"))
        .and(body_json(body))
        .respond_with(answer)
        .expect(1)
        .mount(server)
        .await;
}

pub fn status(code: u16) -> ResponseTemplate {
    ResponseTemplate::new(code)
}

pub fn vendor_error(code: i64) -> Value {
    json!({ "code": code, "description": "what SCM says" })
}

pub fn request(operation: Operation) -> Request {
    Request {
        operation,
        product: "5120".into(),
        common_name: NAMES[0].into(),
        dns_names: NAMES.map(str::to_owned).to_vec(),
        csr: OURS.csr.clone(),
        signature_hash: "sha256".into(),
        validity: Some(Validity::Days(199)),
        order_validity: None,
        organization_id: Some(42),
        skip_approval: true,
        dcv_method: DcvMethod::DnsCname,
        details: Details::default(),
        idempotency_key: IDEMPOTENCY_KEY.into(),
    }
}

pub fn reissue() -> Operation {
    Operation::Reissue { order_id: "73".into() }
}

pub fn renew() -> Operation {
    Operation::Renew { order_id: "73".into() }
}

pub fn placed(operation: Operation, order_id: &str) -> Placed {
    Placed {
        operation,
        order_id: order_id.into(),
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
        common_name: NAMES[0].into(),
        dns_names: vec![NAMES[0].into()],
        external_requester: None,
        since: "2026-11-24T07:34:00Z".parse().unwrap(),
    }
}

pub async fn submit(sectigo: &Sectigo, operation: Operation) -> Result<Option<Accepted>, CallError> {
    let permit = sectigo.permit(Urgency::Normal).await.expect("the account may be called");
    sectigo.submit(&request(operation), permit, Duration::from_secs(5)).await
}

pub fn accepted(order_id: &str) -> Accepted {
    Accepted { order_id: order_id.into(), ..Accepted::default() }
}

/// *Get SSL certificate details*, as v1 writes dates, with some members changed or added.
pub fn details(id: u64, status: &str, others: Value) -> Value {
    let mut details = json!({
        "commonName": NAMES[0],
        "sslId": id,
        "id": id,
        "orgId": 42,
        "status": status,
        "certType": { "id": 5120, "name": "OV", "terms": [199], "keyTypes": { "EC": ["P-256"] } },
        "term": 199,
        "requested": "11/24/2026",
        "renewed": false,
        "subjectAlternativeNames": NAMES,
        "autoRenewDetails": { "state": "Not scheduled" },
    });
    details.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
    details
}

pub async fn has(server: &MockServer, id: u64, status: &str, others: Value) {
    answers(server, "GET", &format!("ssl/v2/{id}"), 200, details(id, status, others)).await;
}

pub async fn collects(server: &MockServer, id: u64, answer: ResponseTemplate) {
    call("GET", &format!("ssl/v2/collect/{id}"))
        .and(wiremock::matchers::query_param("format", "x509"))
        .respond_with(answer)
        .expect(1..)
        .mount(server)
        .await;
}

/// As the vendor serves it.
pub fn file(content: impl Into<String>) -> ResponseTemplate {
    let body = content.into().into_bytes();
    ResponseTemplate::new(200).set_body_raw(body, "application/octet-stream;charset=UTF-8")
}
