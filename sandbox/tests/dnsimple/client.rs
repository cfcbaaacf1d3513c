//! A sandbox of this test's own and a client that knows nothing but HTTP and DNS.

use hickory_proto::rr::RecordType;
use reqwest::header::HeaderMap;
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::{Value, json};

use crate::{
    names::Admin,
    server::{Server, TODAY},
};

pub struct Client {
    pub ready: Value,
    pub token: String,
    pub account: u64,
    http: reqwest::Client,
    _server: Option<Server>,
}

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

    /// Status and message of an error in the vendor's shape.
    pub fn error(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/json; charset=utf-8");
        (self.status, self.json()["message"].as_str().unwrap().to_owned())
    }
}

impl Client {
    /// Certificates are issued by the next request.
    pub async fn instant() -> Self {
        Self::start(&["--dcv", "instant"]).await
    }

    pub async fn start(arguments: &[&str]) -> Self {
        let server = Server::start(arguments).await;
        let mut client = Self::of(server.ready.clone());
        client._server = Some(server);
        client.admin("PUT", "/clock", json!({"set": format!("{TODAY}T12:00:00Z")})).await;
        client
    }

    /// A client of a sandbox that printed this.
    pub fn of(ready: Value) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let token = ready["dnsimple"]["token"].as_str().unwrap().to_owned();
        let account = ready["dnsimple"]["accountId"].as_u64().unwrap();
        Self { ready, token, account, http, _server: None }
    }

    /// `path` begins below the account, or at `/` below the version.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.try_call(method, path, body).await.unwrap()
    }

    pub async fn try_call(&self, method: &str, path: &str, body: Option<Value>) -> reqwest::Result<Answer> {
        let base = self.ready["dnsimple"]["url"].as_str().unwrap();
        let url = match path.strip_prefix('/') {
            Some(path) => format!("{base}/{path}"),
            None => format!("{base}/{}/{path}", self.account),
        };
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(&self.token);
        answer(match body {
            Some(body) => request.json(&body),
            None => request.header("content-type", "application/json"),
        })
        .await
    }

    pub async fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        let url = format!("{}/_sandbox{path}", self.ready["url"].as_str().unwrap());
        let answer = answer(self.http.request(method.parse().unwrap(), url).json(&body)).await.unwrap();
        assert!(answer.status < 300, "{path}: {answer:?}");
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    pub async fn settings(&self, settings: Value) {
        self.admin("POST", &format!("/dnsimple/accounts/{}", self.account), json!({"settings": settings})).await;
    }

    pub async fn zone(&self, change: Value) {
        self.admin("POST", "/dnsimple/zones/example.com", change).await;
    }

    pub async fn fault(&self, fault: Value) {
        self.admin("POST", "/faults", fault).await;
    }

    pub async fn advance(&self, span: &str) {
        self.admin("POST", "/clock", json!({"advance": span})).await;
    }

    /// The `data` of an answer with this status.
    pub async fn data(&self, status: u16, method: &str, path: &str, body: Option<Value>) -> Value {
        let answer = self.call(method, path, body).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        answer.json()["data"].take()
    }

    pub async fn get(&self, path: &str) -> Value {
        self.data(200, "GET", path, None).await
    }

    pub async fn record(&self, name: &str, record_type: &str, content: &str) -> Value {
        let body = json!({"name": name, "type": record_type, "content": content});
        self.data(201, "POST", "zones/example.com/records", Some(body)).await
    }

    /// What the name server says.
    pub async fn dns(&self, name: &str, record_type: RecordType) -> Vec<String> {
        let address = self.ready["dns"]["address"].as_str().unwrap().parse().unwrap();
        Admin::at(address, None).query(name, record_type).await
    }

    /// Purchases and issues; answers the id.
    pub async fn certificate(&self, purchase: Value) -> u64 {
        let purchase = self.data(201, "POST", "domains/example.com/certificates/letsencrypt", Some(purchase)).await;
        let id = purchase["certificate_id"].as_u64().unwrap();
        let path = format!("domains/example.com/certificates/letsencrypt/{id}/issue");
        assert_eq!(self.data(202, "POST", &path, None).await["state"], "requesting");
        id
    }

    pub async fn show(&self, id: u64) -> Value {
        self.get(&format!("domains/example.com/certificates/{id}")).await
    }

    pub async fn leaf(&self, id: u64) -> Leaf {
        leaf(self.get(&format!("domains/example.com/certificates/{id}/download")).await["server"].as_str().unwrap())
    }

    /// PEM
    pub async fn private_key(&self, id: u64) -> String {
        let data = self.get(&format!("domains/example.com/certificates/{id}/private_key")).await;
        data["private_key"].as_str().unwrap().to_owned()
    }

    pub async fn crl_serials(&self) -> Vec<String> {
        let crl = self.http.get(self.ready["crl"].as_str().unwrap()).send().await.unwrap().bytes().await.unwrap();
        let (_, crl) = x509_parser::parse_x509_crl(&crl).unwrap();
        crl.iter_revoked_certificates().map(|row| hex(row.raw_serial())).collect()
    }

    /// The kinds of accepted operations, in order, and whether each was paid.
    pub async fn operations(&self) -> Vec<(String, bool)> {
        let ledger = self.admin("GET", "/ledger", Value::Null).await;
        let rows = ledger["operations"].as_array().unwrap();
        rows.iter().map(|row| (row["kind"].as_str().unwrap().to_owned(), row["paid"].as_bool().unwrap())).collect()
    }
}

async fn answer(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer { status, headers, body: response.bytes().await?.to_vec() })
}

/// What a leaf says.
#[derive(Debug)]
pub struct Leaf {
    pub spki: Vec<u8>,
    pub names: Vec<String>,
    pub common_name: String,
    pub not_after: String,
    pub serial: String,
}

pub fn leaf(pem: &str) -> Leaf {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
    let san = certificate.subject_alternative_name().unwrap().unwrap();
    let names = san.value.general_names.iter().map(|name| match name {
        x509_parser::extensions::GeneralName::DNSName(name) => (*name).to_owned(),
        other => panic!("{other:?}"),
    });
    Leaf {
        spki: certificate.public_key().raw.to_vec(),
        names: names.collect(),
        common_name: certificate.subject().iter_common_name().next().unwrap().as_str().unwrap().to_owned(),
        not_after: certificate.validity().not_after.to_datetime().date().to_string(),
        serial: hex(certificate.raw_serial()),
    }
}

fn hex(serial: &[u8]) -> String {
    serial.iter().map(|byte| format!("{byte:02X}")).collect()
}
