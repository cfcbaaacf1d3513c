//! Answers over HTTP, and what stands in a certificate.

use reqwest::header::HeaderMap;
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::Value;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub async fn answer(request: reqwest::RequestBuilder) -> Answer {
    try_answer(request).await.unwrap()
}

pub async fn try_answer(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer { status, headers, body: response.bytes().await?.to_vec() })
}

/// A call of what only the sandbox has, below `/_sandbox`.
pub async fn admin(http: &reqwest::Client, ready: &Value, method: &str, path: &str, body: Value) -> Value {
    let url = format!("{}/_sandbox{path}", ready["url"].as_str().unwrap());
    let answer = answer(http.request(method.parse().unwrap(), url).json(&body)).await;
    assert!(answer.status < 300, "{path}: {answer:?}");
    if answer.body.is_empty() { Value::Null } else { answer.json() }
}

/// The kinds of accepted operations, in order, and whether each was paid.
pub async fn operations(http: &reqwest::Client, ready: &Value) -> Vec<(String, bool)> {
    let ledger = admin(http, ready, "GET", "/ledger", Value::Null).await;
    let rows = ledger["operations"].as_array().unwrap();
    rows.iter().map(|row| (row["kind"].as_str().unwrap().to_owned(), row["paid"].as_bool().unwrap())).collect()
}

/// Hex, upper case.
pub async fn crl_serials(http: &reqwest::Client, ready: &Value) -> Vec<String> {
    let crl = http.get(ready["crl"].as_str().unwrap()).send().await.unwrap().bytes().await.unwrap();
    let (_, crl) = x509_parser::parse_x509_crl(&crl).unwrap();
    let serials = crl.iter_revoked_certificates();
    serials.map(|row| row.raw_serial().iter().map(|byte| format!("{byte:02X}")).collect()).collect()
}

/// What a leaf says.
#[derive(Debug)]
pub struct Leaf {
    pub spki: Vec<u8>,
    pub names: Vec<String>,
    pub subject: String,
    pub not_after: String,
    /// `AB:CD:…`
    pub serial: String,
}

pub fn pem_blocks(pem: &str) -> Vec<Vec<u8>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).map(|der| der.unwrap().to_vec()).collect()
}

/// Of the first certificate.
pub fn leaf(pem: &str) -> Leaf {
    let der = pem_blocks(pem).remove(0);
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
    let san = certificate.subject_alternative_name().unwrap().unwrap();
    let names = san.value.general_names.iter().map(|name| match name {
        x509_parser::extensions::GeneralName::DNSName(name) => (*name).to_owned(),
        other => panic!("{other:?}"),
    });
    Leaf {
        spki: certificate.public_key().raw.to_vec(),
        names: names.collect(),
        subject: certificate.subject().to_string(),
        not_after: certificate.validity().not_after.to_datetime().date().to_string(),
        serial: certificate.raw_serial_as_string().to_uppercase(),
    }
}
