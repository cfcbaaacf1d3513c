//! What each refusal proves, for each kind of call.

use super::*;

async fn refused(operation: Operation, http: u16, code: i64) -> CallError {
    let server = MockServer::start().await;
    let answer = status(http).set_body_json(vendor_error(code));
    call("POST", &submit::endpoint(&operation)).respond_with(answer).expect(1).mount(&server).await;
    submit(&sectigo(&server), operation).await.unwrap_err()
}

fn class(error: &CallError) -> &'static str {
    match error {
        CallError::Rejected { .. } => "rejected",
        CallError::Blocked { .. } => "blocked",
        CallError::RateLimited { .. } => "limited",
        CallError::NotSent { .. } => "not sent",
        CallError::Ambiguous { .. } => "ambiguous",
    }
}

/// Rows: the code, and what it proves of an enrollment, a renewal and a replacement.
#[tokio::test]
async fn only_what_is_listed_is_certain() {
    let table: &[(&[i64], [&str; 3])] = &[
        (&[-1, -2, -14, -65, -105, -109, -129, -130, -140, -195, -196], ["ambiguous"; 3]),
        (&[0, -183, -1400, -102, -159, -1603, -99999], ["ambiguous"; 3]),
        (&[-16, -970], ["blocked"; 3]),
        (&[-3, -25, -226], ["blocked"; 3]),
        (&[-37], ["blocked", "rejected", "rejected"]),
        (&[-7, -951, -1601, -1002], ["rejected"; 3]),
        (&[-9, -10, -11, -13, -78, -138, -141, -170, -194], ["rejected"; 3]),
        (&[-36, -39, -111, -62], ["rejected"; 3]),
        (&[-123, -124, -1104, -1117, -5101], ["rejected"; 3]),
        (&[-1010, -715, -727], ["blocked"; 3]),
        (&[-107, -737, -1137, -843, -1021], ["blocked"; 3]),
        (&[-180], ["ambiguous", "rejected", "ambiguous"]),
        (&[-1148], ["ambiguous", "ambiguous", "rejected"]),
    ];
    for (codes, expected) in table {
        for code in *codes {
            for (operation, expected) in [Operation::Order, renew(), reissue()].into_iter().zip(expected) {
                let error = refused(operation.clone(), 400, *code).await;
                assert_eq!(class(&error), *expected, "{code} of {operation:?}: {error:?}");
            }
        }
    }
}

#[tokio::test]
async fn words_and_codes_of_the_vendor_are_kept() {
    let error = refused(Operation::Order, 400, -36).await;
    let expected =
        CallError::Rejected { call: "request SSL certificate", code: "-36".into(), message: "what SCM says".into() };
    assert_eq!(error, expected);
    let CallError::Blocked { code, message, action, .. } = refused(Operation::Order, 400, -107).await else { panic!() };
    assert_eq!((code.as_str(), message.as_str()), ("unvalidated_domain", "-107: what SCM says"));
    assert!(!action.is_empty());
}

/// A proxy answers 4xx and 5xx too, and a code that a server error brings is no code of SCM.
#[tokio::test]
async fn a_status_alone_proves_nothing() {
    for (http, body) in [
        (400, ""),
        (400, "Bad Request"),
        (400, "{}"),
        (400, "{\"description\":\"what SCM says\"}"),
        (400, "{\"code\":\"minus seven\"}"),
        (400, "{\"code\":-36"),
        (401, ""),
        (403, "<html>Forbidden</html>"),
        (404, "{}"),
        (405, ""),
        (409, ""),
        (413, ""),
        (302, ""),
        (500, "{\"code\":-36,\"description\":\"\"}"),
        (502, ""),
        (503, "upstream connect error or disconnect/reset before headers. reset reason: connection termination"),
        (504, ""),
    ] {
        for operation in [Operation::Order, renew(), reissue()] {
            let server = MockServer::start().await;
            let answer = status(http).set_body_string(body);
            call("POST", &submit::endpoint(&operation)).respond_with(answer).expect(1).mount(&server).await;
            let error = submit(&sectigo(&server), operation).await.unwrap_err();
            assert_eq!(class(&error), "ambiguous", "{http} {body}: {error:?}");
        }
    }
}

#[tokio::test]
async fn codes_may_come_as_text() {
    let server = MockServer::start().await;
    let answer = status(400).set_body_json(json!({ "code": "-36", "description": "no such term" }));
    call("POST", "ssl/v2/enroll").respond_with(answer).mount(&server).await;
    assert_eq!(class(&submit(&sectigo(&server), Operation::Order).await.unwrap_err()), "rejected");
}

#[tokio::test]
async fn a_bare_429_pauses_the_account() {
    let server = MockServer::start().await;
    let limited = status(429).insert_header("Retry-After", "3600");
    call("POST", "ssl/v2/enroll").respond_with(limited).expect(1).mount(&server).await;
    let sectigo = sectigo(&server);
    let error = submit(&sectigo, Operation::Order).await.unwrap_err();
    assert!(matches!(error, CallError::RateLimited { after: Some(hour), .. } if hour.as_secs() == 3600), "{error:?}");
    let error = sectigo.order("55").await.unwrap_err();
    assert_eq!(class(&error), "limited");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_read_that_is_not_let_in_is_blocked() {
    for (http, body, code) in [
        (401, vendor_error(-16).to_string(), "bad_credentials"),
        (401, String::new(), "bad_credentials"),
        (400, vendor_error(-3).to_string(), "missing_permission"),
        (403, vendor_error(-37).to_string(), "missing_permission"),
    ] {
        let server = MockServer::start().await;
        call("GET", "ssl/v2/55").respond_with(status(http).set_body_string(body)).mount(&server).await;
        let error = sectigo(&server).order("55").await.unwrap_err();
        assert!(matches!(&error, CallError::Blocked { code: told, .. } if told == code), "{error:?}");
    }
}
