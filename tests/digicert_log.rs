//! What is logged at the finest level, by us and by the libraries below, while an order is placed.
//!
//! A process of its own: which events exist at all is decided once in a process.

#![allow(clippy::unwrap_used)]

use evercert::provider::digicert::{DigiCert, DigiCertConfig};
use evercert::provider::limits::{Limiter, RateLimit};
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

#[tokio::test]
async fn neither_keys_nor_bodies_are_logged() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(201).set_body_json(json!({ "id": 112233, "requests": [] }));
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let digicert = DigiCert::new(DigiCertConfig {
        base_url: server.uri(),
        api_key: SecretString::from(API_KEY),
        organization_id: None,
        product: "ssl_basic".into(),
        ca_bundle_pem: None,
        limiter: Arc::new(Limiter::new(RateLimit::CERTCENTRAL)),
        observer: Arc::new(|_| ()),
        call_timeout: Duration::from_secs(10),
    })
    .unwrap();
    let request = Request {
        operation: Operation::Order,
        product: "ssl_basic".into(),
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

    let permit = digicert.permit(Urgency::Normal).await;
    digicert.submit(&request, permit, Duration::from_secs(5)).await.unwrap();

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    // The server that plays CertCentral here logs what it received.
    let ours: Vec<&str> = log.lines().filter(|line| !line.contains("wiremock")).collect();
    assert!(ours.iter().any(|line| line.contains("order certificate") && line.contains("status=201")), "{log}");
    for secret in [API_KEY, "BEGIN CERTIFICATE REQUEST", "alternative_order_id", "112233"] {
        assert_eq!(ours.iter().find(|line| line.contains(secret)), None);
    }
}
