//! What somebody buys by hand: with a key and a CSR of their own, and the provider's API as anybody calls it.

use anyhow::{Context, Result, ensure};
use evercert::pki::{KeyKind, PrivateKey, SignatureHash, csr};
use harness::World;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// An order, and the key it is for.
pub struct Order {
    pub id: String,
    pub pem: String,
    pub chain: Option<String>,
}

/// Buys an order for these names; `changes` of its body.
pub async fn buy(world: &World, names: &[&str], changes: Value) -> Result<Order> {
    let key = PrivateKey::generate(KeyKind::EcdsaP256)?;
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let csr = csr::build(&key, Some(&names[0]), &names, SignatureHash::Sha256)?;
    let mut body = json!({
        "certificate": {"common_name": names[0], "dns_names": names, "csr": csr, "signature_hash": "sha256"},
        "organization": {"id": world.sandbox.ready()["digicert"]["organizationId"]},
        "order_validity": {"years": 1}, "dcv_method": "dns-txt-token", "skip_approval": true,
    });
    for (key, value) in changes.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    let answer = call(world, "POST", "order/certificate/ssl_basic", Some(&body)).await?;
    let answer: Value = serde_json::from_str(&answer)?;
    let id = answer["id"].as_u64().with_context(|| format!("no order: {answer}"))?.to_string();
    let order: Value = serde_json::from_str(&call(world, "GET", &format!("order/certificate/{id}"), None).await?)?;
    let chain = match order["status"] == "issued" {
        true => Some(
            call(world, "GET", &format!("certificate/{}/download/format/pem_all", order["certificate"]["id"]), None)
                .await?,
        ),
        false => None,
    };
    Ok(Order { id, pem: key.to_pkcs8_pem().expose_secret().to_owned(), chain })
}

pub async fn call(world: &World, method: &str, path: &str, body: Option<&Value>) -> Result<String> {
    let digicert = &world.sandbox.ready()["digicert"];
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
pub async fn keep(world: &World, name: &str, order: &Order) -> Result<Secret> {
    let secret: Value = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": name, "labels": {"tool": "theirs"}},
        "stringData": {"tls.crt": order.chain.clone().unwrap_or_default(), "tls.key": order.pem},
    });
    Ok(world.objects.secrets().create(&PostParams::default(), &serde_json::from_value(secret)?).await?)
}
