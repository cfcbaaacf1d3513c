//! What somebody buys by hand: with a key and a CSR of their own, and the provider's API as anybody calls it.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};

use crate::{Objects, Sandbox};

/// An order, and the key it is for.
pub struct Order {
    pub id: String,
    pub pem: String,
    /// Once it is issued.
    pub chain: Option<String>,
}

/// Buys an order for these names; `changes` of its body.
pub async fn buy(sandbox: &Sandbox, names: &[&str], changes: Value) -> Result<Order> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())?;
    params.distinguished_name.push(DnType::CommonName, names[0]);
    let csr = params.serialize_request(&key)?.pem()?;
    let mut body = json!({
        "certificate": {"common_name": names[0], "dns_names": names, "csr": csr, "signature_hash": "sha256"},
        "organization": {"id": sandbox.ready()["digicert"]["organizationId"]},
        "order_validity": {"years": 1}, "dcv_method": "dns-txt-token", "skip_approval": true,
    });
    for (key, value) in changes.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    let answer = call(sandbox, "POST", "order/certificate/ssl_basic", Some(&body)).await?;
    let answer: Value = serde_json::from_str(&answer)?;
    let id = answer["id"].as_u64().with_context(|| format!("no order: {answer}"))?.to_string();
    let mut order = Order { id, pem: key.serialize_pem(), chain: None };
    order.collect(sandbox).await?;
    Ok(order)
}

impl Order {
    /// Downloads the chain, if it is issued.
    pub async fn collect(&mut self, sandbox: &Sandbox) -> Result<()> {
        let order = call(sandbox, "GET", &format!("order/certificate/{}", self.id), None).await?;
        let order: Value = serde_json::from_str(&order)?;
        if order["status"] == "issued" {
            let download = format!("certificate/{}/download/format/pem_all", order["certificate"]["id"]);
            self.chain = Some(call(sandbox, "GET", &download, None).await?);
        }
        Ok(())
    }
}

/// A call with the account's key, in success.
pub async fn call(sandbox: &Sandbox, method: &str, path: &str, body: Option<&Value>) -> Result<String> {
    let digicert = &sandbox.ready()["digicert"];
    let (url, key) = (digicert["url"].as_str().context("no URL")?, digicert["apiKey"].as_str().context("no key")?);
    let client = reqwest::Client::builder().no_proxy().build()?;
    let request = client.request(method.parse()?, format!("{url}/{path}")).header("X-DC-DEVKEY", key);
    let answer = match body {
        Some(body) => request.json(body).send().await?,
        None => request.send().await?,
    };
    let (status, text) = (answer.status(), answer.text().await?);
    ensure!(status.is_success(), "{method} {path}: {status}: {text}");
    Ok(text)
}

/// Puts what was bought into a Secret, as another tool does.
pub async fn keep(objects: &Objects, name: &str, order: &Order) -> Result<Secret> {
    let secret: Value = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": name, "labels": {"tool": "theirs"}},
        "stringData": {"tls.crt": order.chain.clone().unwrap_or_default(), "tls.key": order.pem},
    });
    Ok(objects.secrets().create(&PostParams::default(), &serde_json::from_value(secret)?).await?)
}
