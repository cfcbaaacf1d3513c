use std::io::{Cursor, Read};

use serde_json::{Value, json};

use crate::client::{Client, Key, pem_blocks};

#[tokio::test]
async fn every_format_holds_what_it_should() {
    let client = Client::instant().await;
    let order = client.place(&["*.example.com"]).await;
    let leaf = pem_blocks(order["certificate_chain"][0]["pem"].as_str().unwrap()).remove(0);
    for (format, blocks) in [("pem_all", 3), ("pem_noroot", 2), ("pem_nointermediate", 1)] {
        let file = client.download(&order["certificate_id"], format).await;
        let found = pem_blocks(&file.text);
        assert_eq!((found.len(), &found[0]), (blocks, &leaf), "{format}");
    }
    let url =
        |tail: &str| format!("{}/services/v2/certificate/{}/download/{tail}", client.url(), order["certificate_id"]);
    let fetch = async |url: String| {
        let request = reqwest::Client::new().get(url).header("X-DC-DEVKEY", &client.key);
        let response = request.send().await.unwrap();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (kind, response.bytes().await.unwrap())
    };
    for (tail, files) in [
        ("format/default", vec!["star_example_com.crt", "SandboxCA.crt", "TrustedRoot.crt"]),
        ("format/apache", vec!["star_example_com.crt", "SandboxCA.crt"]),
        ("format/default_cer", vec!["star_example_com.cer", "SandboxCA.cer", "TrustedRoot.cer"]),
        ("format/default_pem", vec!["star_example_com.pem", "SandboxCA.pem", "TrustedRoot.pem"]),
        ("platform", vec!["star_example_com.crt", "SandboxCA.crt", "TrustedRoot.crt"]),
        ("platform/2", vec!["star_example_com.crt", "SandboxCA.crt"]),
    ] {
        let (kind, bytes) = fetch(url(tail)).await;
        assert_eq!(kind, "application/zip");
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        assert_eq!(zip.file_names().map(Result::unwrap).collect::<Vec<_>>(), files, "{tail}");
        let mut text = String::new();
        zip.by_index(0).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(pem_blocks(&text)[0], leaf);
    }
    assert_eq!(fetch(url("platform/45")).await.0, "application/x-pem-file");
    for format in ["p7b", "cer"] {
        let (kind, bytes) = fetch(url(&format!("format/{format}"))).await;
        assert_eq!(kind, "application/x-pkcs7-certificates");
        assert_eq!(openssl_pkcs7(&bytes), 3);
    }
    let answer = client.download(&order["certificate_id"], "jpeg").await;
    assert_eq!(answer.error(), (400, "invalid_value:format_type".into()));
    let path = format!("/certificate/download/order/{}/format/pem_all", order["id"]);
    assert_eq!(pem_blocks(&client.call("GET", &path, None).await.text)[0], leaf);
    let chain = client.get(&format!("/certificate/{}/chain", order["certificate_id"])).await;
    assert_eq!(chain["intermediates"], order["certificate_chain"]);
}

/// How many certificates another implementation finds in a PKCS#7.
fn openssl_pkcs7(pem: &[u8]) -> usize {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pem).unwrap();
    let mut openssl = std::process::Command::new("openssl");
    let output = openssl.args(["pkcs7", "-print_certs", "-in"]).arg(file.path()).output().unwrap();
    pem_blocks(&String::from_utf8(output.stdout).unwrap()).len()
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let client = Client::instant().await;
    for name in ["a.example.com", "b.example.com", "c.example.org"] {
        client.place(&[name, "shared.example.com"]).await;
    }
    let names = async |query: &str| -> Vec<Value> {
        let list = client.get(&format!("/order/certificate{query}")).await;
        list["orders"].as_array().unwrap().iter().map(|row| row["certificate"]["common_name"].clone()).collect()
    };
    assert_eq!(names("").await, ["c.example.org", "b.example.com", "a.example.com"]);
    assert_eq!(names("?filters%5Bcommon_name%5D=b.example.com").await, ["b.example.com"]);
    assert_eq!(names("?filters[domain_name]=shared.example.com&sort=order_id&limit=2").await.len(), 2);
    assert_eq!(names("?filters[search]=%25.org").await, ["c.example.org"]);
    let two = "?filters[common_name][0]=a.example.com&filters[common_name][1]=b.example.com&sort=order_id";
    assert_eq!(names(two).await, ["a.example.com", "b.example.com"]);
    assert_eq!(names("?sort=-order_id&offset=1&limit=1").await, ["b.example.com"]);
    assert!(names("?filters[status]=pending").await.is_empty());
    assert!(names("?filters[date_created]=%3E2090-01-01").await.is_empty());
    let page = client.get("/order/certificate?offset=2&limit=1").await["page"].clone();
    assert_eq!(page, json!({"total": 3, "limit": 1, "offset": 2}));
    let row = &client.get("/order/certificate").await["orders"][0];
    assert_eq!(row["certificate"].get("csr"), None);
}

#[tokio::test]
async fn status_changes_within_the_window_or_an_empty_object() {
    let client = Client::instant().await;
    let order = client.place(&["a.example.com"]).await;
    let changes = client.get("/order/certificate/status-changes?seconds=60").await;
    let row = json!({"order_id": order["id"], "certificate_id": order["certificate_id"], "status": "issued"});
    assert_eq!(changes, json!({"orders": [row]}));
    client.advance("2h").await;
    assert_eq!(client.get("/order/certificate/status-changes?minutes=60").await, json!({}));
}

#[tokio::test]
async fn account_products_and_organizations() {
    let client = Client::instant().await;
    assert_eq!(client.get("/account").await["id"], client.ready["digicert"]["accountId"]);
    let products = client.get("/product").await;
    let ids: Vec<&Value> = products["products"].as_array().unwrap().iter().map(|row| &row["name_id"]).collect();
    assert_eq!(json!(ids), client.ready["digicert"]["products"]);
    assert_eq!(client.get("/product/ssl_basic").await["validation_type"], "ov");
    let path = format!("/organization/{}", client.organization());
    assert_eq!(client.get(&path).await["validations"][0]["status"], "active");
    let validate = format!("/_sandbox/organizations/{}/validate", client.organization());
    client.silent("POST", &validate, json!({})).await;
    client.advance("396d").await;
    assert_eq!(client.get(&format!("{path}/validation")).await["validations"][0]["status"], "active");
    client.advance("1d").await;
    assert_eq!(client.get(&format!("{path}/validation")).await["validations"][0]["status"], "pending");
    let page = reqwest::get(client.url()).await.unwrap().text().await.unwrap();
    assert!(page.contains("<h2>Ledger</h2>"));
}

#[tokio::test]
async fn the_rate_limit_holds_for_each_key() {
    let mut client = Client::start(&["--rate-limit", "3/600"]).await;
    for _ in 0..3 {
        client.get("/user/me").await;
    }
    let answer = client.call("GET", "/user/me", None).await;
    assert_eq!(answer.error(), (429, "request_limit_exceeded".into()));
    client.key = client.ready["digicert"]["viewOnlyApiKey"].as_str().unwrap().into();
    client.get("/user/me").await;
}

#[tokio::test]
async fn the_csr_of_a_pending_order_can_be_replaced() {
    let client = Client::start(&["--dcv", "check"]).await;
    let order = client.place(&["www.example.com"]).await;
    let other = Key::rsa();
    let path = format!("/order/certificate/{}", order["id"]);
    client.silent("POST", &format!("{path}/csr"), json!({"csr": other.csr()})).await;
    assert_eq!(client.order_info(&order["id"]).await["certificate"]["csr"], other.csr());
    client.silent("PUT", &format!("{path}/resend-emails"), json!({})).await;
}
