use super::*;
use evercert::provider::{DcvRecord, Validation};
use wiremock::matchers::{body_json, header as has};

async fn status(server: &MockServer, method: &str) {
    let body = json!({
        "order_id": "112233",
        "order_status": "pending",
        "order_dcv_method": method,
        "dns_name_validations": [
            { "domain_id": "1", "name_scope": "done.example", "status": "approved", "dns_names": ["done.example"] },
            { "domain_id": "2", "name_scope": "Example.COM", "status": "pending", "dns_names": ["shop.example.com"] },
            { "dns_names": ["*.wild.example", "wild.example"], "status": "unapproved" },
        ],
    });
    answers(server, "GET", "order/certificate/112233/validation", 200, body).await;
}

fn open(domain: &str, status: &str, record: (&str, DcvMethod, &str)) -> Validation {
    let (name, method, value) = record;
    let record = DcvRecord { name: name.into(), method, value: value.into() };
    Validation { domain: domain.into(), valid: false, record: Some(record), emails: Vec::new(), status: status.into() }
}

fn done() -> Validation {
    Validation {
        domain: "done.example".into(),
        valid: true,
        record: None,
        emails: Vec::new(),
        status: "approved".into(),
    }
}

#[tokio::test]
async fn a_txt_token_goes_to_the_name_itself() {
    let server = MockServer::start().await;
    status(&server, "dns-txt-token").await;
    call("PUT", "order/certificate/112233/dcv-random-value")
        .and(has("Content-Length", "0"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "dcv_random_value": "abc123" })))
        .expect(1)
        .mount(&server)
        .await;
    let validations = digicert(&server).validations(&placed(Operation::Order), DcvMethod::DnsTxt).await.unwrap();
    let expected = [
        done(),
        open("example.com", "pending", ("example.com", DcvMethod::DnsTxt, "abc123")),
        open("wild.example", "unapproved", ("wild.example", DcvMethod::DnsTxt, "abc123")),
    ];
    assert_eq!(validations, expected);
}

#[tokio::test]
async fn another_method_is_asked_for_first_and_its_value_used() {
    let server = MockServer::start().await;
    status(&server, "email").await;
    call("PUT", "order/certificate/112233/dcv-method")
        .and(body_json(json!({ "dcv_method": "dns-cname-token" })))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "dcv_random_value": "abc123" })))
        .expect(1)
        .mount(&server)
        .await;
    let validations = digicert(&server).validations(&placed(reissue()), DcvMethod::DnsCname).await.unwrap();
    let target = "abc123.dcv.digicert.com";
    let expected = [
        done(),
        open("example.com", "pending", ("_dnsauth.example.com", DcvMethod::DnsCname, target)),
        open("wild.example", "unapproved", ("_dnsauth.wild.example", DcvMethod::DnsCname, target)),
    ];
    assert_eq!(validations, expected);
}

#[tokio::test]
async fn nothing_is_asked_for_when_everything_is_valid() {
    let server = MockServer::start().await;
    let body = json!({ "order_dcv_method": "email", "dns_name_validations": [{ "name_scope": "a.example", "status": "approved" }] });
    answers(&server, "GET", "order/certificate/112233/validation", 200, body).await;
    let validations = digicert(&server).validations(&placed(Operation::Order), DcvMethod::DnsTxt).await.unwrap();
    assert!(validations.iter().all(|validation| validation.valid && validation.record.is_none()));
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_name_is_open_as_long_as_one_of_its_rows_is() {
    let server = MockServer::start().await;
    let rows = json!([
        { "name_scope": "a.example", "status": "approved" },
        { "name_scope": "a.example", "status": "pending" },
        { "name_scope": "a.example", "status": "approved" },
    ]);
    answers(&server, "GET", "order/certificate/112233/validation", 200, json!({ "dns_name_validations": rows })).await;
    answers(&server, "PUT", "order/certificate/112233/dcv-random-value", 200, json!({})).await;
    let validations = digicert(&server).validations(&placed(Operation::Order), DcvMethod::DnsTxt).await.unwrap();
    assert_eq!(validations.len(), 1);
    assert!(!validations[0].valid && validations[0].record.is_none());
}

#[tokio::test]
async fn not_seen_yet_is_no_error_of_the_check() {
    let check = "order/certificate/112233/check-dcv";
    let ask = async |status, body| {
        let server = MockServer::start().await;
        call("PUT", check)
            .and(has("Content-Length", "0"))
            .respond_with(ResponseTemplate::new(status).set_body_json(body))
            .expect(1)
            .mount(&server)
            .await;
        digicert(&server).check_dcv(&placed(Operation::Order), &["example.com".into()]).await
    };
    assert_eq!(ask(200, json!({ "order_status": "pending", "dcv_status": "pending" })).await, Ok(()));
    assert_eq!(ask(400, vendor_error("invalid_dns_txt")).await, Ok(()));
    assert_eq!(ask(400, vendor_error("invalid_dns_cname|example.com")).await, Ok(()));
    assert_eq!(ask(400, vendor_error("file_random_value_not_found")).await, Ok(()));
    assert!(ask(400, vendor_error("invalid_dns_method")).await.is_err());
    assert!(matches!(ask(404, vendor_error("not_found|order")).await, Err(CallError::Rejected { .. })));
    assert!(ask(502, json!({})).await.is_err());
}

#[tokio::test]
async fn an_organization_that_is_not_validated_is_told_in_the_vendor_s_words() {
    let row = |status: Value| {
        json!({ "type": "ov", "name": "OV", "description": "Normal Organization Validation",
        "status": status, "validated_until": "2026-10-01" })
    };
    let said = |status: &str| {
        format!(
            "organization Example Ltd (77) is not validated: Normal Organization Validation is {status} (validated until \
             2026-10-01). CertCentral, Certificates > Organizations, says what DigiCert still needs; the order goes on by \
             itself then"
        )
    };
    let table = [
        (json!([row(json!("active"))]), None),
        (json!([row(json!("active")), row(json!("pending"))]), Some(said("pending"))),
        (json!([row(json!("expired"))]), Some(said("expired"))),
        (json!([row(json!("a word of tomorrow"))]), Some(said("a word of tomorrow"))),
        (json!([row(Value::Null)]), Some(said("open"))),
        (json!([]), None),
        (json!({}), None),
        (json!("garbage"), None),
    ];
    for (rows, expected) in table {
        let server = MockServer::start().await;
        let body = json!({ "order_id": "112233", "organization_id": "77", "organization_name": "Example Ltd",
            "organization_validations": rows });
        answers(&server, "GET", "order/certificate/112233/validation", 200, body).await;
        let told = digicert(&server).organization_trouble(&placed(Operation::Order)).await;
        assert_eq!(told, Ok(expected), "{rows}");
    }
}

#[tokio::test]
async fn a_file_is_served_at_each_name_itself() {
    let server = MockServer::start().await;
    status(&server, "http-token").await;
    answers(&server, "PUT", "order/certificate/112233/dcv-random-value", 200, json!({ "dcv_random_value": "abc123" }))
        .await;
    let validations = digicert(&server).validations(&placed(Operation::Order), DcvMethod::HttpToken).await.unwrap();
    let file = |domain: &str, status: &str| {
        let url = format!("http://{domain}/.well-known/pki-validation/fileauth.txt");
        open(domain, status, (&url, DcvMethod::HttpToken, "abc123"))
    };
    // Below the scope that is validated otherwise; a parent proves nothing.
    assert_eq!(validations, [done(), file("shop.example.com", "pending"), file("wild.example", "unapproved")]);
}

#[tokio::test]
async fn who_is_mailed_is_told_by_the_domain_or_constructed() {
    let server = MockServer::start().await;
    status(&server, "dns-txt-token").await;
    call("PUT", "order/certificate/112233/dcv-method")
        .and(body_json(json!({ "dcv_method": "email" })))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let emails = json!({
        "name_scope": "example.com", "base_emails": ["admin@example.com"], "dns_txt_emails": ["alice@example.org", "no\nmail"],
    });
    call("GET", "domain/2/dcv/emails")
        .and(wiremock::matchers::query_param("consider_dcv_email_preferences", "true"))
        .respond_with(ResponseTemplate::new(200).set_body_json(emails))
        .expect(1)
        .mount(&server)
        .await;
    let validations = digicert(&server).validations(&placed(Operation::Order), DcvMethod::Email).await.unwrap();
    let emails: Vec<_> = validations.iter().map(|validation| validation.emails.join(" ")).collect();
    let constructed = "admin@wild.example administrator@wild.example hostmaster@wild.example postmaster@wild.example \
                       webmaster@wild.example";
    assert_eq!(emails, ["", "admin@example.com alice@example.org", constructed]);
    assert!(validations.iter().all(|validation| validation.record.is_none()), "no random value is asked for");

    let server = MockServer::start().await;
    status(&server, "email").await;
    answers(&server, "GET", "domain/2/dcv/emails", 403, vendor_error("access_denied|missing_permission")).await;
    let validations = digicert(&server).validations(&placed(Operation::Order), DcvMethod::Email).await.unwrap();
    assert_eq!(validations[1].emails.len(), 5, "a key that may not read domains has them mailed all the same");
}

#[tokio::test]
async fn mails_are_sent_again_without_a_list() {
    let server = MockServer::start().await;
    call("PUT", "order/certificate/112233/resend-emails")
        .and(has("Content-Length", "0"))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(digicert(&server).resend_dcv_emails("112233").await, Ok(()));
}

/// What the status of an Issuance has no room for.
#[tokio::test]
async fn an_absurd_answer_is_told_and_not_taken() {
    let pending = |name: &str| json!({ "name_scope": name, "status": "pending", "dns_names": [name] });
    let names = |rows: Vec<serde_json::Value>| json!({ "order_status": "pending", "order_dcv_method": "dns-txt-token", "dns_name_validations": rows });
    for (rows, value, expected) in [
        (vec![pending("example.com"), pending(&"a.".repeat(5000))], "abc123".to_owned(), 1),
        (vec![pending("example.com")], "x".repeat(100_000), 1),
        ((0..5000).map(|number| pending(&format!("{number}.example.com"))).collect(), "abc123".to_owned(), 250),
    ] {
        let server = MockServer::start().await;
        answers(&server, "GET", "order/certificate/112233/validation", 200, names(rows)).await;
        let random = json!({ "dcv_random_value": value });
        answers(&server, "PUT", "order/certificate/112233/dcv-random-value", 200, random).await;
        let told = digicert(&server).validations(&placed(Operation::Order), DcvMethod::DnsTxt).await.unwrap();
        assert_eq!(told.len(), expected);
        let too_long = value.len() > 1024;
        assert_eq!(told[0].record.is_none(), too_long);
        assert_eq!(told[0].status.contains("of 100000 characters"), too_long, "{}", told[0].status);
    }
}
