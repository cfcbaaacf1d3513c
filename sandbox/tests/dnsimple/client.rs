//! A sandbox of this test's own and a client that knows nothing but HTTP and DNS.

use hickory_proto::rr::RecordType;
use serde_json::{Value, json};

use crate::{
    http::{self, Answer, Leaf, leaf, try_answer},
    names::Admin,
    server::Server,
};

pub struct Client {
    pub ready: Value,
    pub token: String,
    pub account: u64,
    http: reqwest::Client,
    _server: Option<Server>,
}

impl Answer {
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
        let ready = server.ready.clone();
        Self { _server: Some(server), ..Self::of(ready) }
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
        try_answer(match body {
            Some(body) => request.json(&body),
            None => request.header("content-type", "application/json"),
        })
        .await
    }

    pub async fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        http::admin(&self.http, &self.ready, method, path, body).await
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
        http::crl_serials(&self.http, &self.ready).await
    }

    /// The kinds of accepted operations, in order, and whether each was paid.
    pub async fn operations(&self) -> Vec<(String, bool)> {
        http::operations(&self.http, &self.ready).await
    }
}
