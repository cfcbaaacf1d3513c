//! What each refusal proves, for what can be looked up again and for what may leave a certificate behind.

use super::letsencrypt::{AT, purchase};
use super::*;
use evercert::provider::{Called, Health};
use jiff::Timestamp;
use std::sync::Mutex;

async fn purchase_answered(answer: ResponseTemplate) -> CallError {
    let server = MockServer::start().await;
    call("POST", AT).respond_with(answer).expect(1).mount(&server).await;
    purchase(&account(&server)).await.unwrap_err()
}

async fn read_answered(answer: ResponseTemplate) -> CallError {
    let server = MockServer::start().await;
    call("GET", "1010/domains/example.com/certificates/7").respond_with(answer).expect(1).mount(&server).await;
    account(&server).certificate("example.com", "7").await.unwrap_err()
}

fn says(http: u16, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(http).set_body_json(json!({ "message": message }))
}

/// Rows: what DNSimple answers, and what it proves of a purchase and of a read.
#[tokio::test]
async fn a_message_of_dnsimple_is_certain() {
    for (http, message, of_purchase, of_read) in [
        (400, "Validation failed", "invalid", "invalid"),
        (401, "Authentication failed", "bad_credentials", "bad_credentials"),
        (402, "The account has unpaid invoices", "payment", "payment"),
        (403, "Permission Denied. Required Scope: certificates:*:full", "missing_permission", "missing_permission"),
        (404, "Domain `0` not found", "not_found", "not_found"),
        (412, "The plan does not include this feature", "plan", "plan"),
        (428, "Certificate not issued", "not_available", "not_available"),
        // As gateways say it, too.
        (401, "Unauthorized", "", "bad_credentials"),
        (403, "Forbidden", "", "missing_permission"),
        (404, "no Route matched with those values", "", ""),
        (404, "Not Found", "", ""),
        (409, "Conflict", "", ""),
        (418, "Domain `0` not found", "", ""),
        (500, "Validation failed", "", ""),
        (504, "Could not query zone, connection timed out", "", ""),
    ] {
        for (error, expected) in [
            (purchase_answered(says(http, message)).await, of_purchase),
            (read_answered(says(http, message)).await, of_read),
        ] {
            assert_eq!(code(&error), expected, "{http} {message}: {error:?}");
            assert_eq!(class(&error) == "Ambiguous", expected.is_empty(), "{http} {message}: {error:?}");
            assert!(error.to_string().contains(message.trim_end_matches('.')), "{error}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_a_proxy_could_have_made_is_ambiguous() {
    for http in [301, 400, 401, 402, 403, 404, 405, 408, 412, 413, 428, 500, 502, 503, 504] {
        for body in ["", "<html><title>502 Bad Gateway</title></html>", "{}", r#"{"message":7}"#, r#"["message"]"#] {
            let answer = || ResponseTemplate::new(http).set_body_string(body);
            assert_eq!(class(&purchase_answered(answer()).await), "Ambiguous", "{http} {body}");
            let expected = match http {
                401 => "bad_credentials",
                405 => "wrong_url",
                _ => "",
            };
            assert_eq!(code(&read_answered(answer()).await), expected, "{http} {body}");
        }
    }
}

#[tokio::test]
async fn fields_are_named_with_what_is_wrong_with_them() {
    for (errors, expected) in [
        (
            json!({ "alternate_names": ["is invalid", "is too long"], "base": ["The domain is not delegated"] }),
            "400 Bad Request: Validation failed: alternate_names is invalid; alternate_names is too long; \
             The domain is not delegated",
        ),
        (
            json!({ "creates": [{ "index": 0, "message": "Validation failed", "errors": { "ttl": ["is too low"] } }] }),
            "400 Bad Request: Validation failed: ttl is too low; message Validation failed",
        ),
        (json!({}), "400 Bad Request: Validation failed"),
        (json!("no"), "400 Bad Request: Validation failed: no"),
        (Value::Null, "400 Bad Request: Validation failed"),
    ] {
        let body = json!({ "message": "Validation failed", "errors": errors });
        let error = purchase_answered(ResponseTemplate::new(400).set_body_json(body)).await;
        assert!(matches!(&error, CallError::Rejected { message, .. } if message == expected), "{error}");
    }
}

/// *Rate limits*: the answer says when the hour is over, and nothing else.
#[tokio::test]
async fn a_quota_that_is_exceeded_rests_the_account_until_it_is_reset() {
    let reset = Timestamp::now().as_second() + 1800;
    for (limited, expected) in [
        (says(429, "quota exceeded").insert_header("X-RateLimit-Reset", reset.to_string().as_str()), 1795..=1800),
        (says(429, "quota exceeded").insert_header("Retry-After", "1200"), 1200..=1200),
        (ResponseTemplate::new(429).insert_header("X-RateLimit-Reset", reset.to_string().as_str()), 1795..=1800),
    ] {
        let server = MockServer::start().await;
        call("POST", AT).respond_with(limited).expect(1).mount(&server).await;
        let account = account(&server);
        let error = purchase(&account).await.unwrap_err();
        let CallError::RateLimited { after: Some(after), .. } = &error else { panic!("{error:?}") };
        assert!(expected.contains(&after.as_secs()), "{error:?}");
        assert_eq!(class(&account.zones().await.unwrap_err()), "RateLimited");
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
    // A reset that is over or cannot be read says nothing.
    for reset in ["1450451976", "soon", "99999999999999999999", ""] {
        let limited = says(429, "quota exceeded").insert_header("X-RateLimit-Reset", reset);
        let error = purchase_answered(limited).await;
        assert!(matches!(error, CallError::RateLimited { after: None, .. }), "{reset}: {error:?}");
    }
}

#[tokio::test]
async fn an_echoed_token_is_never_shown() {
    let echoes = format!("the token {TOKEN} is not good");
    for http in [400, 401, 402, 403, 404, 412, 428, 500] {
        for error in [purchase_answered(says(http, &echoes)).await, read_answered(says(http, &echoes)).await] {
            assert!(!format!("{error} {error:?}").contains(TOKEN), "{error:?}");
        }
    }
}

#[tokio::test]
async fn what_an_answer_tells_of_the_account() {
    for (http, body, expected) in [
        (200, json!({ "data": { "distributed": false } }).to_string(), Health::Serves),
        (404, json!({ "message": "Record `5` not found" }).to_string(), Health::Serves),
        (403, json!({ "message": "Permission Denied." }).to_string(), Health::Serves),
        (504, json!({ "message": "Could not query zone, connection timed out" }).to_string(), Health::Serves),
        (429, json!({ "message": "quota exceeded" }).to_string(), Health::Untold),
        (401, json!({ "message": "Authentication failed" }).to_string(), Health::Fails),
        (502, "<html>".to_owned(), Health::Fails),
        (504, String::new(), Health::Fails),
        (200, "<html>".to_owned(), Health::Fails),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(http).set_body_string(body);
        Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&server).await;
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = told.clone();
        let observer = Arc::new(move |called: &Called<'_>| {
            assert_eq!((called.provider, called.method), ("dnsimple", "GET"));
            heard.lock().unwrap().push(called.account);
        });
        let account = Account::new(&AccountConfig { observer, ..config(&server.uri()) }).unwrap();
        let _ = account.is_distributed("example.com", "5").await;
        assert_eq!(*told.lock().unwrap(), [expected], "{http}");
    }
}
