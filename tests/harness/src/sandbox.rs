//! The sandbox CA in this process, and its side doors: ledger, clock, faults.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};
use evercert_sandbox::start::{Dcv, Options, Sandbox as Server};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;

#[derive(Clone, Debug, Default)]
pub struct SandboxOptions {
    /// Domains are looked up in the demo zones; otherwise they are believed at once.
    pub check_dcv: bool,
    /// Further arguments of the binary, e.g. `--rate-limit off`.
    pub args: Vec<String>,
}

/// Runs until dropped.
pub struct Sandbox {
    ready: Value,
    http: reqwest::Client,
    serving: JoinHandle<()>,
    _state: TempDir,
}

/// What the sandbox has accepted.
#[derive(Clone, Debug, Deserialize)]
pub struct Ledger {
    pub operations: Vec<Operation>,
    pub totals: Value,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    pub kind: String,
    pub paid: bool,
    pub order_id: Option<u64>,
    pub common_name: Option<String>,
    #[serde(default)]
    pub dns_names: Vec<String>,
    pub public_key_sha256: Option<String>,
    pub alternative_order_id: Option<String>,
    pub renewal_of: Option<u64>,
    pub comments: Option<String>,
}

impl Ledger {
    /// Operations for this common name, of one kind (`order`, `renew`, `reissue`, `revoke`, …).
    pub fn count(&self, kind: &str, common_name: &str) -> usize {
        let of_name = |operation: &&Operation| operation.common_name.as_deref() == Some(common_name);
        self.operations.iter().filter(of_name).filter(|operation| operation.kind == kind).count()
    }

    pub fn paid(&self, common_name: &str) -> usize {
        let of_name = |operation: &&Operation| operation.common_name.as_deref() == Some(common_name);
        self.operations.iter().filter(of_name).filter(|operation| operation.paid).count()
    }
}

impl Sandbox {
    pub async fn start(options: &SandboxOptions) -> Result<Self> {
        let state = tempfile::tempdir()?;
        let dcv = if options.check_dcv { Dcv::Check } else { Dcv::Instant };
        let mut parsed = Options::from_args(options.args.clone(), state.path().to_owned())?;
        parsed.listen = ([127, 0, 0, 1], 0).into();
        parsed.dcv = dcv;
        if !options.args.iter().any(|arg| arg == "--poll-seconds") {
            parsed.poll_seconds = 1;
        }
        let server = Server::start(parsed).await?;
        let ready = server.ready().clone();
        let serving = tokio::spawn(async move {
            if let Err(error) = server.serve().await {
                eprintln!("the sandbox ended: {error}");
            }
        });
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
        Ok(Self { ready, http, serving, _state: state })
    }

    /// The line of JSON that the binary prints when it is ready.
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    pub fn url(&self) -> &str {
        self.ready["url"].as_str().unwrap_or_default()
    }

    /// `host:port`.
    pub fn host(&self) -> &str {
        self.url().trim_start_matches("http://")
    }

    pub fn dns_address(&self) -> &str {
        self.ready["dns"]["address"].as_str().unwrap_or_default()
    }

    /// What the API answers to the first account's key.
    pub async fn api(&self, path: &str) -> Result<Value> {
        let call = self.http.get(format!("{}/services/v2/{path}", self.url()));
        Ok(self.authorized(call).send().await?.error_for_status()?.json().await?)
    }

    /// What an administrator of the first account does in the console.
    pub async fn put(&self, path: &str, body: &Value) -> Result<()> {
        let call = self.http.put(format!("{}/services/v2/{path}", self.url())).json(body);
        self.authorized(call).send().await?.error_for_status()?;
        Ok(())
    }

    fn authorized(&self, call: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        call.header("X-DC-DEVKEY", self.ready["digicert"]["apiKey"].as_str().unwrap_or_default())
    }

    pub async fn ledger(&self) -> Result<Ledger> {
        Ok(self.http.get(format!("{}/_sandbox/ledger", self.url())).send().await?.error_for_status()?.json().await?)
    }

    /// How often each call was made, as `GET /order/certificate/{id}`.
    pub async fn calls(&self) -> Result<BTreeMap<String, u64>> {
        let url = format!("{}/_sandbox/calls", self.url());
        let answer: Value = self.http.get(url).send().await?.error_for_status()?.json().await?;
        Ok(serde_json::from_value(answer["calls"].clone())?)
    }

    pub async fn forget_calls(&self) -> Result<()> {
        self.http.delete(format!("{}/_sandbox/calls", self.url())).send().await?.error_for_status()?;
        Ok(())
    }

    /// Moves the clock of the world by whole days.
    pub async fn advance_days(&self, days: u32) -> Result<()> {
        self.post("/_sandbox/clock", &json!({"advance": format!("{days}d")})).await.map(drop)
    }

    /// Sets the clock of the world, to a time in RFC 3339.
    pub async fn set_clock(&self, to: &str) -> Result<()> {
        self.post("/_sandbox/clock", &json!({"set": to})).await.map(drop)
    }

    pub async fn fault(&self, fault: &Value) -> Result<Value> {
        self.post("/_sandbox/faults", fault).await
    }

    pub async fn faults(&self) -> Result<Value> {
        Ok(self.http.get(format!("{}/_sandbox/faults", self.url())).send().await?.error_for_status()?.json().await?)
    }

    pub async fn clear_faults(&self) -> Result<()> {
        self.http.delete(format!("{}/_sandbox/faults", self.url())).send().await?.error_for_status()?;
        Ok(())
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let answer = self.http.post(format!("{}{path}", self.url())).json(body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        anyhow::ensure!(status.is_success(), "{path}: {status}: {text}");
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// The revocation list, DER.
    pub async fn crl(&self) -> Result<Vec<u8>> {
        let url = self.ready["crl"].as_str().context("no CRL")?;
        Ok(self.http.get(url).send().await?.error_for_status()?.bytes().await?.to_vec())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
