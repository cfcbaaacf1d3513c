//! Whatever comes back, nothing panics.

use super::*;
use evercert::provider::{DomainValidation, Location, Locations, RevocationReason};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// As they are documented.
const FIELDS: &[&str] = &[
    "id",
    "sslId",
    "renewId",
    "status",
    "commonName",
    "subjectAlternativeNames",
    "serialNumber",
    "orgId",
    "certType",
    "terms",
    "keyTypes",
    "requested",
    "expires",
    "issued",
    "renewed",
    "comments",
    "externalRequester",
    "autoRenewDetails",
    "state",
    "reports",
    "statusCode",
    "dcvLog",
    "log",
    "domainName",
    "dcvStatus",
    "instructions",
    "dcvMode",
    "host",
    "point",
    "domain",
    "orderStatus",
    "emails",
    "details",
    "locationType",
    "name",
    "departments",
    "mandatory",
    "code",
    "description",
];

fn answer() -> impl Strategy<Value = Vec<u8>> {
    wire::body(wire::json(
        FIELDS,
        vec!["Issued", "Requested", "Applied", "11/24/2026", "73", "0", "*.é", "*.", "CNAME", MARK],
    ))
}

/// It could not be recorded, so it would be tried to record it for ever.
#[tokio::test]
async fn what_can_be_no_id_is_none() {
    let server = MockServer::start().await;
    let sectigo = sectigo(&server);
    for id in [json!("1".repeat(129)), json!("../7"), json!("7 8"), json!("é"), json!(0), json!(-1.5)] {
        server.reset().await;
        let answer = status(200).set_body_json(json!({ "sslId": id }));
        Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&server).await;
        for operation in [Operation::Order, renew()] {
            let placed = submit(&sectigo, operation).await;
            assert!(matches!(placed, Err(CallError::Ambiguous { .. })), "{id}: {placed:?}");
        }
    }
}

#[test]
fn nothing_that_is_sent_can_crash_us() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(MockServer::start());
    // Without 429, which would keep the calls that follow from being made.
    let http = prop::sample::select(vec![200u16, 201, 202, 204, 400, 401, 403, 404, 500]);
    let burst = RateLimit { burst: 1_000_000.try_into().unwrap(), ..RateLimit::SECTIGO };
    let limiter = Arc::new(Limiter::new(burst));
    let base = config(&server.uri());
    let sectigo = Sectigo::new(SectigoConfig { limiter, validation: ValidationModel::PerDomain, ..base }).unwrap();
    let dcv = with(&server, |config| {
        config.limiter = Arc::new(Limiter::new(burst));
    });
    let location = Location { cluster: "prod".into(), namespace: "web".into(), secret: "shop-tls".into() };
    TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(64) })
        .run(&(http, answer()), |(http, body)| {
            runtime.block_on(async {
                server.reset().await;
                let answer = status(http).set_body_bytes(body);
                Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&server).await;
                for operation in [Operation::Order, renew(), reissue()] {
                    let _ = submit(&sectigo, operation.clone()).await;
                    let _ = sectigo.preflight(&request(operation.clone())).await;
                    let _ = sectigo.find(&wanted(operation.clone())).await;
                    let placed = placed(operation, "73");
                    let _ = dcv.progress(&placed).await;
                    let _ = dcv.validations(&placed, DcvMethod::DnsCname).await;
                    let _ = dcv.check_dcv(&placed, &[]).await;
                    let _ = sectigo.cancel(&placed, "note").await;
                    let _ = sectigo.organization_trouble(&placed).await;
                }
                let names = NAMES.map(str::to_owned).into();
                let _ = sectigo.matching(&names).await;
                let _ = sectigo.domains_of(&names, DcvMethod::DnsCname).await;
                let _ = sectigo.record_location("73", &location).await;
                let _ = sectigo.revoke("a93ec061fb1e", RevocationReason::Superseded).await;
                let _ = sectigo.account().await;
                let _ = sectigo.order("73").await;
                let _ = sectigo.download("73").await;
            });
            Ok(())
        })
        .unwrap();
}
