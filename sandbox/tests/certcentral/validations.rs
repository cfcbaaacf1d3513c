use evercert_sandbox::dns::{DemoDns, DnsConfig};
use hickory_proto::rr::{RData, rdata::A};
use serde_json::{Value, json};

use crate::{
    client::{Client, Key},
    names::{Admin, cname, txt},
    server::in_time,
};

/// A sandbox that checks against a name server of this test; its own rounds never come.
async fn checking() -> (Client, DemoDns, Admin) {
    let dns = DemoDns::start(DnsConfig::default()).await.unwrap();
    let admin = Admin::of(&dns);
    let resolver = dns.address().to_string();
    let client = Client::start(&["--resolver", &resolver, "--poll-seconds", "86400"]).await;
    (client, dns, admin)
}

fn dv(client: &Client, names: &[&str], method: &str) -> Value {
    let mut body = client.order(names, &Key::ecdsa().csr());
    body["dcv_method"] = json!(method);
    body
}

#[tokio::test]
async fn a_name_counts_once_its_record_is_there() {
    let (client, _dns, mut admin) = checking().await;
    let body = dv(&client, &["a.example.com", "b.example.com"], "dns-txt-token");
    let order = client.post("/order/certificate/ssl_dv_geotrust_flex", body).await;
    let token = order["dcv_random_value"].as_str().unwrap();
    let path = format!("/order/certificate/{}", order["id"]);
    let check = format!("{path}/check-dcv");
    assert_eq!(client.call("PUT", &check, None).await.error(), (400, "invalid_dns_txt".into()));

    admin.add("example.com", "a.example.com", txt(token)).await.unwrap();
    let part = client.call("PUT", &check, None).await.json();
    assert_eq!(part["order_status"], "pending");
    assert_eq!(
        part["dns_name_validations"],
        json!([{"dns_name": "a.example.com", "status": "approved"}, {"dns_name": "b.example.com", "status": "pending"}])
    );
    let status = client.get(&format!("{path}/validation")).await;
    assert_eq!(status["order_id"], json!(order["id"].to_string()));
    assert_eq!(status["dns_name_validations"][1]["status"], "unapproved");

    let same = client.call("PUT", &format!("{path}/dcv-random-value"), None).await.json();
    assert_eq!(same["dcv_random_value"], token);
    admin.add("example.com", "b.example.com", txt(token)).await.unwrap();
    let only = json!({"dns_names_validations": ["b.example.com"]});
    let whole = client.call("PUT", &check, Some(only)).await.json();
    assert_eq!((&whole["dcv_status"], &whole["order_status"]), (&json!("valid"), &json!("issued")));
}

#[tokio::test]
async fn cname_and_a_change_of_method() {
    let (client, _dns, mut admin) = checking().await;
    let body = dv(&client, &["*.example.com"], "email");
    let order = client.post("/order/certificate/ssl_dv_geotrust_flex", body).await;
    let path = format!("/order/certificate/{}", order["id"]);
    let answer = client.call("PUT", &format!("{path}/check-dcv"), None).await;
    assert_eq!(answer.error(), (400, "invalid_dns_method".into()));
    let method = json!({"dcv_method": "dns-cname-token"});
    let answer = client.call("PUT", &format!("{path}/dcv-method"), Some(method)).await.json();
    let target = format!("{}.dcv.digicert.com.", answer["dcv_random_value"].as_str().unwrap());
    admin.add("example.com", "_dnsauth.example.com", cname(&target)).await.unwrap();
    let answer = client.call("PUT", &format!("{path}/check-dcv"), None).await.json();
    assert_eq!(answer["order_status"], "issued");
}

#[tokio::test]
async fn a_file_under_every_name() {
    let web = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = web.local_addr().unwrap().port().to_string();
    let dns = DemoDns::start(DnsConfig::default()).await.unwrap();
    let mut admin = Admin::of(&dns);
    let resolver = dns.address().to_string();
    let client = Client::start(&["--resolver", &resolver, "--http-port", &port, "--poll-seconds", "86400"]).await;
    let body = dv(&client, &["www.example.com", "example.com"], "http-token");
    let order = client.post("/order/certificate/ssl_dv_geotrust_flex", body).await;
    let check = format!("/order/certificate/{}/check-dcv", order["id"]);
    let loopback = || RData::A(A(std::net::Ipv4Addr::LOCALHOST));
    admin.add("example.com", "www.example.com", loopback()).await.unwrap();
    assert_eq!(client.call("PUT", &check, None).await.error(), (400, "file_random_value_not_found".into()));

    let token = order["dcv_random_value"].as_str().unwrap().to_owned();
    let file = axum::routing::get(move || async move { token });
    let site = axum::Router::new().route("/.well-known/pki-validation/fileauth.txt", file);
    let site = tokio::spawn(async move { axum::serve(web, site).await });
    assert_eq!(client.call("PUT", &check, None).await.error(), (400, "file_random_value_not_found".into()));
    admin.add("example.com", "example.com", loopback()).await.unwrap();
    assert_eq!(client.call("PUT", &check, None).await.json()["order_status"], "issued");
    site.abort();
}

#[tokio::test]
async fn ov_reuses_a_validation_for_199_days_and_dv_never() {
    let (client, _dns, mut admin) = checking().await;
    let first = client.place(&["www.example.com"]).await;
    let token = first["dcv_random_value"].as_str().unwrap();
    admin.add("example.com", "example.com", txt(token)).await.unwrap();
    client.call("PUT", &format!("/order/certificate/{}/check-dcv", first["id"]), None).await;
    assert_eq!(client.order_info(&first["id"]).await["status"], "issued");

    let pending = |answer: &Value| answer.get("dcv_random_value").is_some();
    assert!(!pending(&client.place(&["other.example.com"]).await), "the base domain is valid now");
    let body = dv(&client, &["www.example.com"], "dns-txt-token");
    assert!(pending(&client.post("/order/certificate/ssl_dv_geotrust_flex", body).await));
    client.post("/_sandbox/clock", json!({"set": "2026-03-01T00:00:00Z"})).await;
    client.post("/_sandbox/domains", json!({"name": "example.org"})).await;
    client.advance("198d").await;
    assert!(!pending(&client.place(&["www.example.org"]).await));
    client.advance("1d").await;
    assert!(pending(&client.place(&["www.example.org"]).await));
}

#[tokio::test]
async fn the_sandbox_also_looks_by_itself() {
    let dns = DemoDns::start(DnsConfig::default()).await.unwrap();
    let mut admin = Admin::of(&dns);
    let client = Client::start(&["--resolver", &dns.address().to_string(), "--poll-seconds", "1"]).await;
    let order = client.place(&["www.example.com"]).await;
    admin.add("example.com", "www.example.com", txt(order["dcv_random_value"].as_str().unwrap())).await.unwrap();
    let issued = async {
        while client.order_info(&order["id"]).await["status"] != "issued" {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    in_time(issued).await;
}

#[tokio::test]
async fn a_domain_is_validated_ahead_of_orders() {
    let (client, _dns, mut admin) = checking().await;
    let new =
        json!({"name": "example.net", "organization": {"id": client.organization()}, "dcv_method": "dns-txt-token"});
    let domain = client.post("/domain", new).await;
    let path = format!("/domain/{}", domain["id"]);
    let check = format!("{path}/dcv/validate-token");
    assert_eq!(client.call("PUT", &check, None).await.error(), (400, "invalid_dns_txt".into()));
    let token = domain["dcv_token"]["token"].as_str().unwrap();
    admin.add("example.net", "example.net", txt(token)).await.unwrap();
    assert_eq!(client.call("PUT", &check, None).await.json()["status"], "active");
    let seen = client.get(&format!("{path}?include_dcv=true&include_validation=true")).await;
    assert_eq!(seen["validations"][0]["status"], "active");
    assert_eq!(seen["organization"]["is_active"], "1");
    assert_eq!(client.get("/domain?filters[search]=example.net").await["page"]["total"], 1);
    let order = client.place(&["deep.www.example.net"]).await;
    assert!(order.get("certificate_chain").is_some());
}

#[tokio::test]
async fn an_answered_mail_validates_too() {
    let (client, _dns, _admin) = checking().await;
    let order = client.post("/order/certificate/ssl_basic", dv(&client, &["www.example.com"], "email")).await;
    let path = format!("/_sandbox/orders/{}/validate", order["id"]);
    client.silent("POST", &path, json!({})).await;
    assert_eq!(client.order_info(&order["id"]).await["status"], "issued");
}
