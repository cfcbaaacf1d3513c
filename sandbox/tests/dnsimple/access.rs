use serde_json::{Value, json};

use crate::client::Client;

async fn with_scopes(client: &mut Client, scopes: &[&str]) {
    let path = format!("/dnsimple/accounts/{}", client.account);
    let token = client.admin("POST", &path, json!({"addToken": scopes})).await;
    client.token = token["token"].as_str().unwrap().to_owned();
}

#[tokio::test]
async fn a_token_stands_for_an_account_or_for_a_person() {
    let mut client = Client::instant().await;
    let who = client.get("/whoami").await;
    assert_eq!((&who["user"], &who["account"]["id"]), (&Value::Null, &json!(client.account)));
    assert_eq!(who["account"]["plan_identifier"], "teams-v1-monthly");
    client.admin("POST", "/dnsimple/accounts", json!({"name": "Other", "zones": ["example.edu"]})).await;
    assert_eq!(client.get("/accounts").await.as_array().unwrap().len(), 1);

    client.token = client.ready["dnsimple"]["userToken"].as_str().unwrap().to_owned();
    let who = client.get("/whoami").await;
    assert_eq!((who["user"]["email"].is_string(), &who["account"]), (true, &Value::Null));
    let accounts = client.get("/accounts").await;
    let ids: Vec<u64> = accounts.as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect();
    assert_eq!((ids.len(), ids[0]), (2, client.account));
    client.account = ids[1];
    assert_eq!(client.get("zones").await[0]["name"], "example.edu");
}

#[tokio::test]
async fn nobody_sees_another_account() {
    let mut client = Client::instant().await;
    let other = json!({"name": "Other", "zones": ["example.edu"]});
    let other = client.admin("POST", "/dnsimple/accounts", other).await;
    assert_eq!(
        client.call("GET", "zones/example.edu", None).await.error(),
        (404, "Zone `example.edu` not found".into())
    );
    let own = std::mem::replace(&mut client.account, other["accountId"].as_u64().unwrap());
    assert_eq!(client.call("GET", "zones", None).await.error(), (404, "Not Found".into()));
    client.token = "nobody's".into();
    client.account = own;
    assert_eq!(client.call("GET", "zones", None).await.error(), (401, "Authentication failed".into()));
}

#[tokio::test]
async fn a_revoked_token_is_good_for_nothing() {
    let mut client = Client::instant().await;
    let first = client.token.clone();
    with_scopes(&mut client, &["zones:*:write"]).await;
    client.get("zones").await;
    let path = format!("/dnsimple/accounts/{}", client.account);
    client.admin("POST", &path, json!({"revokeToken": client.token})).await;
    assert_eq!(client.call("GET", "zones", None).await.status, 401);
    client.token = first;
    client.get("zones").await;
}

#[tokio::test]
async fn a_scope_is_named_where_it_lacks() {
    let mut client = Client::instant().await;
    with_scopes(&mut client, &["zones:example.com:write", "certificates:example.com:read"]).await;
    let denied = async |method: &str, path: &str| client.call(method, path, None).await.error();
    let needs = |scope: &str| (403, format!("Permission Denied. Required Scope: {scope}"));
    client.record("_dnsauth", "TXT", "one").await;
    assert_eq!(denied("GET", "zones/example.org/records").await, needs("zones:example.org:read"));
    let certificates = "domains/example.com/certificates";
    client.get(certificates).await;
    let purchase = denied("POST", &format!("{certificates}/letsencrypt")).await;
    assert_eq!(purchase, needs("certificates:example.com:write"));
    assert_eq!(denied("GET", "domains").await, needs("domains:*:read"));
    assert_eq!(denied("POST", "webhooks").await, needs("webhooks:*:write"));
    let zones = client.get("zones").await;
    let names: Vec<&Value> = zones.as_array().unwrap().iter().map(|zone| &zone["name"]).collect();
    assert_eq!(names, ["example.com"], "a list shows what the token may see");
    let id = zones[0]["id"].clone();
    client.get(&format!("zones/{id}")).await;
}

#[tokio::test]
async fn a_domain_goes_by_its_name_or_its_id() {
    let client = Client::instant().await;
    let domains = client.get("domains?name_like=.org").await;
    assert_eq!(domains.as_array().unwrap().len(), 1);
    let id = &domains[0]["id"];
    assert_eq!(client.get(&format!("domains/{id}")).await, client.get("domains/example.org").await);
    assert_eq!(client.get(&format!("domains/{id}/certificates")).await, json!([]));
    assert_eq!(client.get("zones?sort=name:desc").await[0]["name"], "example.org");
    let unknown = client.call("GET", "domains/example.edu/certificates", None).await;
    assert_eq!(unknown.error(), (404, "Domain `example.edu` not found".into()));
}

#[tokio::test]
async fn the_limit_of_an_hour_is_told_and_shared_by_all_tokens() {
    let mut client = Client::instant().await;
    let left = |answer: &crate::http::Answer| answer.header("x-ratelimit-remaining").parse::<i64>().unwrap();
    let first = client.call("GET", "zones", None).await;
    assert_eq!((first.header("x-ratelimit-limit"), left(&first)), ("2400", 2399));
    let reset: i64 = first.header("x-ratelimit-reset").parse().unwrap();
    assert!((1..=3600).contains(&(reset - jiff::Timestamp::now().as_second())));
    client.settings(json!({"requestsPerHour": 3})).await;
    with_scopes(&mut client, &["zones:*:read"]).await;
    assert_eq!(left(&client.call("GET", "zones", None).await), 1);
    assert_eq!(client.call("POST", "zones/example.com/records", None).await.status, 403, "counts too");
    let over = client.call("GET", "zones", None).await;
    assert_eq!(over.error(), (429, "quota exceeded".into()));
    assert_eq!((over.header("x-ratelimit-limit"), left(&over)), ("3", 0));
}

#[tokio::test]
async fn strangers_have_thirty_requests() {
    let mut client = Client::instant().await;
    client.token = "nobody's".into();
    for _ in 0..30 {
        assert_eq!(client.call("GET", "/whoami", None).await.status, 401);
    }
    assert_eq!(client.call("GET", "/whoami", None).await.status, 429);
}

#[tokio::test]
async fn wrong_paths_methods_and_bodies() {
    let client = Client::instant().await;
    assert_eq!(client.call("GET", "registrar", None).await.error(), (404, "Not Found".into()));
    let wrong = client.call("PUT", "zones/example.com/records", None).await;
    assert_eq!((wrong.status, wrong.body.len(), wrong.header("allow")), (405, 0, "GET,HEAD,POST"));
    let list = client.call("POST", "zones/example.com/records", Some(json!([]))).await;
    assert_eq!(list.error(), (400, "Problems parsing JSON".into()));
}
