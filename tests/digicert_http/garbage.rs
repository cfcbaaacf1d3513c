//! Whatever comes back, nothing panics.

use super::*;
use evercert::provider::RevocationReason;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// As they are documented.
const FIELDS: &[&str] = &[
    "id",
    "status",
    "certificate",
    "certificates",
    "certificate_id",
    "requests",
    "orders",
    "order_id",
    "page",
    "total",
    "csr",
    "errors",
    "code",
    "message",
    "date_created",
    "order_valid_till",
    "renewed_order_id",
    "has_pending_request",
    "dns_name_validations",
    "name_scope",
    "dns_names",
    "dcv_random_value",
    "account_id",
    "access_roles",
    "name",
];

fn answer() -> impl Strategy<Value = Vec<u8>> {
    wire::body(wire::json(
        FIELDS,
        vec!["issued", "pending", "rejected", "2026-11-24", "1", "0", "*.é", "*.", OURS.csr.as_str()],
    ))
}

/// It could not be recorded, so it would be tried to record it for ever.
#[tokio::test]
async fn what_can_be_no_id_is_none() {
    let server = MockServer::start().await;
    let digicert = digicert(&server);
    for id in [json!("1".repeat(129)), json!("../7"), json!("7 8"), json!("é")] {
        server.reset().await;
        let answer = ResponseTemplate::new(201).set_body_json(json!({ "id": id, "certificate_id": id }));
        Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&server).await;
        let placed = submit(&digicert, Operation::Order).await;
        assert!(matches!(placed, Err(CallError::Ambiguous { .. })), "{placed:?}");
    }
}

#[test]
fn nothing_that_is_sent_can_crash_us() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(MockServer::start());
    // Without 429, which would keep the calls that follow from being made.
    let status = prop::sample::select(vec![200u16, 201, 204, 400, 401, 403, 404, 500]);
    let burst = RateLimit { burst: 1_000_000.try_into().unwrap(), ..RateLimit::CERTCENTRAL };
    let limiter = Arc::new(Limiter::new(burst));
    let digicert = DigiCert::new(DigiCertConfig { limiter, ..config(&server.uri()) }).unwrap();
    TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(128) })
        .run(&(status, answer()), |(status, body)| {
            runtime.block_on(async {
                server.reset().await;
                let answer = ResponseTemplate::new(status).set_body_bytes(body);
                Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&server).await;
                for operation in [Operation::Order, renew(), reissue()] {
                    let _ = submit(&digicert, operation.clone()).await;
                    let _ = digicert.find(&wanted(operation.clone())).await;
                    let placed = Placed { request_id: Some("9".into()), ..placed(operation) };
                    let _ = digicert.progress(&placed).await;
                    let _ = digicert.validations(&placed, DcvMethod::DnsCname).await;
                }
                let _ = digicert.revoke("5501", RevocationReason::Superseded).await;
                let _ = digicert.account().await;
                let _ = digicert.order("112233").await;
                let _ = digicert.download("5501").await;
            });
            Ok(())
        })
        .unwrap();
}
