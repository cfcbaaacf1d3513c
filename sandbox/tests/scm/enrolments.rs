use serde_json::{Value, json};

use crate::client::{Client, Key};

#[tokio::test]
async fn an_enrolment_becomes_a_certificate() {
    let client = Client::instant().await;
    let key = Key::rsa("www.example.com");
    let body = client.enrolment(&["www.example.com", "*.example.com"], &key.csr);
    let answer = client.call("POST", "ssl/enroll", Some(body)).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json;charset=UTF-8"));
    let id = answer.json()["sslId"].as_u64().unwrap();
    assert_eq!(answer.json()["renewId"].as_str().unwrap().len(), 20);

    let details = client.details(id).await;
    for (field, value) in [
        ("status", json!("Issued")),
        ("id", json!(id)),
        ("commonName", json!("www.example.com")),
        ("subjectAlternativeNames", json!(["www.example.com", "*.example.com"])),
        ("term", json!(90)),
        ("requested", json!("06/01/2026")),
        ("expires", json!("08/30/2026")),
        ("keyType", json!("RSA - 2048")),
        ("requestedVia", json!("REST API")),
        ("comments", json!("made by a test")),
        ("renewed", json!(false)),
        ("autoRenewDetails", json!({"state": "Not scheduled"})),
    ] {
        assert_eq!(details[field], value, "{field}");
    }
    for absent in ["externalRequester", "revoked", "replaced", "declined", "reasonCode", "csr", "renewId"] {
        assert_eq!(details.get(absent), None, "{absent}");
    }
    assert_eq!(details["backendCertId"], json!(details["orderNumber"].to_string()));
    let leaf = client.leaf(id).await;
    assert_eq!((leaf.spki, leaf.not_after.as_str()), (key.spki, "2026-08-30"));
    assert_eq!(leaf.names, ["www.example.com", "*.example.com"]);
    assert!(leaf.subject.contains("O=sandbox Ltd"), "{}", leaf.subject);
    assert_eq!(client.operations().await, [("enroll".to_owned(), true)]);
    let ledger = client.admin("GET", "/ledger", Value::Null).await;
    assert_eq!(ledger["operations"][0]["comments"], "made by a test");
}

#[tokio::test]
async fn the_same_request_twice_is_bought_twice() {
    let client = Client::instant().await;
    let body = client.enrolment(&["www.example.com"], &Key::new("www.example.com").csr);
    let first = client.post("ssl/enroll", body.clone()).await;
    let second = client.post("ssl/enroll", body).await;
    assert_ne!(first["sslId"], second["sslId"]);
    assert_eq!(client.admin("GET", "/ledger", Value::Null).await["totals"]["paid"], 2);
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_costs_nothing() {
    let client = Client::instant().await;
    let key = Key::new("www.example.com");
    let with = |field: &str, value: Value| {
        let mut body = client.enrolment(&["www.example.com"], &key.csr);
        body[field] = value;
        body
    };
    for (body, code) in [
        (with("orgId", Value::Null), -7),
        (with("orgId", json!(7)), -1023),
        (with("certType", Value::Null), -39),
        (with("certType", json!(7)), -111),
        (with("term", json!(365)), -36),
        (with("term", Value::Null), -36),
        (with("csr", Value::Null), -7),
        (with("csr", json!("rubbish!")), -1601),
        (with("csr", json!("rubbish")), -9),
        (with("csr", json!("AAAA")), -10),
        (with("subjAltNames", json!("www.elsewhere.test")), -1010),
        (with("subjAltNames", json!("not a name")), -1601),
        (with("comments", json!("x".repeat(1025))), -1601),
        (with("externalRequester", json!("nobody")), -1601),
        (with("customFields", json!([{"name": "cost centre", "value": "7"}])), -135),
        (with("dcvMode", Value::Null), -7),
        (with("dcvMode", json!("SMOKE")), -1601),
        (with("dcvMode", json!("EMAIL")), -7),
        (with("orgId", json!([])), -1002),
        (json!(""), -1002),
    ] {
        assert_eq!(client.refused("ssl/enroll", body.clone()).await, (400, code), "{body}");
    }
    assert!(client.operations().await.is_empty());
    assert_eq!(client.get("ssl").await, json!([]));
}

#[tokio::test]
async fn a_mandatory_custom_field_needs_a_value() {
    let client = Client::instant().await;
    let field =
        json!({"name": "cost centre", "certType": "SSL", "input": {"type": "NUMBER"}, "mandatories": ["REST_API"]});
    let answer = client.call("POST", "/customField/v2", Some(field)).await;
    assert_eq!(answer.status, 201);
    let id = answer.header("location").rsplit('/').next().unwrap().parse::<u64>().unwrap();
    let known = client.get("ssl/customFields").await;
    assert_eq!(known, json!([{"id": id, "name": "cost centre", "mandatory": true}]));

    let mut body = client.enrolment(&["www.example.com"], &Key::new("www.example.com").csr);
    assert_eq!(client.refused("ssl/enroll", body.clone()).await, (400, -62));
    body["customFields"] = json!([{"name": "cost centre", "value": "7"}]);
    let id = client.post("ssl/enroll", body).await["sslId"].as_u64().unwrap();
    assert_eq!(client.details(id).await["customFields"], json!([{"name": "cost centre", "value": "7"}]));
}

#[tokio::test]
async fn profiles_offer_terms_that_the_day_allows() {
    let client = Client::instant().await;
    let profile = async || client.get(&format!("ssl/types?organizationId={}", client.scm["orgId"])).await[0].clone();
    let first = profile().await;
    assert_eq!((&first["id"], &first["terms"]), (&client.scm["profileId"], &json!([30, 90, 199])));
    assert_eq!(first["keyTypes"], json!({"EC": ["P-256", "P-384"], "RSA": ["2048", "3072", "4096"]}));
    client.admin("PUT", "/clock", json!({"set": "2027-04-01T00:00:00Z"})).await;
    assert_eq!(profile().await["terms"], json!([30, 90, 99]));
    client.admin("PUT", "/clock", json!({"set": "2029-04-01T00:00:00Z"})).await;
    assert_eq!(profile().await["terms"], json!([30, 46]));
}

#[tokio::test]
async fn a_key_or_an_organization_that_does_not_fit_is_refused() {
    let client = Client::instant().await;
    let path = format!("/scm/profiles/{}", client.scm["profileId"]);
    let body = client.enrolment(&["www.example.com"], &Key::new("www.example.com").csr);
    client.admin("POST", &path, json!({"keyTypes": {"RSA": ["2048"], "EC": ["P-384"]}})).await;
    assert_eq!(client.refused("ssl/enroll", body.clone()).await, (400, -194));
    client.admin("POST", &path, json!({"keyTypes": {"RSA": ["2048"]}})).await;
    assert_eq!(client.refused("ssl/enroll", body.clone()).await, (400, -170));
    client.admin("POST", &path, json!({"keyTypes": {"EC": ["P-256"]}})).await;
    client.admin("POST", &format!("/scm/organizations/{}", client.scm["orgId"]), json!({"validated": false})).await;
    assert_eq!(client.refused("ssl/enroll", body.clone()).await, (400, -843));
    let mut dv = body;
    dv["certType"] = client.scm["profiles"]["dv"].clone();
    let id = client.post("ssl/enroll", dv).await["sslId"].as_u64().unwrap();
    assert_eq!(client.leaf(id).await.subject, "CN=www.example.com");
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let client = Client::instant().await;
    let first = client.enroll(&["www.example.com", "shop.example.com"]).await;
    let mut body = client.enrolment(&["a.example.org"], &Key::rsa("a.example.org").csr);
    body["externalRequester"] = json!("ops+1@example.org, ops@example.org");
    let second = client.post("ssl/enroll", body).await["sslId"].as_u64().unwrap();
    let ids = async |query: &str| {
        let rows = client.get(&format!("ssl?{query}")).await;
        rows.as_array().unwrap().iter().map(|row| row["sslId"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let details = client.details(second).await;
    let text = |field: &str| details.pointer(field).unwrap().as_str().unwrap().to_owned();
    for (query, expected) in [
        (String::new(), vec![first, second]),
        ("commonName=www".into(), vec![first]),
        ("subjectAlternativeName=shop.example.com".into(), vec![first]),
        ("status=Issued".into(), vec![first, second]),
        ("status=SAApproved".into(), vec![]),
        ("externalRequester=ops%2B1@example.org".into(), vec![second]),
        (format!("sslTypeId={}&orgId={}", client.scm["profileId"], client.scm["orgId"]), vec![first, second]),
        ("orgId=1".into(), vec![]),
        (format!("serialNumber={}", text("/serialNumber")), vec![second]),
        (format!("sha1Hash={}", text("/certificateDetails/sha1Hash")), vec![second]),
        (format!("md5Hash={}", text("/certificateDetails/md5Hash")), vec![second]),
        ("keyAlgorithm=RSA".into(), vec![second]),
        ("keyParam=P-256&keySize=256".into(), vec![first]),
        (format!("requester={}", client.scm["login"].as_str().unwrap()), vec![first, second]),
        ("requestedVia=REST".into(), vec![first, second]),
        ("requestedVia=REST%20API&renewalStatus=NOT_SCHEDULED".into(), vec![first, second]),
        ("vendor=Somebody".into(), vec![]),
        ("issuer=Sandbox%20TLS".into(), vec![first, second]),
        ("extendedKeyUsage=Server%20Authentication".into(), vec![first, second]),
        ("size=1&position=1".into(), vec![second]),
        ("size=200&position=2".into(), vec![]),
    ] {
        assert_eq!(ids(&query).await, expected, "{query}");
    }
    let answer = client.call("GET", "ssl?size=1", None).await;
    assert_eq!(answer.header("x-total-count"), "2");
    let answer = client.call("HEAD", "ssl", None).await;
    assert_eq!((answer.status, answer.header("x-total-count"), answer.body.len()), (200, "2", 0));
    assert_eq!(client.call("GET", "ssl?size=201", None).await.error(), (400, -1601));
    assert_eq!(client.call("GET", "ssl?status=Lost", None).await.error(), (400, -1601));
}

#[tokio::test]
async fn what_has_no_value_is_left_out() {
    let client = Client::start(&["--dcv", "check"]).await;
    let id = client.enroll(&["www.example.com"]).await;
    let rows = client.get("ssl").await;
    let row = json!({"sslId": id, "commonName": "www.example.com", "subjectAlternativeNames": ["www.example.com"]});
    assert_eq!(rows, json!([row]));
    let details = client.details(id).await;
    assert_eq!(details["status"], "Applied");
    for absent in ["serialNumber", "expires", "issued", "certificateDetails", "keyUsages"] {
        assert_eq!(details.get(absent), None, "{absent}");
    }
}

#[tokio::test]
async fn dates_come_in_the_format_that_is_asked_for() {
    let client = Client::instant().await.v2();
    let id = client.enroll(&["www.example.com"]).await;
    let requested = async |query: &str| client.get(&format!("ssl/{id}{query}")).await["requested"].clone();
    assert_eq!(requested("").await, "06/01/2026");
    assert_eq!(requested("?dateFormat=iso").await, "2026-06-01");
    assert_eq!(requested("?dateFormat=dd.MM.yyyy").await, "01.06.2026");
    assert_eq!(client.call("GET", &format!("ssl/{id}?dateFormat=moon"), None).await.error(), (400, -1601));
    client.settings(json!({"isoDates": true})).await;
    let date = requested("").await;
    assert!(date.as_str().unwrap().starts_with("2026-06-01T12:"), "{date}");
}

#[tokio::test]
async fn an_organization_without_the_api_has_nothing_done_by_it() {
    let client = Client::instant().await;
    let id = client.enroll(&["a.example.com"]).await;
    let organization = format!("/organization/v1/{}", client.scm["orgId"]);
    let switch = async |on: bool| {
        let told = client.call("PUT", &organization, Some(json!({"sslCertsApiEnabled": on}))).await;
        assert_eq!(told.status, 200);
    };
    switch(false).await;
    let key = Key::new("a.example.com");
    let replacement = json!({"csr": key.csr, "reason": "lost"});
    for (path, body) in [
        ("ssl/enroll".to_owned(), client.enrolment(&["a.example.com"], &key.csr)),
        (format!("ssl/renewById/{id}"), json!({"csr": key.csr})),
        (format!("ssl/replace/{id}"), replacement.clone()),
    ] {
        assert_eq!(client.refused(&path, body).await, (400, -3), "{path}");
    }
    assert_eq!(client.details(id).await["status"], "Issued", "what there is is shown");
    switch(true).await;
    assert_eq!(client.call("POST", &format!("ssl/replace/{id}"), Some(replacement)).await.status, 204);
}
