use serde_json::{Value, json};

use crate::client::{Client, Key};

#[tokio::test]
async fn a_renewal_is_a_new_certificate_and_paid() {
    let client = Client::instant().await;
    let old = client.enroll(&["www.example.com", "shop.example.com"]).await;
    client.advance("60d").await;
    let key = Key::new("");
    let answer = client.post(&format!("ssl/renewById/{old}"), json!({"csr": key.csr})).await;
    let new = answer["sslId"].as_u64().unwrap();
    assert_eq!(answer, json!({"sslId": new}));

    let details = client.details(old).await;
    assert_eq!((&details["renewed"], &details["renewedDate"]), (&json!(true), &json!("07/31/2026")));
    assert_eq!((&details["status"], &details["expires"]), (&json!("Issued"), &json!("08/30/2026")));
    let details = client.details(new).await;
    assert_eq!((&details["renewed"], &details["expires"]), (&json!(false), &json!("10/29/2026")));
    assert_eq!(details.get("comments"), None, "a renewal carries no mark");
    let leaf = client.leaf(new).await;
    assert_eq!((leaf.spki, leaf.names), (key.spki, vec!["www.example.com".to_owned(), "shop.example.com".into()]));

    let ledger = client.admin("GET", "/ledger", Value::Null).await;
    let row = &ledger["operations"][1];
    assert_eq!((&row["kind"], &row["paid"]), (&json!("renew"), &json!(true)));
    assert_eq!((&row["renewalOf"], &row["orderId"]), (&json!(old), &json!(new)));
}

#[tokio::test]
async fn the_body_is_an_object_and_without_a_csr_the_old_one_serves() {
    let client = Client::instant().await;
    let old = client.enroll(&["www.example.com"]).await;
    let path = format!("ssl/renewById/{old}");
    assert_eq!(client.refused(&path, json!("")).await, (400, -1002));
    assert_eq!(client.call("POST", &path, None).await.error(), (400, -1002));
    let new = client.post(&path, json!({})).await["sslId"].as_u64().unwrap();
    assert_eq!(client.leaf(new).await.spki, client.leaf(old).await.spki);
    assert_eq!(client.refused("ssl/renewById/7", json!({})).await, (400, -124));
}

#[tokio::test]
async fn by_renew_id_and_for_some_customers_by_id_nothing_is_said_of_the_new_one() {
    let client = Client::instant().await;
    let body = client.enrolment(&["www.example.com"], &Key::new("www.example.com").csr);
    let enrolled = client.post("ssl/enroll", body).await;
    client.silent("POST", &format!("ssl/renew/{}", enrolled["renewId"].as_str().unwrap()), json!({})).await;
    assert_eq!(client.refused("ssl/renew/unknown", json!({})).await, (400, -123));
    client.settings(json!({"renewalWithholdsId": true})).await;
    client.silent("POST", &format!("ssl/renewById/{}", enrolled["sslId"]), json!({})).await;
    assert_eq!(client.operations().await.len(), 3);
    assert_eq!(client.get("ssl?commonName=www.example.com").await.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_profile_or_a_customer_may_forbid_it() {
    let client = Client::instant().await;
    let mut body = client.enrolment(&["www.example.com"], &Key::new("www.example.com").csr);
    body["certType"] = client.scm["profiles"]["notRenewable"].clone();
    let id = client.post("ssl/enroll", body).await["sslId"].as_u64().unwrap();
    assert_eq!(client.refused(&format!("ssl/renewById/{id}"), json!({})).await, (400, -180));

    let id = client.enroll(&["www.example.com"]).await;
    let path = format!("ssl/renewById/{id}");
    client.post(&path, json!({})).await;
    client.post(&path, json!({})).await;
    client.settings(json!({"renewedOnce": true})).await;
    assert_eq!(client.refused(&path, json!({})).await, (400, -105));
    assert_eq!(client.operations().await.len(), 4);
}

#[tokio::test]
async fn a_term_that_is_offered_no_more_gives_way_to_the_longest() {
    let client = Client::instant().await;
    let mut body = client.enrolment(&["www.example.com"], &Key::new("www.example.com").csr);
    body["term"] = json!(199);
    let old = client.post("ssl/enroll", body).await["sslId"].as_u64().unwrap();
    client.admin("PUT", "/clock", json!({"set": "2027-04-01T00:00:00Z"})).await;
    let new = client.post(&format!("ssl/renewById/{old}"), json!({})).await["sslId"].as_u64().unwrap();
    let details = client.details(new).await;
    assert_eq!((&details["term"], &details["expires"]), (&json!(99), &json!("07/09/2027")));
    assert_eq!(client.details(old).await["status"], "Expired");
}

#[tokio::test]
async fn scm_renews_by_itself_what_was_scheduled() {
    let client = Client::instant().await;
    let id = client.enroll(&["www.example.com"]).await;
    let schedule = json!({"sslId": id, "autoRenewDetails": {"state": "Scheduled", "daysBeforeExpiration": 20}});
    let answer = client.call("PUT", "ssl", Some(schedule)).await;
    let state = json!({"state": "Scheduled", "daysBeforeExpiration": 20});
    assert_eq!(answer.json()["autoRenewDetails"], state);
    client.advance("69d").await;
    assert_eq!(client.details(id).await["autoRenewDetails"], state);
    client.advance("1d").await;
    let details = client.details(id).await;
    assert_eq!((&details["autoRenewDetails"]["state"], &details["renewed"]), (&json!("Successful"), &json!(true)));
    assert_eq!(client.operations().await.last().unwrap(), &("renew".to_owned(), true));
}

#[tokio::test]
async fn marking_one_as_renewed_buys_nothing() {
    let client = Client::instant().await;
    let old = client.enroll(&["www.example.com"]).await;
    let new = client.enroll(&["www.example.com"]).await;
    client.silent("POST", &format!("ssl/renew/manual/{old}"), json!({"id": new})).await;
    assert_eq!(client.details(old).await["renewed"], true);
    assert_eq!(client.refused(&format!("ssl/renew/manual/{old}"), json!({"orderNumber": "x"})).await, (400, -1104));
    assert_eq!(client.operations().await.len(), 2);
}
