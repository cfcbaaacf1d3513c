use evercert_sandbox::dns::{DemoDns, DnsConfig};
use hickory_proto::rr::{RData, rdata::A};
use rustls_pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    client::{Client, Key},
    names::{Admin, cname, txt},
    server::in_time,
};

/// A sandbox that checks against a name server of this test; its own rounds never come.
async fn checking(more: &[&str]) -> (Client, DemoDns, Admin) {
    let dns = DemoDns::start(DnsConfig::default()).await.unwrap();
    let admin = Admin::of(&dns);
    let resolver = dns.address().to_string();
    let arguments = ["--resolver", &resolver, "--poll-seconds", "86400"];
    (Client::start(&[&arguments, more].concat()).await, dns, admin)
}

async fn enroll(client: &Client, names: &[&str], mode: Value) -> u64 {
    let mut body = client.enrolment(names, &Key::new(names[0]).csr);
    body.as_object_mut().unwrap().extend(mode.as_object().unwrap().clone());
    client.post("ssl/enroll", body).await["sslId"].as_u64().unwrap()
}

async fn recheck(client: &Client, id: u64) -> Vec<Value> {
    let answer = client.call("POST", &format!("ssl/{id}/dcv/recheck"), None).await;
    assert_eq!(answer.status, 202);
    let log = answer.json()["dcvLog"]["log"].clone();
    log.as_array().unwrap().iter().map(|row| row["dcvStatus"].clone()).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
async fn each_certificate_has_records_of_its_own() {
    let (client, _dns, mut admin) = checking(&[]).await;
    let id = enroll(&client, &["a.example.com", "*.b.example.com"], json!({"dcvMode": "CNAME"})).await;
    let dcv = client.get(&format!("ssl/{id}/dcv")).await;
    assert_eq!(dcv["dcvLog"]["error"], json!({"code": 0, "description": null}));
    let row = &dcv["dcvLog"]["log"][0];
    assert_eq!((&row["domainName"], &row["dcvStatus"]), (&json!("a.example.com"), &json!("Awaiting Validation")));
    assert!(text(&row["lastCheck"]).starts_with("2026-06-01 12:"), "{row}");

    let told = dcv["instructions"].as_array().unwrap();
    assert_eq!((&told[1]["domainName"], &told[1]["dcvMode"]), (&json!("b.example.com"), &json!("CNAME")));
    admin.add("example.com", text(&told[0]["host"]), cname(text(&told[0]["point"]))).await.unwrap();
    assert_eq!(recheck(&client, id).await, ["Validated", "Awaiting Validation"]);
    admin.add("example.com", text(&told[1]["host"]), cname(text(&told[1]["point"]))).await.unwrap();
    assert_eq!(recheck(&client, id).await, ["Validated", "Validated"]);
    assert_eq!(client.details(id).await["status"], "Issued");

    let v2 = client.v2();
    let dcv = v2.get(&format!("ssl/{id}/dcv")).await;
    assert_eq!(dcv[0]["instructions"], json!([]), "in v2 it is an array of one");
}

#[tokio::test]
async fn auto_asks_for_what_a_dns_connector_would_publish() {
    let (client, _dns, mut admin) = checking(&[]).await;
    let id = enroll(&client, &["a.example.com"], json!({"dcvMode": "AUTO"})).await;
    let told = client.get(&format!("ssl/{id}/dcv")).await["instructions"][0].clone();
    assert_eq!(told["dcvMode"], "AUTO");
    assert_eq!(recheck(&client, id).await, ["Awaiting Validation"]);
    admin.add("example.com", text(&told["host"]), cname(text(&told["point"]))).await.unwrap();
    assert_eq!(recheck(&client, id).await, ["Validated"]);
    assert_eq!(client.refused("/dcv/v2/validation/start/domain/auto", json!({"domain": "example.com"})).await.0, 404);
}

#[tokio::test]
async fn a_csr_that_is_used_again_has_other_records() {
    let (client, _dns, _) = checking(&[]).await;
    let old = client.enroll(&["a.example.com"]).await;
    client.admin("POST", &format!("/scm/ssl/{old}/validate"), json!({})).await;
    let new = client.post(&format!("ssl/renewById/{old}"), json!({})).await["sslId"].as_u64().unwrap();
    let told = client.get(&format!("ssl/{new}/dcv")).await["instructions"][0].clone();
    assert_eq!(text(&told["point"]).split('.').count(), 5, "{told}");
}

#[tokio::test]
async fn txt_is_any_text_below_the_name_or_a_parent() {
    let (client, _dns, mut admin) = checking(&[]).await;
    let id = enroll(&client, &["a.example.com"], json!({"dcvMode": "TXT"})).await;
    let told = client.get(&format!("ssl/{id}/dcv")).await["instructions"][0].clone();
    assert_eq!(told["host"], "_pki-validation.a.example.com.");
    let point = text(&told["point"]);
    assert_eq!(point.len(), 32);
    assert_eq!(recheck(&client, id).await, ["Awaiting Validation"]);
    admin.add("example.com", "_pki-validation.example.com.", txt(point)).await.unwrap();
    assert_eq!(recheck(&client, id).await, ["Validated"]);
}

/// Answers one request for `path` with `body`.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str, body: &str) {
    let mut request = vec![0; 4096];
    let length = stream.read(&mut request).await.unwrap();
    assert!(String::from_utf8_lossy(&request[..length]).starts_with(&format!("GET {path} ")));
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all((head + body).as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn a_file_has_two_lines() {
    let web = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = web.local_addr().unwrap().port().to_string();
    let (client, _dns, mut admin) = checking(&["--http-port", &port]).await;
    admin.add("example.com", "a.example.com", RData::A(A::new(127, 0, 0, 1))).await.unwrap();
    let id = enroll(&client, &["a.example.com"], json!({"dcvMode": "HTTP"})).await;
    let told = client.get(&format!("ssl/{id}/dcv")).await["instructions"][0].clone();
    let url = text(&told["url"]);
    assert!(url.starts_with("http://a.example.com/.well-known/pki-validation/") && url.ends_with(".txt"));
    let path = url.strip_prefix("http://a.example.com").unwrap();
    for (body, expected) in [("sectigo.com", "Awaiting Validation"), (text(&told["file"]), "Validated")] {
        let site = async { serve(web.accept().await.unwrap().0, path, body).await };
        let (statuses, ()) = in_time(async { tokio::join!(recheck(&client, id), site) }).await;
        assert_eq!(statuses, [expected]);
    }
}

#[tokio::test]
async fn over_https_no_certificate_is_judged() {
    let web = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = web.local_addr().unwrap().port().to_string();
    let (client, _dns, mut admin) = checking(&["--https-port", &port]).await;
    admin.add("example.com", "a.example.com", RData::A(A::new(127, 0, 0, 1))).await.unwrap();
    let id = enroll(&client, &["a.example.com"], json!({"dcvMode": "HTTPS"})).await;
    let told = client.get(&format!("ssl/{id}/dcv")).await["instructions"][0].clone();
    let path = text(&told["url"]).strip_prefix("https://a.example.com").unwrap();
    let own = rcgen::generate_simple_self_signed(["elsewhere.test".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key).unwrap();
    let tls = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let site = async {
        let (tcp, _) = web.accept().await.unwrap();
        serve(tls.accept(tcp).await.unwrap(), path, text(&told["file"])).await;
    };
    let (statuses, ()) = in_time(async { tokio::join!(recheck(&client, id), site) }).await;
    assert_eq!(statuses, ["Validated"]);
}

#[tokio::test]
async fn a_mail_is_answered() {
    let (client, _dns, _) = checking(&[]).await;
    let id = enroll(&client, &["a.example.com"], json!({"dcvMode": "EMAIL", "dcvEmail": "admin@example.com"})).await;
    assert_eq!(recheck(&client, id).await, ["Awaiting Validation"]);
    let mails = client.admin("GET", "/mails", Value::Null).await["mails"].clone();
    assert_eq!((&mails[0]["orderId"], &mails[0]["to"]), (&json!(id), &json!(["admin@example.com"])));
    let link = text(&mails[0]["link"]).strip_prefix("/_sandbox").unwrap().to_owned();
    client.admin("GET", &link, Value::Null).await;
    assert_eq!(client.details(id).await["status"], "Issued");
}

#[tokio::test]
async fn a_domain_is_validated_ahead_of_its_certificates() {
    let (client, _dns, mut admin) = checking(&[]).await;
    let client = client.prevalidated();
    let mut body = client.enrolment(&["a.example.com"], &Key::new("a.example.com").csr);
    body.as_object_mut().unwrap().remove("dcvMode");
    assert_eq!(client.refused("ssl/enroll", body.clone()).await, (400, -107));

    let domain = json!({"domain": "example.com"});
    let post = async |path: &str| client.post(&format!("/dcv/v1/validation/{path}"), domain.clone()).await;
    assert_eq!(post("status").await, json!({"status": "NOT_VALIDATED", "orderStatus": "NOT_INITIATED"}));
    let refused = client.refused("/dcv/v1/validation/submit/domain/cname", domain.clone()).await;
    assert_eq!(refused, (400, -724), "nothing was started");
    let told = post("start/domain/cname").await;
    assert_eq!(post("start/domain/cname").await, told, "once started it stays the same");
    assert_eq!(post("status").await["orderStatus"], "AWAITING_SUBMISSION");
    let submitted = post("submit/domain/cname").await;
    assert_eq!((&submitted["status"], &submitted["orderStatus"]), (&json!("NOT_VALIDATED"), &json!("SUBMITTED")));
    assert_eq!(submitted["message"], "Submitted successfully");
    assert_eq!(post("sync?force=true").await["orderStatus"], "SUBMITTED");

    admin.add("example.com", text(&told["host"]), cname(text(&told["point"]))).await.unwrap();
    let status = post("sync").await;
    let validated = json!({"status": "VALIDATED", "validationDate": "2026-06-01", "expirationDate": "2026-12-16",
        "orderStatus": "NOT_INITIATED"});
    assert_eq!(status, validated);
    let id = client.post("ssl/enroll", body.clone()).await["sslId"].as_u64().unwrap();
    assert_eq!(client.get(&format!("ssl/{id}/dcv")).await["instructions"], json!([]));
    client.admin("POST", &format!("/scm/ssl/{id}/release"), json!({})).await;
    assert_eq!(client.details(id).await["status"], "Issued");

    client.advance("198d").await;
    assert_eq!(post("status").await["status"], "EXPIRED");
    assert_eq!(client.refused("ssl/enroll", body).await, (400, -107));
}

#[tokio::test]
async fn v2_has_other_words_and_tells_what_to_publish() {
    let (client, _dns, mut admin) = checking(&[]).await;
    let client = client.prevalidated();
    let domain = json!({"domain": "example.org"});
    let post = async |path: &str| client.post(&format!("/dcv/v2/validation/{path}"), domain.clone()).await;
    assert!(post("start/domain/txt").await["message"].is_string());
    let submitted = post("submit/domain/txt").await;
    assert_eq!(submitted["host"], "_pki-validation.example.org.");
    let status = post("status").await;
    assert_eq!((&status["status"], &status["orderStatus"]), (&json!("Not validated"), &json!("Submitted")));
    assert_eq!((&status["point"], &status["orderMode"]), (&submitted["point"], &json!("TXT")));
    assert_eq!(status["submittedDate"], "2026-06-01");
    admin.add("example.org", "_pki-validation.example.org", txt(text(&submitted["point"]))).await.unwrap();
    assert_eq!(post("sync").await["status"], "Validated");

    let rows = client.get("/dcv/v2/validation?domain=example.org").await;
    let row = json!({"domain": "example.org", "dcvStatus": "Validated", "dcvMethod": "DNSTXT_RANDOM_VALUE",
        "dcvOrderStatus": "Not initiated", "expirationDate": "2026-12-16"});
    assert_eq!((&rows[0], &rows[1]["domain"]), (&row, &json!("*.example.org")));
    let answer = client.call("GET", "/dcv/v1/validation?dcvStatus=NOT_VALIDATED&size=1", None).await;
    assert_eq!((answer.header("x-total-count"), &answer.json()[0]["dcvStatus"]), ("4", &json!("NOT_VALIDATED")));
    assert_eq!(client.get("/dcv/v2/validation?expiresIn=10").await, json!([]));
}

#[tokio::test]
async fn by_file_and_by_mail() {
    let (client, _dns, _) = checking(&[]).await;
    let client = client.prevalidated();
    let domain = json!({"domain": "example.com"});
    for scheme in ["http", "https"] {
        let told = client.post(&format!("/dcv/v2/validation/start/domain/{scheme}"), domain.clone()).await;
        assert!(text(&told["url"]).starts_with(&format!("{scheme}://example.com/.well-known/pki-validation/")));
        assert_eq!((text(&told["firstLine"]).len(), &told["secondLine"]), (64, &json!("sectigo.com")));
        let submitted = client.post(&format!("/dcv/v2/validation/submit/domain/{scheme}"), domain.clone()).await;
        assert_eq!(submitted["orderStatus"], "Submitted");
    }
    let boxes =
        client.post("/dcv/v1/validation/start/domain/email", json!({"domains": ["example.com", "example.net"]}));
    let boxes = boxes.await;
    assert_eq!(boxes["emails"], json!(["registrant@sandbox.example"]), "who may speak for both");
    assert_eq!(boxes["dcvEmails"][1]["adminEmails"][0], "admin@example.net");
    let submit = "/dcv/v1/validation/submit/domain/email";
    let stranger = json!({"domain": "example.com", "email": "stranger@example.org"});
    assert_eq!(client.refused(submit, stranger).await, (400, -518));
    let submitted = client.post(submit, json!({"domain": "example.com", "email": "admin@example.com"})).await;
    assert!(submitted["emailValidationReferenceNumber"].is_string(), "{submitted}");
    let bulk = json!({"domains": ["example.org", "example.net"], "email": "registrant@sandbox.example"});
    assert_eq!(client.post("/dcv/v1/validation/submit-bulk/domain/email", bulk).await["orderStatus"], "SUBMITTED");
    let mails = client.admin("GET", "/mails", Value::Null).await["mails"].clone();
    let mails = mails.as_array().unwrap();
    assert_eq!(mails.len(), 3);
    for mail in mails {
        client.admin("GET", text(&mail["link"]).strip_prefix("/_sandbox").unwrap(), Value::Null).await;
    }
    let rows = client.get("/dcv/v2/validation").await;
    assert!(rows.as_array().unwrap().iter().all(|row| row["dcvStatus"] == "Validated"), "{rows}");
}

#[tokio::test]
async fn what_cannot_be_validated_and_what_is_taken_back() {
    let (client, _dns, _) = checking(&["--validated-domain", "example.com"]).await;
    let status = "/dcv/v1/validation/status";
    let domain = |name: &str| json!({"domain": name});
    assert_eq!(client.refused(status, domain("example.com")).await, (400, -1608), "not a matter of this customer");
    let client = client.prevalidated();
    assert_eq!(client.refused(status, domain("www.example.com")).await, (400, -723));
    assert_eq!(client.refused(status, domain("elsewhere.test")).await, (404, -727));
    assert_eq!(client.refused(status, json!({})).await, (400, -7));
    client.post("/dcv/v1/validation/start/domain/cname", domain("example.com")).await;
    let cleared = client.post("/dcv/v1/validation/clear", domain("example.com")).await;
    let expected = json!({"status": "VALIDATED", "orderStatus": "NOT_INITIATED",
        "message": "DCV status: VALIDATED; DCV order status: NOT_INITIATED"});
    assert_eq!(cleared, expected);
    let answer = client.call("POST", "/dcv/v1/validation/delete", Some(domain("example.com"))).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(client.post(status, domain("example.com")).await["status"], "NOT_VALIDATED");
}
