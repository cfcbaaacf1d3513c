//! What is logged at the finest level, by us and by the libraries below, while orders are placed.
//!
//! A process of its own: which events exist at all is decided once in a process.

#![allow(clippy::unwrap_used)]

use evercert::provider::digicert::{DigiCert, DigiCertConfig};
use evercert::provider::limits::{Limiter, RateLimit};
use evercert::provider::sectigo::{ApiVersion, Credentials, Sectigo, SectigoConfig, ValidationModel};
use evercert::provider::{DcvMethod, Details, Operation, Provider, Request, Urgency};
use secrecy::SecretString;
use serde_json::json;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing_subscriber::fmt::format::FmtSpan;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

const API_KEY: &str = "KEY-that-must-never-be-shown";
const PASSWORD: &str = "PASSWORD-that-must-never-be-shown";
const TOKEN: &str = "TOKEN-that-must-never-be-shown";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn digicert(server: &MockServer) -> DigiCert {
    DigiCert::new(DigiCertConfig {
        base_url: server.uri(),
        api_key: SecretString::from(API_KEY),
        organization_id: None,
        product: "ssl_basic".into(),
        ca_bundle_pem: None,
        limiter: Arc::new(Limiter::new(RateLimit::CERTCENTRAL)),
        observer: Arc::new(|_| ()),
        call_timeout: Duration::from_secs(10),
    })
    .unwrap()
}

fn sectigo(server: &MockServer, credentials: Credentials) -> Sectigo {
    Sectigo::new(SectigoConfig {
        base_url: server.uri(),
        api_version: ApiVersion::V2,
        credentials,
        customer_uri: "acme".into(),
        organization_id: 42,
        profile_id: 5120,
        validation: ValidationModel::PerCertificate,
        ca_bundle_pem: None,
        limiter: Arc::new(Limiter::new(RateLimit::SECTIGO)),
        observer: Arc::new(|_| ()),
        call_timeout: Duration::from_secs(10),
    })
    .unwrap()
}

#[tokio::test]
async fn neither_keys_nor_bodies_are_logged() {
    let server = MockServer::start().await;
    let body = json!({ "id": 112233, "requests": [], "sslId": 112233, "access_token": TOKEN, "expires_in": 300 });
    Mock::given(any()).respond_with(ResponseTemplate::new(201).set_body_json(body)).mount(&server).await;
    let oauth2 = Credentials::OAuth2 {
        token_url: format!("{}/token", server.uri()),
        client_id: "evercert".into(),
        client_secret: API_KEY.into(),
    };
    let password = Credentials::Password { login: "evercert".into(), password: PASSWORD.into() };
    let providers: [(Box<dyn Provider>, &str); 3] = [
        (Box::new(digicert(&server)), "ssl_basic"),
        (Box::new(sectigo(&server, password)), "5120"),
        (Box::new(sectigo(&server, oauth2)), "5120"),
    ];
    let request = |product: &str| Request {
        operation: Operation::Order,
        product: product.into(),
        common_name: "shop.example.com".into(),
        dns_names: vec!["shop.example.com".into()],
        csr: "-----BEGIN CERTIFICATE REQUEST-----".into(),
        signature_hash: "sha256".into(),
        validity: None,
        order_validity: None,
        organization_id: None,
        skip_approval: true,
        details: Details::default(),
        dcv_method: DcvMethod::DnsTxt,
        idempotency_key: "00000000-0000-8000-8000-000000000007".into(),
    };
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();

    for (provider, product) in &providers {
        let permit = provider.permit(Urgency::Normal).await.unwrap();
        provider.submit(&request(product), permit, Duration::from_secs(5)).await.unwrap().unwrap();
    }

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    // The server that plays the providers here logs what it received.
    let ours: Vec<&str> = log.lines().filter(|line| !line.contains("wiremock")).collect();
    for call in ["order certificate", "request SSL certificate"] {
        assert!(ours.iter().any(|line| line.contains(call) && line.contains("status=201")), "{log}");
    }
    let bodies = ["BEGIN CERTIFICATE REQUEST", "alternative_order_id", "evercert:0000", "112233", "client_secret"];
    for secret in [API_KEY, PASSWORD, TOKEN].into_iter().chain(bodies) {
        assert_eq!(ours.iter().find(|line| line.contains(secret)), None);
    }
}
