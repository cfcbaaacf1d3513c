//! A sandbox of this test's own and a client that knows nothing but HTTP.

use rcgen::{CertificateParams, KeyPair, PublicKeyData, RsaKeySize};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::{Value, json};

use crate::server::{Server, TODAY};

pub struct Client {
    pub ready: Value,
    pub key: String,
    http: reqwest::Client,
    _server: Option<Server>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: Option<String>,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Status and code of an error in the vendor's shape.
    pub fn error(&self) -> (u16, String) {
        assert_eq!(self.content_type.as_deref(), Some("application/json"));
        let body = self.json();
        assert!(!body["errors"][0]["message"].as_str().unwrap().is_empty());
        (self.status, body["errors"][0]["code"].as_str().unwrap().to_owned())
    }
}

impl Client {
    /// Every name is believed.
    pub async fn instant() -> Self {
        Self::start(&["--dcv", "instant"]).await
    }

    pub async fn start(arguments: &[&str]) -> Self {
        let server = Server::start(arguments).await;
        let ready = server.ready.clone();
        Self { _server: Some(server), ..Self::of(ready) }
    }

    /// A client of a sandbox that printed this.
    pub fn of(ready: Value) -> Self {
        let key = ready["digicert"]["apiKey"].as_str().unwrap().to_owned();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { ready, key, http, _server: None }
    }

    pub fn url(&self) -> &str {
        self.ready["url"].as_str().unwrap()
    }

    pub fn organization(&self) -> &Value {
        &self.ready["digicert"]["organizationId"]
    }

    pub async fn try_call(&self, method: &str, path: &str, body: Option<Value>) -> Result<Answer, reqwest::Error> {
        let path = if path.starts_with("/_sandbox") { path.to_owned() } else { format!("/services/v2{path}") };
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url()));
        request = request.header("X-DC-DEVKEY", &self.key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let content_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        Ok(Answer { status, content_type, text: response.text().await? })
    }

    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.try_call(method, path, body).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, None).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.call("POST", path, Some(body)).await;
        assert!([200, 201].contains(&answer.status), "{path}: {answer:?}");
        answer.json()
    }

    /// A PUT or POST that answers nothing.
    pub async fn silent(&self, method: &str, path: &str, body: Value) {
        let answer = self.call(method, path, Some(body)).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{path}");
    }

    pub async fn download(&self, certificate: &Value, format: &str) -> Answer {
        self.call("GET", &format!("/certificate/{certificate}/download/format/{format}"), None).await
    }

    pub async fn advance(&self, span: &str) {
        self.post("/_sandbox/clock", json!({"advance": span})).await;
    }

    pub async fn order_info(&self, order: &Value) -> Value {
        self.get(&format!("/order/certificate/{order}")).await
    }

    /// The kinds of accepted operations, in order.
    pub async fn operations(&self) -> Vec<String> {
        let ledger = self.get("/_sandbox/ledger").await;
        let rows = ledger["operations"].as_array().unwrap();
        rows.iter().map(|row| row["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// An OV order that skips approval.
    pub fn order(&self, names: &[&str], csr: &str) -> Value {
        json!({
            "certificate": {"common_name": names[0], "dns_names": names, "csr": csr, "signature_hash": "sha256"},
            "order_validity": {"years": 1},
            "organization": {"id": self.organization()},
            "dcv_method": "dns-txt-token",
            "skip_approval": true,
        })
    }

    /// Places that order and answers what came back.
    pub async fn place(&self, names: &[&str]) -> Value {
        self.post("/order/certificate/ssl_basic", self.order(names, &Key::ecdsa().csr())).await
    }

    pub async fn crl_serials(&self) -> Vec<String> {
        let crl = self.http.get(self.ready["crl"].as_str().unwrap()).send().await.unwrap();
        let crl = crl.bytes().await.unwrap();
        let (_, crl) = x509_parser::parse_x509_crl(&crl).unwrap();
        let intermediate = self.intermediate().await;
        let (_, intermediate) = x509_parser::parse_x509_certificate(&intermediate).unwrap();
        crl.verify_signature(intermediate.public_key()).unwrap();
        let serials = crl.iter_revoked_certificates();
        serials.map(|row| row.raw_serial().iter().map(|byte| format!("{byte:02X}")).collect()).collect()
    }

    async fn intermediate(&self) -> Vec<u8> {
        let order = self.place(&["crl.example.com"]).await;
        pem_blocks(order["certificate_chain"][1]["pem"].as_str().unwrap()).remove(0)
    }
}

/// A key as its CSR and its DER SubjectPublicKeyInfo.
pub struct Key {
    csr: String,
    spki: Vec<u8>,
}

impl Key {
    pub fn ecdsa() -> Self {
        Self::of(KeyPair::generate().unwrap())
    }

    pub fn rsa() -> Self {
        Self::of(KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap())
    }

    fn of(key: KeyPair) -> Self {
        let csr = CertificateParams::default().serialize_request(&key).unwrap();
        Self { csr: csr.pem().unwrap(), spki: key.subject_public_key_info() }
    }

    pub fn csr(&self) -> String {
        self.csr.clone()
    }

    pub fn spki(&self) -> Vec<u8> {
        self.spki.clone()
    }
}

/// DER of every certificate in a PEM text.
pub fn pem_blocks(pem: &str) -> Vec<Vec<u8>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).map(|der| der.unwrap().to_vec()).collect()
}

/// What a leaf says.
#[derive(Debug)]
pub struct Leaf {
    pub spki: Vec<u8>,
    pub names: Vec<String>,
    pub not_after: String,
}

/// Reads the first certificate of a PEM text.
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
        not_after: certificate.validity().not_after.to_datetime().to_string(),
    }
}

/// Days after `TODAY`, as the API writes them.
pub fn today_plus(days: i64) -> String {
    use jiff::{ToSpan, civil::Date};
    let today: Date = TODAY.parse().unwrap();
    (today + days.days()).to_string()
}
