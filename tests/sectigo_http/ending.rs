use super::*;
use evercert::provider::{RevocationReason, Revoked};
use wiremock::matchers::query_param;

#[tokio::test]
async fn a_serial_number_is_revoked_as_scm_writes_it() {
    for (given, sent) in [
        ("a93ec061fb1ec0107305650d8d72d869", "A9:3E:C0:61:FB:1E:C0:10:73:05:65:0D:8D:72:D8:69"),
        ("93ec061fb1ec0107305", "09:3E:C0:61:FB:1E:C0:10:73:05"),
        ("12345678901", "01:23:45:67:89:01"),
    ] {
        for (reason, code, words) in [
            (RevocationReason::KeyCompromise, "1", "Revoked by Evercert: key compromise"),
            (RevocationReason::Superseded, "4", "Revoked by Evercert: superseded"),
            (RevocationReason::CessationOfOperation, "5", "Revoked by Evercert: cessation of operation"),
        ] {
            let server = MockServer::start().await;
            let body = json!({ "reasonCode": code, "reason": words });
            takes(&server, "POST", &format!("ssl/v2/revoke/serial/{sent}"), body, status(204)).await;
            assert_eq!(sectigo(&server).revoke(given, reason).await, Ok(Revoked::Done));
        }
    }
}

#[tokio::test]
async fn an_id_is_revoked_by_id() {
    let server = MockServer::start().await;
    let body = json!({ "reasonCode": "4", "reason": "Revoked by Evercert: superseded" });
    takes(&server, "POST", "ssl/v2/revoke/55", body.clone(), status(204)).await;
    assert_eq!(sectigo(&server).revoke("55", RevocationReason::Superseded).await, Ok(Revoked::Done));
    server.reset().await;
    takes(&server, "POST", "ssl/v2/revoke/55", body.clone(), status(204)).await;
    assert_eq!(sectigo(&server).revoke_order("55", RevocationReason::Superseded).await, Ok(Revoked::Done));
    // The older version has the number.
    let v1 = with(&server, |config| config.api_version = ApiVersion::V1);
    let body = json!({ "reasonCode": 4, "reason": "Revoked by Evercert: superseded" });
    takes(&server, "POST", "ssl/v1/revoke/55", body, status(204)).await;
    assert_eq!(v1.revoke("55", RevocationReason::Superseded).await, Ok(Revoked::Done));
}

/// -159 says it; -102 says that it is not issued, which a revoked one is not either.
#[tokio::test]
async fn already_revoked_is_done() {
    let server = MockServer::start().await;
    call("POST", "ssl/v2/revoke/55").respond_with(status(400).set_body_json(vendor_error(-159))).mount(&server).await;
    assert_eq!(sectigo(&server).revoke("55", RevocationReason::Superseded).await, Ok(Revoked::Done));

    for (state, done) in [("Revoked", true), ("Requested", false), ("Expired", false)] {
        let server = MockServer::start().await;
        let refused = || status(400).set_body_json(vendor_error(-102));
        call("POST", "ssl/v2/revoke/55").respond_with(refused()).mount(&server).await;
        call("POST", "ssl/v2/revoke/serial/A9:3E:C0:61:FB:1E").respond_with(refused()).mount(&server).await;
        let row = json!([{ "sslId": 55, "serialNumber": "A9:3E:C0:61:FB:1E" }]);
        call("GET", "ssl/v2")
            .and(query_param("serialNumber", "A9:3E:C0:61:FB:1E"))
            .respond_with(status(200).set_body_json(row))
            .mount(&server)
            .await;
        has(&server, 55, state, json!({})).await;
        for certificate in ["55", "a93ec061fb1e"] {
            let revoked = sectigo(&server).revoke(certificate, RevocationReason::Superseded).await;
            assert_eq!(revoked.is_ok(), done, "{certificate} {state}: {revoked:?}");
        }
    }
    // The record is another certificate's by now, and nothing else is known of this one.
    let server = MockServer::start().await;
    let refused = status(400).set_body_json(vendor_error(-102));
    call("POST", "ssl/v2/revoke/serial/A9:3E:C0:61:FB:1E").respond_with(refused).mount(&server).await;
    call("GET", "ssl/v2").respond_with(status(200).set_body_json(json!([]))).mount(&server).await;
    let revoked = sectigo(&server).revoke("a93ec061fb1e", RevocationReason::Superseded).await;
    assert!(matches!(revoked, Err(CallError::Rejected { .. })), "{revoked:?}");
}

#[tokio::test]
async fn what_waits_for_approval_is_declined() {
    for state in ["Requested", "SA Approved"] {
        let server = MockServer::start().await;
        has(&server, 55, state, json!({})).await;
        takes(&server, "POST", "ssl/v2/decline/55", json!({ "message": "nobody wants it" }), status(204)).await;
        assert_eq!(sectigo(&server).cancel(&placed(Operation::Order, "55"), "nobody wants it").await, Ok(()));
    }
    for (state, others) in [
        ("Applied", json!({})),
        ("Issued", json!({})),
        ("Something new", json!({})),
        // A replacement.
        ("Requested", json!({ "serialNumber": "0A:1B" })),
    ] {
        let server = MockServer::start().await;
        has(&server, 55, state, others).await;
        let canceled = sectigo(&server).cancel(&placed(Operation::Order, "55"), "nobody wants it").await;
        assert!(matches!(canceled, Err(CallError::Rejected { .. })), "{state}: {canceled:?}");
    }
}
