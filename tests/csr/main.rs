//! A certificate for a key that Evercert never sees, on a real API server and the sandbox CA: only its CSR is there.

mod adopted;
mod life;
mod switched;
mod unusable;

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use evercert::pki::{KeyKind, Leaf, PrivateKey, SignatureHash, csr};
use harness::{Objects, World, common_name, condition};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

/// Somebody else's key, e.g. an appliance's.
struct Holder(PrivateKey);

impl Holder {
    fn new() -> Result<Self> {
        Ok(Self(PrivateKey::generate(KeyKind::EcdsaP256)?))
    }

    fn public_key(&self) -> String {
        self.0.public_key_sha256()
    }

    /// Its names are the holder's own business.
    fn csr(&self) -> Result<String> {
        Ok(csr::build(&self.0, Some("hsm.example.com"), &[], SignatureHash::Sha256)?)
    }
}

/// Puts a CSR into the Secret `<name>-csr`, which Evercert is to follow.
async fn give(objects: &Objects, name: &str, csr: &str) -> Result<()> {
    let secret: Value = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": format!("{name}-csr"), "labels": {"evercert.dev/managed": "true"}},
        "stringData": {"tls.csr": csr},
    });
    let (api, name) = (objects.secrets(), format!("{name}-csr"));
    if api.get_opt(&name).await?.is_some() {
        api.patch(&name, &PatchParams::default(), &Patch::Merge(&secret)).await?;
    } else {
        api.create(&PostParams::default(), &serde_json::from_value(secret)?).await?;
    }
    Ok(())
}

/// A Certificate for `<name>.example.com` by the CSR in Secret `<name>-csr`.
async fn ask(objects: &Objects, name: &str, changes: Value) -> Result<()> {
    let mut spec = json!({
        "issuerRef": {"name": "digicert"}, "secretName": format!("{name}-tls"), "dnsNames": [common_name(name)],
        "csrSecretRef": {"name": format!("{name}-csr"), "key": "tls.csr"},
    });
    for (key, value) in changes.as_object().context("an object of changes")? {
        spec[key] = value.clone();
    }
    objects.create("Certificate", name, spec).await.map(drop)
}

/// Waits until a person is asked for this reason, and returns the message.
async fn required(objects: &Objects, name: &str, reason: &str) -> Result<String> {
    let so = |object: &Value| condition(object, "ActionRequired").is_some_and(|asked| asked["reason"] == reason);
    let object = objects.until("Certificate", name, &format!("a person is asked: {reason}"), so).await?;
    let message = condition(&object, "ActionRequired").and_then(|asked| asked["message"].as_str());
    Ok(message.unwrap_or_default().to_owned())
}

/// The certificate in a Secret, which holds no key.
async fn certificate(objects: &Objects, secret: &str) -> Result<Leaf> {
    let secret = objects.secret(secret).await?.context("no Secret")?;
    ensure!(secret.type_.as_deref() == Some("Opaque"), "it is of type {:?}", secret.type_);
    let data = secret.data.clone().unwrap_or_default();
    ensure!(data.keys().eq(["ca.crt", "tls.crt"]), "it holds {:?}", data.keys());
    leaf(&secret)
}

fn leaf(secret: &Secret) -> Result<Leaf> {
    let data = secret.data.as_ref().context("no data")?;
    Ok(Leaf::from_pem(std::str::from_utf8(&data["tls.crt"].0)?)?)
}

/// What the CA has accepted for `<name>.example.com`, counted by kind.
async fn accepted(world: &World, name: &str) -> Result<BTreeMap<String, usize>> {
    let mut counts = BTreeMap::new();
    for operation in world.sandbox.ledger().await?.operations {
        if operation.common_name == Some(common_name(name)) {
            *counts.entry(operation.kind).or_default() += 1;
        }
    }
    Ok(counts)
}

/// One order was bought and so many certificates reissued on it, and nothing else was asked for.
async fn cost(world: &World, name: &str, reissues: usize) -> Result<()> {
    let mut counts = accepted(world, name).await?;
    counts.remove("revoke");
    let expected: BTreeMap<String, usize> = [("order", 1), ("reissue", reissues)]
        .into_iter()
        .filter(|(_, n)| *n > 0)
        .map(|(k, n)| (k.to_owned(), n))
        .collect();
    ensure!(counts == expected, "{name}: {counts:?}");
    Ok(())
}
