use super::*;
use evercert::provider::sectigo::{DomainMethod, ValidationFilter};
use evercert::provider::{DcvRecord, DomainValidation, Validation};
use std::collections::BTreeSet;
use wiremock::matchers::{query_param, query_param_is_missing};

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn prevalidating(server: &MockServer) -> Sectigo {
    with(server, |config| config.validation = ValidationModel::PerDomain)
}

async fn knows(server: &MockServer, rows: Value) {
    answers(server, "GET", "dcv/v2/validation", 200, rows).await;
}

fn domain(domain: &str) -> Value {
    json!({ "domain": domain })
}

async fn told(server: &MockServer, at: &str, body: Value, answer: Value) {
    takes(server, "POST", &format!("dcv/v2/validation/{at}"), body, status(200).set_body_json(answer)).await;
}

#[tokio::test]
async fn every_call_is_sent_as_documented() {
    let server = MockServer::start().await;
    let sectigo = sectigo(&server);
    let at = json!({ "host": "_a.example.com.", "point": "b.sectigo.com." });
    for (method, name) in [
        (DomainMethod::Cname, "cname"),
        (DomainMethod::Http, "http"),
        (DomainMethod::Https, "https"),
        (DomainMethod::Email, "email"),
        (DomainMethod::Txt, "txt"),
    ] {
        told(&server, &format!("start/domain/{name}"), domain("example.com"), at.clone()).await;
        assert_eq!(
            sectigo.start_validation("example.com", method).await.unwrap().host.as_deref(),
            Some("_a.example.com.")
        );
        told(&server, &format!("submit/domain/{name}"), domain("example.com"), json!({ "orderStatus": "SUBMITTED" }))
            .await;
        let submitted = sectigo.submit_validation("example.com", method, None).await.unwrap();
        assert_eq!(submitted.order_status.as_deref(), Some("SUBMITTED"));
    }
    let server = MockServer::start().await;
    let sectigo = super::sectigo(&server);
    let by_email = json!({ "domain": "example.com", "email": "admin@example.com" });
    told(&server, "submit/domain/email", by_email, json!({ "status": "NOT_VALIDATED" })).await;
    sectigo.submit_validation("example.com", DomainMethod::Email, Some("admin@example.com")).await.unwrap();
    let several = json!({ "domains": ["a.org", "b.org"], "email": "admin@example.com" });
    told(&server, "submit-bulk/domain/email", several, json!({ "emails": ["admin@example.com"] })).await;
    let domains = ["a.org".to_owned(), "b.org".to_owned()];
    sectigo.submit_validations_by_email(&domains, "admin@example.com").await.unwrap();
    told(&server, "status", domain("example.com"), json!({ "status": "Validated", "expirationDate": "2027-05-22" }))
        .await;
    assert_eq!(sectigo.validation_of("example.com").await.unwrap().expiration_date.as_deref(), Some("2027-05-22"));
    told(&server, "sync", domain("example.com"), json!({ "status": "Validated" })).await;
    sectigo.sync_validation("example.com", true).await.unwrap();
    told(&server, "clear", domain("example.com"), json!({ "message": "cleared" })).await;
    assert_eq!(sectigo.clear_validation("example.com").await.unwrap().message.as_deref(), Some("cleared"));
    takes(&server, "POST", "dcv/v2/validation/delete", domain("example.com"), status(200)).await;
    assert_eq!(sectigo.delete_validation("example.com").await, Ok(()));
    let sent = server.received_requests().await.unwrap();
    assert!(sent.iter().any(|sent| sent.url.path().ends_with("/sync") && sent.url.query() == Some("force=true")));
}

#[tokio::test]
async fn validations_are_listed_by_every_filter() {
    let filter = ValidationFilter {
        domain: Some("example.com".into()),
        org: Some(42),
        department: Some(43),
        dcv_status: Some("Not validated".into()),
        order_status: Some("Submitted".into()),
        expires_in: Some(30),
    };
    for (version, state, order) in [("v2", "Not validated", "Submitted"), ("v1", "NOT_VALIDATED", "SUBMITTED")] {
        let server = MockServer::start().await;
        call("GET", &format!("dcv/{version}/validation"))
            .and(query_param("domain", "example.com"))
            .and(query_param("org", "42"))
            .and(query_param("department", "43"))
            .and(query_param("dcvStatus", state))
            .and(query_param("orderStatus", order))
            .and(query_param("expiresIn", "30"))
            .and(query_param("size", "200"))
            .and(query_param("position", "0"))
            .respond_with(status(200).set_body_json(json!([{ "domain": "example.com", "dcvStatus": "VALIDATED" }])))
            .expect(1)
            .mount(&server)
            .await;
        let sectigo = with(&server, |config| {
            config.api_version = if version == "v1" { ApiVersion::V1 } else { ApiVersion::V2 };
        });
        let rows = sectigo.list_validations(&filter).await.unwrap();
        assert_eq!(rows[0].domain.as_deref(), Some("example.com"));
    }
}

#[tokio::test]
async fn domains_are_listed_and_read() {
    let server = MockServer::start().await;
    let first: Vec<Value> = (0..200).map(|id| json!({ "id": id + 1, "name": format!("{id}.example.com") })).collect();
    for (position, rows) in [("0", json!(first)), ("200", json!([{ "id": 201, "name": "example.com" }]))] {
        call("GET", "domain/v1")
            .and(query_param("position", position))
            .and(query_param_is_missing("orgId"))
            .respond_with(status(200).set_body_json(rows))
            .expect(1)
            .mount(&server)
            .await;
    }
    assert_eq!(sectigo(&server).domains(None).await.unwrap().len(), 201);
    let body = json!({
        "id": 201,
        "name": "example.com",
        "state": "ACTIVE",
        "validationStatus": "Validated",
        "dcvExpiration": "2027-05-22",
        "delegations": [{ "orgId": 42, "certTypes": ["SSL"], "status": "ACTIVE" }],
    });
    answers(&server, "GET", "domain/v1/201", 200, body).await;
    let read = sectigo(&server).domain("201").await.unwrap();
    assert_eq!((read.delegations[0].org_id.as_deref(), read.state.as_deref()), (Some("42"), Some("ACTIVE")));
}

fn validation(domain: &str, valid: bool, status: &str) -> Validation {
    Validation { domain: domain.into(), valid, record: None, emails: Vec::new(), status: status.into() }
}

/// The validation of a domain counts for what is below it.
#[tokio::test]
async fn what_is_validated_needs_nothing() {
    let server = MockServer::start().await;
    let rows = json!([
        { "domain": "example.com", "dcvStatus": "VALIDATED", "dcvOrderStatus": "SUBMITTED" },
        { "domain": "*.example.com", "dcvStatus": "Validated" },
        { "domain": "www.example.com", "dcvStatus": "NOT_VALIDATED" },
    ]);
    knows(&server, rows).await;
    let names = names(&["www.example.com", "*.example.com", "a.org", "notexample.com"]);
    let told = prevalidating(&server).domains_of(&names, DcvMethod::DnsCname).await.unwrap();
    let expected = [
        validation("a.org", false, "unknown to SCM"),
        validation("example.com", true, "VALIDATED"),
        validation("notexample.com", false, "unknown to SCM"),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn what_is_open_is_begun_once() {
    let record = |name: &str, method, value: &str| DcvRecord { name: name.into(), method, value: value.into() };
    let url = "http://example.com/.well-known/pki-validation/ABC.txt";
    let cname = json!({ "host": "_a.example.com.", "point": "b.sectigo.com." });
    let http = json!({ "url": url, "firstLine": "abc", "secondLine": "sectigo.com" });
    let txt = json!({ "host": "_pki-validation.example.com.", "point": "secret." });
    let submitted = |mode: &str, at: &Value| {
        let mut told = at.clone();
        told["orderStatus"] = json!("SUBMITTED");
        told["orderMode"] = json!(mode);
        told
    };
    let as_cname = record("_a.example.com", DcvMethod::DnsCname, "b.sectigo.com");
    let as_file = record(url, DcvMethod::HttpToken, "abc\nsectigo.com");
    let as_txt = record("_pki-validation.example.com", DcvMethod::DnsTxt, "secret.");
    let open = json!({ "status": "NOT_VALIDATED", "orderStatus": "NOT_INITIATED" });
    for (known, wanted, begun, expected) in [
        (open.clone(), DcvMethod::DnsCname, Some(("start/domain/cname", cname.clone())), as_cname.clone()),
        (open.clone(), DcvMethod::HttpToken, Some(("start/domain/http", http.clone())), as_file.clone()),
        (open.clone(), DcvMethod::DnsTxt, Some(("submit/domain/txt", txt.clone())), as_txt.clone()),
        (submitted("CNAME", &cname), DcvMethod::DnsCname, None, as_cname.clone()),
        (submitted("TXT", &txt), DcvMethod::DnsTxt, None, as_txt),
        // By another way, which is under way.
        (submitted("HTTPS", &http), DcvMethod::DnsCname, None, as_file),
        // Begun before, and not submitted.
        (
            json!({ "orderMode": "CNAME", "host": "_a.example.com", "point": "b.sectigo.com" }),
            DcvMethod::DnsCname,
            None,
            as_cname,
        ),
    ] {
        let server = MockServer::start().await;
        knows(&server, json!([domain("example.com")])).await;
        told(&server, "status", domain("example.com"), known.clone()).await;
        if let Some((at, answer)) = begun {
            told(&server, at, domain("example.com"), answer).await;
        }
        let told = prevalidating(&server).domains_of(&names(&["www.example.com"]), wanted).await.unwrap();
        let status = known["status"].as_str().unwrap_or_default();
        assert_eq!(told, [Validation { record: Some(expected), ..validation("example.com", false, status) }]);
    }
}

#[tokio::test]
async fn a_mail_is_sent_once() {
    let server = MockServer::start().await;
    knows(&server, json!([domain("example.com")])).await;
    told(&server, "status", domain("example.com"), json!({ "status": "NOT_VALIDATED" })).await;
    let emails = json!({ "emails": ["admin@example.com", "webmaster@example.com"] });
    told(&server, "start/domain/email", domain("example.com"), emails).await;
    let by_email = json!({ "domain": "example.com", "email": "admin@example.com" });
    told(&server, "submit/domain/email", by_email, json!({ "orderStatus": "SUBMITTED" })).await;
    let expected =
        [Validation { emails: vec!["admin@example.com".into()], ..validation("example.com", false, "NOT_VALIDATED") }];
    let first = prevalidating(&server).domains_of(&names(&["example.com"]), DcvMethod::Email).await;
    assert_eq!(first, Ok(expected.to_vec()));

    let server = MockServer::start().await;
    knows(&server, json!([domain("example.com")])).await;
    let mailed =
        json!({ "status": "NOT_VALIDATED", "orderStatus": "Submitted", "validationEmail": "admin@example.com" });
    told(&server, "status", domain("example.com"), mailed).await;
    let then = prevalidating(&server).domains_of(&names(&["example.com"]), DcvMethod::Email).await;
    assert_eq!(then, Ok(expected.to_vec()));
}

/// Submitted once; then SCM is made to ask the CA.
#[tokio::test]
async fn scm_is_asked_to_look() {
    let asked =
        async |server: &MockServer, method| prevalidating(server).check_domains(&["example.com".into()], method).await;
    for (method, at) in [
        (DcvMethod::DnsCname, "submit/domain/cname"),
        (DcvMethod::HttpToken, "submit/domain/http"),
        (DcvMethod::DnsTxt, "submit/domain/txt"),
    ] {
        for (known, submits) in [("NOT_INITIATED", true), ("Awaiting submission", true), ("Submitted", false)] {
            let server = MockServer::start().await;
            told(&server, "status", domain("example.com"), json!({ "orderStatus": known })).await;
            if submits {
                told(&server, at, domain("example.com"), json!({ "orderStatus": "SUBMITTED" })).await;
            }
            told(&server, "sync", domain("example.com"), json!({ "status": "NOT_VALIDATED" })).await;
            assert_eq!(asked(&server, method).await, Ok(()), "{method:?} {known}");
        }
        for (code, seen_later) in [(-1603, true), (-1608, false)] {
            let server = MockServer::start().await;
            told(&server, "status", domain("example.com"), json!({})).await;
            answers(&server, "POST", &format!("dcv/v2/validation/{at}"), 400, vendor_error(code)).await;
            let asked = asked(&server, method).await;
            assert!(matches!(asked, Ok(()) | Err(CallError::Rejected { .. })), "{asked:?}");
            assert_eq!(asked.is_ok(), seen_later, "{code}");
        }
    }
    let server = MockServer::start().await;
    assert_eq!(asked(&server, DcvMethod::Email).await, Ok(()));
}

#[tokio::test]
async fn only_customers_with_pre_validation_have_it() {
    let server = MockServer::start().await;
    assert!(prevalidating(&server).domain_validation().is_some());
    assert!(sectigo(&server).domain_validation().is_none());
    assert!(sectigo(&server).locations().is_some());
}
