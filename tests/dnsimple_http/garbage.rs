//! Whatever comes back, nothing panics.

use super::*;
use evercert::provider::dnsimple::{NewRecord, RecordType, SignatureAlgorithm};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// As they are documented.
const FIELDS: &[&str] = &[
    "total_pages",
    "total_entries",
    "account",
    "user",
    "id",
    "certificate_id",
    "new_certificate_id",
    "state",
    "csr",
    "common_name",
    "alternate_names",
    "auto_renew",
    "created_at",
    "expires_at",
    "expires_on",
    "server",
    "root",
    "chain",
    "private_key",
    "name",
    "type",
    "content",
    "ttl",
    "distributed",
    "url",
    "suppressed_at",
    "message",
    "errors",
    "base",
];

fn answer() -> impl Strategy<Value = Vec<u8>> {
    let json = || wire::json(FIELDS, vec!["issued", "requesting", "2026-11-24T18:54:17Z", "1010", "0", "\"", "é"]);
    wire::body(prop_oneof![
        json(),
        (json(), json()).prop_map(|(data, pagination)| json!({ "data": data, "pagination": pagination }))
    ])
}

#[test]
fn nothing_that_is_sent_can_crash_us() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(MockServer::start());
    // Without 429, which would keep the calls that follow from being made.
    let http = prop::sample::select(vec![200u16, 201, 202, 204, 400, 401, 403, 404, 412, 428, 500, 504]);
    let limiter = Arc::new(Limiter::new(RateLimit { burst: 1_000_000.try_into().unwrap(), ..RateLimit::DNSIMPLE }));
    let account = Account::new(&AccountConfig { limiter, ..config(&server.uri()) }).unwrap();
    let record = NewRecord { name: "", type_: RecordType::Txt, content: "\"a\"", ttl: 60 };
    TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(128) })
        .run(&(http, answer()), |(http, body)| {
            runtime.block_on(async {
                server.reset().await;
                let answer = status(http).set_body_bytes(body);
                Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&server).await;
                let _ = account.facts().await;
                let _ = account.domain_of("www.example.com").await;
                if let Ok(certificates) = account.certificates("example.com").await {
                    certificates.iter().for_each(|certificate| drop((certificate.state(), certificate.names())));
                }
                let _ = account.certificate("example.com", "1").await;
                let _ = account.download("example.com", "1").await.map(|bundle| bundle.map(|bundle| bundle.pem()));
                let _ = account.private_key("example.com", "1").await;
                let ecdsa = SignatureAlgorithm::Ecdsa;
                let _ = letsencrypt::purchase(&account).await;
                let _ = account.issue_letsencrypt("example.com", "1", permit(&account).await, SHORT).await;
                let permitted = permit(&account).await;
                let _ = account.purchase_letsencrypt_renewal("example.com", "1", false, ecdsa, permitted, SHORT).await;
                let permitted = permit(&account).await;
                let _ = account.issue_letsencrypt_renewal("example.com", "1", "2", permitted, SHORT).await;
                let _ = account.zones().await;
                let _ = account.zone_of("www.example.com").await;
                let _ = account.records("example.com", "", None).await;
                let _ = account.create_record("example.com", &record).await;
                let _ = account.delete_record("example.com", "1").await;
                let _ = account.is_distributed("example.com", "1").await;
                let _ = account.webhooks().await;
                let _ = account.create_webhook(&"https://hooks.example.com".into()).await;
                let _ = account.delete_webhook("1").await;
            });
            Ok(())
        })
        .unwrap();
}
