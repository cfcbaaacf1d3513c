use serde_json::{Value, json};

use crate::client::{Client, Key};

/// The id that a 201 tells.
async fn created(client: &Client, path: &str, body: Value) -> u64 {
    let answer = client.call("POST", path, Some(body)).await;
    assert_eq!((answer.status, answer.body.len()), (201, 0), "{answer:?}");
    answer.header("location").rsplit('/').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn locations_say_where_a_certificate_is() {
    let client = Client::instant().await.v2();
    let id = client.enroll(&["www.example.com"]).await;
    let path = format!("ssl/{id}/location");
    let location = created(&client, &path, json!({"details": {"cluster": "a", "secret": "web/tls"}})).await;
    let other = created(&client, &path, json!({"details": {"cluster": "b"}})).await;
    let one = json!({"id": location, "locationType": "CUSTOM", "name": "Custom",
        "details": {"cluster": "a", "secret": "web/tls"}});
    assert_eq!(client.get(&format!("{path}/{location}")).await, one);
    let answer = client.call("PUT", &format!("{path}/{other}"), Some(json!({"details": {"cluster": "c"}}))).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    client.silent("DELETE", &format!("{path}/{location}"), json!({})).await;
    assert_eq!(client.get(&path).await[0]["details"], json!({"cluster": "c"}));
    assert_eq!(client.call("GET", &format!("{path}/{location}"), None).await.error(), (404, -5101));
    assert_eq!(client.refused(&path, json!({})).await, (400, -7));
}

#[tokio::test]
async fn organizations_and_departments() {
    let client = Client::instant().await;
    let known = client.get("/organization/v1").await[0].clone();
    assert_eq!((&known["id"], &known["departments"][0]["id"]), (&client.scm["orgId"], &client.scm["departmentId"]));
    assert_eq!(client.refused("/organization/v1", json!({"name": "New"})).await, (400, -7));
    let body =
        json!({"name": "New", "city": "Ghent", "country": "BE", "stateProvince": "East", "clientCertificate": {}});
    let id = created(&client, "/organization/v1", body).await;
    let shown = client.get(&format!("/organization/v1/{id}")).await;
    assert_eq!((&shown["stateOrProvince"], &shown["validationStatus"]), (&json!("East"), &json!("NOT_VALIDATED")));
    let path = format!("/organization/v1/{id}");
    let changed = client.call("PUT", &path, Some(json!({"city": "Bruges"}))).await.json();
    assert_eq!((&changed["city"], &changed["name"]), (&json!("Bruges"), &json!("New")));
    let body = json!({"name": "Shop", "parentOrgName": "New", "clientCertificate": {}});
    let department = created(&client, "/organization/v1", body).await;
    let shown = client.get(&format!("/organization/v1/{department}")).await;
    assert_eq!((&shown["parentId"], &shown["parentName"]), (&json!(id), &json!("New")));
    for id in [department, id] {
        assert_eq!(client.call("DELETE", &format!("/organization/v1/{id}"), None).await.status, 200);
    }
    assert_eq!(client.call("GET", &path, None).await.error(), (404, -1023));
    client.enroll(&["www.example.com"]).await;
    let path = format!("/organization/v1/{}", client.scm["orgId"]);
    assert_eq!(client.call("DELETE", &path, None).await.error(), (400, -1021));
}

#[tokio::test]
async fn a_domain_is_delegated_before_it_may_be_used() {
    let client = Client::instant().await;
    let organization = client.scm["orgId"].clone();
    let mut body = client.enrolment(&["*.shop.test"], &Key::new("*.shop.test").csr);
    assert_eq!(client.refused("/domain/v1", json!({"name": "shop.test"})).await, (400, -709));
    let delegation =
        json!({"orgId": organization, "certTypes": ["SSL"], "domainCertificateRequestPrivileges": ["DOMAIN"]});
    let id = created(&client, "/domain/v1", json!({"name": "shop.test", "delegations": [delegation]})).await;
    assert_eq!(client.get("/domain/v1?name=shop").await, json!([{"id": id, "name": "shop.test"}]));
    assert_eq!(client.refused("ssl/enroll", body.clone()).await, (400, -1010), "the domain alone, no wildcard");
    let path = format!("/domain/v1/{id}/delegation");
    let wide = json!({"orgId": organization, "certTypes": ["SSL"]});
    assert_eq!(client.call("POST", &path, Some(wide.clone())).await.status, 200);
    let shown = client.get(&format!("/domain/v1/{id}")).await;
    assert_eq!((&shown["state"], shown.get("validationStatus")), (&json!("ACTIVE"), None));
    assert_eq!(shown["delegations"][0]["domainCertificateRequestPrivileges"].as_array().unwrap().len(), 4);
    client.post("ssl/enroll", body.clone()).await;
    client.admin("POST", "/scm/domains", json!({"name": "shop.test", "active": false})).await;
    assert_eq!(client.refused("ssl/enroll", body.clone()).await, (400, -715));
    client.admin("POST", "/scm/domains", json!({"name": "shop.test", "active": true})).await;
    assert_eq!(client.call("DELETE", &path, Some(wide)).await.status, 200);
    assert_eq!(client.refused("ssl/enroll", body.clone()).await, (400, -1010));
    assert_eq!(client.call("DELETE", &format!("/domain/v1/{id}"), None).await.error(), (400, -740));
    let unused = created(
        &client,
        "/domain/v1",
        json!({"name": "unused.test", "delegations": [
        {"orgId": organization, "certTypes": ["SSL"]}]}),
    )
    .await;
    client.silent("DELETE", &format!("/domain/v1/{unused}"), json!({})).await;
    body["orgId"] = client.scm["departmentId"].clone();
    body["subjAltNames"] = json!("www.example.com");
    body["csr"] = json!(Key::new("www.example.com").csr);
    client.post("ssl/enroll", body).await;
}

#[tokio::test]
async fn the_report_finds_by_time_and_shows_comments() {
    let client = Client::instant().await;
    let mut body = client.enrolment(&["a.example.com", "b.example.com"], &Key::new("a.example.com").csr);
    body["externalRequester"] = json!("ops+mark@example.com");
    let first = client.post("ssl/enroll", body).await["sslId"].clone();
    client.advance("2d").await;
    client.enroll(&["c.example.com"]).await;
    let report = async |body: Value| {
        let answer = client.post("/report/v1/ssl-certificates?output_type=buffered", body).await;
        assert_eq!(answer["statusCode"], 0);
        answer["reports"].as_array().unwrap().clone()
    };
    let rows =
        report(json!({"from": "2026-06-01T00:00:00.000Z", "to": "2026-06-02", "certificateDateAttribute": 4})).await;
    assert_eq!((rows.len(), &rows[0]["id"]), (1, &first));
    for (field, value) in [
        ("comments", json!("made by a test")),
        ("subjAltNames", json!("a.example.com;b.example.com")),
        ("externalRequester", json!("ops+mark@example.com")),
        ("status", json!("Issued")),
        ("publicKeyType", json!("EC - P-256")),
        ("type", json!("Sandbox OV")),
    ] {
        assert_eq!(rows[0][field], value, "{field}");
    }
    assert!(rows[0]["requested"].as_str().unwrap().starts_with("2026-06-01T12:"));
    assert_eq!(report(json!({"externalRequester": "mark"})).await.len(), 1);
    assert_eq!(report(json!({"externalRequester": "MARK"})).await.len(), 0, "here case counts");
    assert_eq!(report(json!({"certificateStatus": "2", "organizationIds": [client.scm["orgId"]]})).await.len(), 2);
    assert_eq!(report(json!({"certificateStatus": 1})).await.len(), 0);
    assert_eq!(report(json!({"certificateRequestSource": 12})).await.len(), 2);
    let path = "/report/v1/ssl-certificates";
    assert_eq!(client.refused(path, json!({"from": "2026-06-02", "to": "2026-06-01"})).await, (400, -1601));
}
