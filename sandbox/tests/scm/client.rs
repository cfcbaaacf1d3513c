//! A sandbox of this test's own and a client that knows nothing but HTTP.

use std::sync::OnceLock;

use rcgen::{CertificateParams, DnType, KeyPair, PublicKeyData, RsaKeySize};
use serde_json::{Value, json};

pub use crate::http::{Answer, Leaf, leaf, pem_blocks};
use crate::{
    http::{self, answer, try_answer},
    server::Server,
};

pub struct Client {
    /// What the sandbox says of the customer that this client belongs to.
    pub scm: Value,
    pub ready: Value,
    /// `v1` or `v2`.
    pub version: &'static str,
    http: reqwest::Client,
    _server: Option<Server>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// Status and code of an error in the vendor's shape.
    pub fn error(&self) -> (u16, i64) {
        assert_eq!(self.header("content-type"), "application/json");
        let body = self.json();
        assert!(!body["description"].as_str().unwrap().is_empty());
        (self.status, body["code"].as_i64().unwrap())
    }
}

impl Client {
    /// Every name is believed; domains are not validated ahead.
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
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { scm: ready["sectigo"].clone(), ready, version: "v1", http, _server: None }
    }

    /// A value of the line of JSON.
    pub fn text(&self, name: &str) -> &str {
        self.scm[name].as_str().unwrap()
    }

    /// Belongs to the customer whose domains are validated ahead.
    pub fn prevalidated(mut self) -> Self {
        self.scm = self.ready["sectigo"]["prevalidated"].clone();
        self
    }

    pub fn v2(mut self) -> Self {
        self.version = "v2";
        self
    }

    /// With the password; `path` begins below `/api`, or at `ssl/` without its version.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call_as(&self.password(), method, path, body).await
    }

    pub fn password(&self) -> [(&'static str, String); 3] {
        let text = |name: &str| self.scm[name].as_str().unwrap().to_owned();
        [("login", text("login")), ("password", text("password")), ("customerUri", text("customerUri"))]
    }

    /// With the password too.
    pub async fn upload(&self, path: &str, content_type: &str, body: Vec<u8>) -> Answer {
        let request = self.http.post(self.url(path)).header("content-type", content_type).body(body);
        answer(self.password().iter().fold(request, |request, (name, value)| request.header(*name, value))).await
    }

    fn url(&self, path: &str) -> String {
        let path = match path.strip_prefix("ssl") {
            Some(rest) => format!("/ssl/{}{rest}", self.version),
            None => path.to_owned(),
        };
        format!("{}{path}", self.scm["url"].as_str().unwrap())
    }

    pub async fn try_call(&self, method: &str, path: &str, body: Option<Value>) -> reqwest::Result<Answer> {
        try_answer(self.request(&self.password(), method, path, body)).await
    }

    pub async fn call_as(&self, headers: &[(&str, String)], method: &str, path: &str, body: Option<Value>) -> Answer {
        answer(self.request(headers, method, path, body)).await
    }

    fn request(
        &self,
        headers: &[(&str, String)],
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::RequestBuilder {
        let mut request = self.http.request(method.parse().unwrap(), self.url(path));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request
    }

    pub async fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        http::admin(&self.http, &self.ready, method, path, body).await
    }

    pub async fn settings(&self, settings: Value) {
        let path = format!("/scm/customers/{}", self.scm["customerId"]);
        self.admin("POST", &path, json!({"settings": settings})).await;
    }

    pub async fn fault(&self, fault: Value) {
        self.admin("POST", "/faults", fault).await;
    }

    pub async fn advance(&self, span: &str) {
        self.admin("POST", "/clock", json!({"advance": span})).await;
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, None).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.call("POST", path, Some(body)).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    /// A call that answers 204 and nothing.
    pub async fn silent(&self, method: &str, path: &str, body: Value) {
        let answer = self.call(method, path, Some(body)).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{path}: {answer:?}");
    }

    /// Status and code of a POST that is refused.
    pub async fn refused(&self, path: &str, body: Value) -> (u16, i64) {
        self.call("POST", path, Some(body)).await.error()
    }

    pub fn enrolment(&self, names: &[&str], csr: &str) -> Value {
        json!({
            "orgId": self.scm["orgId"], "csr": csr, "certType": self.scm["profileId"], "term": 90,
            "subjAltNames": names.join(","), "comments": "made by a test", "dcvMode": "CNAME",
        })
    }

    /// Enrols for these names and answers the id.
    pub async fn enroll(&self, names: &[&str]) -> u64 {
        let csr = Key::new(names[0]).csr;
        self.post("ssl/enroll", self.enrolment(names, &csr)).await["sslId"].as_u64().unwrap()
    }

    pub async fn details(&self, id: u64) -> Value {
        self.get(&format!("ssl/{id}")).await
    }

    pub async fn collect(&self, id: u64, format: &str) -> Answer {
        self.call("GET", &format!("ssl/collect/{id}?format={format}"), None).await
    }

    /// The leaf that is collected.
    pub async fn leaf(&self, id: u64) -> Leaf {
        leaf(&self.collect(id, "x509CO").await.text())
    }

    /// The kinds of accepted operations, in order, and whether each was paid.
    pub async fn operations(&self) -> Vec<(String, bool)> {
        http::operations(&self.http, &self.ready).await
    }

    pub async fn crl_serials(&self) -> Vec<String> {
        http::crl_serials(&self.http, &self.ready).await
    }

    /// A form, as the token server takes it.
    pub async fn token(&self, form: &[(&str, &str)]) -> Answer {
        let body = form.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        let request = self.http.post(self.scm["tokenUrl"].as_str().unwrap()).body(body);
        answer(request.header("content-type", "application/x-www-form-urlencoded")).await
    }
}

pub struct Key {
    pub csr: String,
    pub spki: Vec<u8>,
}

impl Key {
    pub fn new(common_name: &str) -> Self {
        Self::of(KeyPair::generate().unwrap(), common_name)
    }

    /// The same RSA key each time: they are slow to make.
    pub fn rsa(common_name: &str) -> Self {
        static KEY: OnceLock<String> = OnceLock::new();
        let pem = KEY.get_or_init(|| {
            KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap().serialize_pem()
        });
        Self::of(KeyPair::from_pem(pem).unwrap(), common_name)
    }

    fn of(key: KeyPair, common_name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        if !common_name.is_empty() {
            params.distinguished_name.push(DnType::CommonName, common_name);
        }
        let csr = params.serialize_request(&key).unwrap();
        Self { csr: csr.pem().unwrap(), spki: key.subject_public_key_info() }
    }
}

/// Subject common names, in order.
pub fn subjects(pem: &str) -> Vec<String> {
    let name = |der: &Vec<u8>| {
        let (_, certificate) = x509_parser::parse_x509_certificate(der).unwrap();
        certificate.subject().iter_common_name().next().unwrap().as_str().unwrap().to_owned()
    };
    pem_blocks(pem).iter().map(name).collect()
}
