use super::*;
use evercert::provider::Health;
use std::sync::Mutex;

fn class(error: &CallError) -> &'static str {
    match error {
        CallError::Rejected { .. } => "Rejected",
        CallError::RateLimited { .. } => "RateLimited",
        CallError::NotSent { .. } => "NotSent",
        CallError::Blocked { .. } => "Blocked",
        CallError::Ambiguous { .. } => "Ambiguous",
    }
}

/// What an order makes of one answer.
async fn order_answered(template: ResponseTemplate) -> CallError {
    let server = MockServer::start().await;
    call("POST", "order/certificate/ssl_basic").respond_with(template).expect(1).mount(&server).await;
    submit(&digicert(&server), Operation::Order).await.unwrap_err()
}

#[tokio::test]
async fn a_code_decides_only_with_a_4xx_and_only_where_it_is_certain() {
    let table = [
        (400, "bad_request_format", "Rejected"),
        (400, "csr_invalid_cannot_parse", "Rejected"),
        (400, "cert_validity_exceeds_order_validity", "Rejected"),
        (400, "invalid_value:validity_years", "Rejected"),
        (400, "order_not_eligible_for_renewal", "Rejected"),
        (404, "not_found|order", "Rejected"),
        (403, "access_denied|access_denied_invalid_key", "Blocked"),
        (403, "access_denied|missing_permission", "Blocked"),
        (404, "not_found|product", "Blocked"),
        (404, "not_found|organization", "Blocked"),
        (404, "not_found|route", "Blocked"),
        (401, "whatever", "Blocked"),
        (429, "request_limit_exceeded", "RateLimited"),
        (400, "request_limit_exceeded", "RateLimited"),
        // An order may exist all the same.
        (400, "order_renewed_already", "Ambiguous"),
        (400, "caa_check_failed|shop.example.com", "Ambiguous"),
        (403, "access_denied|invalid_approver", "Ambiguous"),
        (400, "a_code_of_tomorrow", "Ambiguous"),
        (429, "a_code_of_tomorrow", "Ambiguous"),
        (409, "order_is_revoked", "Ambiguous"),
        // The right words with the wrong status.
        (500, "bad_request_format", "Ambiguous"),
        (503, "request_limit_exceeded", "Ambiguous"),
        (302, "bad_request_format", "Ambiguous"),
    ];
    for (status, code, expected) in table {
        let error = order_answered(ResponseTemplate::new(status).set_body_json(vendor_error(code))).await;
        assert_eq!(class(&error), expected, "{status} {code}: {error}");
    }
}

#[tokio::test]
async fn an_answer_that_a_proxy_could_have_made_is_ambiguous() {
    for status in [301, 400, 401, 403, 404, 405, 408, 413, 500, 502, 503, 504] {
        for body in ["", "<html>bad gateway</html>", r#"{"error":"access_denied"}"#, r#"{"errors":"nope"}"#] {
            let error = order_answered(ResponseTemplate::new(status).set_body_string(body)).await;
            assert_eq!(class(&error), "Ambiguous", "{status} {body}: {error}");
        }
    }
}

#[tokio::test]
async fn an_error_may_come_as_an_object_and_among_others() {
    let object = json!({ "errors": { "code": "csr_invalid_cannot_parse", "message": "no" } });
    let several =
        json!({ "errors": [7, { "message": "no code" }, { "code": "new" }, { "code": "bad_request_format" }] });
    for (body, code) in [(object, "csr_invalid_cannot_parse"), (several, "bad_request_format")] {
        match order_answered(ResponseTemplate::new(400).set_body_json(body)).await {
            CallError::Rejected { code: found, .. } => assert_eq!(found, code),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_rate_limit_stops_the_whole_account_for_as_long_as_told() {
    let server = MockServer::start().await;
    let refused = ResponseTemplate::new(429).insert_header("Retry-After", "17");
    call("GET", "order/certificate/1").respond_with(refused).expect(1).mount(&server).await;
    let limiter = Arc::new(Limiter::new(RateLimit::CERTCENTRAL));
    let digicert = DigiCert::new(DigiCertConfig {
        limiter: limiter.clone(),
        call_timeout: Duration::from_millis(200),
        ..config(&server.uri())
    })
    .unwrap();
    let error = digicert.order("1").await.unwrap_err();
    assert_eq!(error, CallError::RateLimited { call: "order info", after: Some(Duration::from_secs(17)) });
    let pause = limiter.paused_for().unwrap();
    assert!(pause > Duration::from_secs(10) && pause <= Duration::from_secs(17), "{pause:?}");
    // A second call is not sent, and does not wait either.
    assert_eq!(class(&digicert.order("1").await.unwrap_err()), "RateLimited");
}

#[tokio::test]
async fn a_rate_limit_may_name_a_date() {
    let server = MockServer::start().await;
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(100);
    let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let refused = ResponseTemplate::new(429).insert_header("Retry-After", date.as_str());
    call("GET", "order/certificate/1").respond_with(refused).mount(&server).await;
    match digicert(&server).order("1").await {
        Err(CallError::RateLimited { after: Some(after), .. }) => assert!((80..=100).contains(&after.as_secs())),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_rate_limit_without_a_time_backs_off() {
    for body in [vendor_error("request_limit_exceeded").to_string(), String::new(), "<html>".into()] {
        let server = MockServer::start().await;
        call("GET", "order/certificate/1")
            .respond_with(ResponseTemplate::new(429).set_body_string(body))
            .mount(&server)
            .await;
        let limiter = Arc::new(Limiter::new(RateLimit::CERTCENTRAL));
        let digicert = DigiCert::new(DigiCertConfig { limiter: limiter.clone(), ..config(&server.uri()) }).unwrap();
        let error = digicert.order("1").await.unwrap_err();
        assert_eq!(error, CallError::RateLimited { call: "order info", after: None });
        assert!(limiter.paused_for().is_some_and(|pause| pause > Duration::from_secs(4)));
    }
}

#[tokio::test]
async fn words_of_the_provider_are_cut_and_never_hold_the_key() {
    let long = format!("line\r\n{API_KEY} {}", "x".repeat(10_000));
    for code in ["bad_request_format", "unknown", "access_denied|missing_permission"] {
        let body = json!({ "errors": [{ "code": code, "message": long }] });
        let error = order_answered(ResponseTemplate::new(400).set_body_json(body)).await;
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(API_KEY) && !shown.contains('\n') && shown.len() < 1500, "{shown}");
    }
}

/// What each answer tells of the whole account, as whoever observes the calls hears it.
#[tokio::test]
async fn an_error_of_certcentrals_own_is_an_answer_and_all_else_is_none() {
    let coded = |status, code| ResponseTemplate::new(status).set_body_json(vendor_error(code));
    let page = |status| ResponseTemplate::new(status).set_body_string("<html>gateway</html>");
    let table = [
        (ResponseTemplate::new(200).set_body_json(json!({})), Health::Serves),
        (ResponseTemplate::new(204), Health::Serves),
        (coded(400, "bad_request_format"), Health::Serves),
        (coded(400, "caa_check_failed|shop"), Health::Serves),
        (coded(400, "never_heard_of"), Health::Serves),
        (coded(403, "access_denied|missing_permission"), Health::Serves),
        (coded(404, "not_found|order"), Health::Serves),
        (coded(403, "access_denied|access_denied_invalid_key"), Health::Fails),
        (coded(401, "unauthorized"), Health::Fails),
        (coded(500, "internal"), Health::Fails),
        (page(200), Health::Fails),
        (page(403), Health::Fails),
        (page(404), Health::Fails),
        (page(502), Health::Fails),
        (coded(429, "request_limit_exceeded"), Health::Untold),
        (page(429), Health::Untold),
        (ResponseTemplate::new(429), Health::Untold),
        (ResponseTemplate::new(200).set_delay(Duration::from_secs(5)), Health::Fails),
    ];
    for (answer, expected) in table {
        let server = MockServer::start().await;
        let shown = format!("{answer:?}");
        call("GET", "order/certificate/1").respond_with(answer).mount(&server).await;
        assert_eq!(health_of_an_order(&server.uri()).await, [expected], "{shown}");
    }
    assert_eq!(health_of_an_order("http://127.0.0.1:9").await, [Health::Fails], "nobody is there");
}

async fn health_of_an_order(origin: &str) -> Vec<Health> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = heard.clone();
    let digicert = DigiCert::new(DigiCertConfig {
        observer: Arc::new(move |called| hears.lock().unwrap().push(called.account)),
        call_timeout: Duration::from_secs(1),
        ..config(origin)
    })
    .unwrap();
    let _ = digicert.order("1").await;
    heard.lock().unwrap().clone()
}
