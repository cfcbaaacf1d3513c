use std::io::{Cursor, Write};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::client::{Client, Key};

/// Somebody else's certificate.
fn foreign(name: &str) -> rcgen::Certificate {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap()
}

/// As the part `file` of a form whose boundary is `line`.
pub fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let packed = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in files {
        zip.start_file(*name, packed).unwrap();
        zip.write_all(content).unwrap();
    }
    let head = "--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"certs.zip\"\r\n\r\n";
    [head.as_bytes(), &zip.finish().unwrap().into_inner(), b"\r\n--line--\r\n"].concat()
}

#[tokio::test]
async fn a_list_says_of_each_whether_it_is_new() {
    let client = Client::instant().await.v2();
    let cert = STANDARD.encode(foreign("other.test").der());
    let row = |more: Value| {
        let mut row = json!({"orgID": client.scm["orgId"], "cert": cert, "comments": "found", "backendCertId": "x7"});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    let broken = row(json!({"cert": "AAAA"}));
    let unknown = row(json!({"customFields": [{"name": "none", "value": "x"}]}));
    let answer =
        client.call("POST", "ssl/import", Some(json!([row(json!({})), row(json!({})), broken, unknown]))).await;
    let rows = answer.json();
    assert_eq!((&rows[0]["created"], &rows[1]["created"]), (&json!(true), &json!(false)));
    assert_eq!(rows[0]["cert"], rows[1]["cert"]);
    assert!(rows[2]["errorMessage"].is_string() && rows[2].get("cert").is_none(), "{rows}");
    assert_eq!(rows[3]["errorMessage"], "Custom field cannot be found.");

    let id = rows[0]["cert"]["id"].as_u64().unwrap();
    let details = client.details(id).await;
    assert_eq!((&details["commonName"], &details["requestedVia"]), (&json!("other.test"), &json!("Imported")));
    assert_eq!((&details["comments"], &details["status"]), (&json!("found"), &json!("Issued")));
    assert_eq!(client.refused(&format!("ssl/revoke/{id}"), json!({"reason": "a test"})).await, (400, -3));
    client.silent("DELETE", &format!("ssl/{id}"), json!({})).await;
    assert_eq!(client.call("GET", &format!("ssl/{id}"), None).await.error(), (404, -5101));
    let enrolled = client.enroll(&["www.example.com"]).await;
    assert_eq!(client.call("DELETE", &format!("ssl/{enrolled}"), None).await.error(), (400, -3));
    assert_eq!(client.operations().await.len(), 1, "nothing of this is bought");
}

#[tokio::test]
async fn an_archive_is_unpacked() {
    let client = Client::instant().await;
    let certificate = foreign("other.test");
    let body = archive(&[
        ("one.pem", certificate.pem().as_bytes()),
        ("two.cer", certificate.der()),
        ("three.crt", b"rubbish"),
        ("four.p12", b""),
    ]);
    let path = format!("ssl/import?orgId={}", client.scm["orgId"]);
    let answer = client.upload(&path, "multipart/form-data; boundary=line", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let report = answer.json();
    assert_eq!(report["processedCount"], 4);
    let errors: Vec<&str> = report["errors"].as_array().unwrap().iter().map(|error| error.as_str().unwrap()).collect();
    assert_eq!(errors[0], "[two.cer] - SSL certificate already exists. Order number: N/A");
    assert!(errors[1].starts_with("three.crt - Failed to parse certificate"), "{errors:?}");
    assert_eq!(errors[2..], ["four.p12 - Unsupported file extension"]);
}

#[tokio::test]
async fn a_key_that_scm_makes_stays_with_its_agent() {
    let client = Client::instant().await;
    let body = |more: Value| {
        let mut body = client.enrolment(&["b.example.com"], "");
        body.as_object_mut().unwrap().remove("csr");
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let phrase =
        json!({"commonName": "a.example.com", "passPhrase": "correct horse", "algorithm": "EC", "keyParam": "P-384"});
    let id = client.post("ssl/enroll-keygen", body(phrase)).await["sslId"].as_u64().unwrap();
    let details = client.details(id).await;
    assert_eq!((&details["keyType"], &details["commonName"]), (&json!("EC - P-384"), &json!("a.example.com")));
    assert_eq!(client.leaf(id).await.names, ["a.example.com", "b.example.com"]);
    for (more, code) in [
        (json!({}), -7),
        (json!({"commonName": "a.example.com", "passPhrase": "short"}), -1601),
        (json!({"commonName": "a.example.com", "passPhrase": "long enough", "keyParam": "512"}), -1601),
        (json!({"commonName": "a.example.com", "keyGenerationMethod": "AZURE_KEY_VAULT"}), -7),
    ] {
        assert_eq!(client.refused("ssl/enroll-keygen", body(more.clone())).await, (400, code), "{more}");
    }
    let link = client.get(&format!("ssl/keystore/{id}/p12")).await["link"].clone();
    assert!(link.as_str().unwrap().ends_with("&keyformat=p12"), "{link}");
    let v2 = client.v2();
    let passphrase = json!({"passphrase": "secret"});
    assert!(v2.post(&format!("ssl/keystore/{id}/jks"), passphrase.clone()).await["link"].is_string());
    assert_eq!(v2.refused(&format!("ssl/keystore/{id}/doc"), passphrase.clone()).await, (400, -1450));
    let own =
        v2.post("ssl/enroll", v2.enrolment(&["c.example.com"], &Key::new("c.example.com").csr)).await["sslId"].clone();
    assert_eq!(v2.refused(&format!("ssl/keystore/{own}/p12"), passphrase).await, (400, -166));
}
