use super::*;
use evercert::provider::{DcvRecord, Validation};

fn validation(domain: &str, valid: bool, status: &str) -> Validation {
    Validation { domain: domain.into(), valid, record: None, emails: Vec::new(), status: status.into() }
}

async fn validations(info: Value) -> Vec<Validation> {
    let server = MockServer::start().await;
    answers(&server, "GET", "ssl/v2/55/dcv", 200, info).await;
    sectigo(&server).validations(&placed(Operation::Order, "55"), DcvMethod::DnsCname).await.unwrap()
}

fn info(log: Value, instructions: Value) -> Value {
    json!({ "dcvLog": { "error": { "code": 0, "description": null }, "log": log }, "instructions": instructions })
}

fn waits(domain: &str) -> Value {
    json!({
        "dcvStatus": "Awaiting Validation",
        "domainName": domain,
        "lastCheck": "2026-11-24 12:24:26",
        "nextCheck": "2026-11-24 13:24:26",
        "dcvDate": null,
        "dcvEmailRefNumber": 1,
    })
}

/// The page has one object, the description a list.
#[tokio::test]
async fn what_to_publish_is_taken_as_it_is() {
    let cname = json!({
        "domainName": "example.com",
        "dcvMode": "CNAME",
        "host": "_4E380094C3B3B40C69203451D32E78D3.example.com.",
        "point": "7A16100AAE509FE98CE5AC6D6F04AC81.151A1EB4B2324F07D2BDCDB6D02452D2.sectigo.com.",
    });
    let expected = Validation {
        record: Some(DcvRecord {
            name: "_4E380094C3B3B40C69203451D32E78D3.example.com".into(),
            method: DcvMethod::DnsCname,
            value: "7A16100AAE509FE98CE5AC6D6F04AC81.151A1EB4B2324F07D2BDCDB6D02452D2.sectigo.com".into(),
        }),
        ..validation("example.com", false, "Awaiting Validation")
    };
    let one = info(json!([waits("example.com")]), json!([cname]));
    for told in [json!([one]), one] {
        assert_eq!(validations(told).await, std::slice::from_ref(&expected));
    }
}

#[tokio::test]
async fn every_method_has_its_record() {
    let record = |name: &str, method, value: &str| Some(DcvRecord { name: name.into(), method, value: value.into() });
    let url = "https://example.com/.well-known/pki-validation/ABC.txt";
    for (instruction, expected, emails) in [
        (
            json!({ "dcvMode": "TXT", "host": "_pki-validation.example.com.", "point": "a|\"b\\c." }),
            record("_pki-validation.example.com", DcvMethod::DnsTxt, "a|\"b\\c."),
            vec![],
        ),
        (
            json!({ "dcvMode": "HTTPS", "url": url, "file": "abc\nsectigo.com" }),
            record(url, DcvMethod::HttpToken, "abc\nsectigo.com"),
            vec![],
        ),
        (json!({ "dcvMode": "EMAIL", "dcvEmail": "admin@example.com" }), None, vec!["admin@example.com".to_owned()]),
        (json!({ "dcvMode": "CNAME", "host": "x.example.com" }), None, vec![]),
        (json!({ "dcvMode": "AUTO" }), None, vec![]),
    ] {
        let mut instruction = instruction;
        instruction["domainName"] = json!("*.Example.com");
        let expected =
            Validation { record: expected, emails, ..validation("example.com", false, "Awaiting Validation") };
        assert_eq!(validations(info(json!([]), json!([instruction]))).await, [expected]);
    }
}

#[tokio::test]
async fn a_domain_is_open_as_long_as_a_row_of_it_is() {
    let done =
        |domain: &str| json!({ "dcvStatus": "Validated", "domainName": domain, "dcvDate": "2026-11-24 12:24:26" });
    let told =
        validations(info(json!([done("a.org"), waits("*.a.org"), done("b.org"), { "dcvStatus": "?" }]), json!([])));
    let expected = [validation("a.org", false, "Awaiting Validation"), validation("b.org", true, "Validated")];
    assert_eq!(told.await, expected);
}

#[tokio::test]
async fn scm_is_asked_to_look_again() {
    for answer in [status(202).set_body_json(info(json!([]), json!([]))), status(202)] {
        let server = MockServer::start().await;
        call("POST", "ssl/v2/55/dcv/recheck")
            .and(header("Content-Length", "0"))
            .respond_with(answer)
            .expect(1)
            .mount(&server)
            .await;
        assert_eq!(sectigo(&server).check_dcv(&placed(Operation::Order, "55"), &[]).await, Ok(()));
    }
}

#[tokio::test]
async fn what_was_validated_beforehand_is_no_matter_of_a_certificate() {
    for validation in [ValidationModel::PerDomain, ValidationModel::Prevalidated] {
        let server = MockServer::start().await;
        let sectigo = with(&server, |config| config.validation = validation);
        let placed = placed(Operation::Order, "55");
        assert_eq!(sectigo.validations(&placed, DcvMethod::DnsCname).await, Ok(vec![]));
        assert_eq!(sectigo.check_dcv(&placed, &[]).await, Ok(()));
        assert_eq!(server.received_requests().await.unwrap().len(), 0);
    }
}

/// What the status of an Issuance has no room for.
#[tokio::test]
async fn an_absurd_answer_is_told_and_not_taken() {
    let cname = |domain: &str, point: String| json!({ "domainName": domain, "dcvMode": "CNAME", "host": format!("_1.{domain}."), "point": point });
    let absurd = format!("{}example.com", "a.".repeat(5000));
    let log = json!([waits("example.com"), waits(&absurd), waits("shop.example.com")]);
    let target = "t.sectigo.com".to_owned();
    let instructions = json!([
        cname("example.com", "x".repeat(100_000)),
        cname(&absurd, target.clone()),
        cname("shop.example.com", target),
    ]);
    let told = validations(info(log, instructions)).await;
    let domains: Vec<&str> = told.iter().map(|validation| validation.domain.as_str()).collect();
    assert_eq!(domains, ["example.com", "shop.example.com"]);
    assert!(told[0].record.is_none() && told[0].status.contains("of 100000 characters"), "{told:?}");
    assert!(told[1].record.is_some(), "the others go on: {told:?}");

    let many: Vec<Value> = (0..5000).map(|number| waits(&format!("{number}.example.com"))).collect();
    assert_eq!(validations(info(json!(many), json!([]))).await.len(), 250);
}
