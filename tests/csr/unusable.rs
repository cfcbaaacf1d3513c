//! A CSR that is missing or no good: one condition, no call to the CA, and on it goes once it is mended.

use anyhow::{Result, ensure};
use evercert::pki::{KeyKind, PrivateKey};
use harness::{World, WorldOptions, condition};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::{Holder, ask, certificate, cost, give, required};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_usable_csr_nothing_is_asked_for_until_it_is_mended() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    let private = PrivateKey::generate(KeyKind::EcdsaP256)?.to_pkcs8_pem();
    let (private, holder) = (private.expose_secret(), Holder::new()?);
    let good = holder.csr()?;
    let cases = [
        ("missing", None, "does not exist"),
        ("unwatched", None, "does not exist"),
        ("garbled", Some("-----BEGIN CERTIFICATE REQUEST-----\n".to_owned()), "not a certificate signing request"),
        ("cut", Some(good[..good.len() / 2].to_owned()), "not a certificate signing request"),
        ("private", Some(private.to_owned()), "not a certificate signing request"),
        ("both", Some(format!("{private}{good}")), "2 PEM blocks"),
        ("unsigned", Some(with_another_name(&good)?), "not signed by its own key"),
    ];
    world.sandbox.forget_calls().await?;
    for (name, csr, _) in &cases {
        if let Some(csr) = csr {
            give(objects, name, csr).await?;
        }
        ask(objects, name, json!({})).await?;
    }
    ask(objects, "nokey", json!({"csrSecretRef": {"name": "cut-csr", "key": "csr.pem"}})).await?;
    for (name, words) in cases.iter().map(|(name, _, words)| (*name, *words)).chain([("nokey", "has no key csr.pem")]) {
        let told = required(objects, name, "CsrUnusable").await?;
        ensure!(told.contains(words), "{name}: {told}");
        ensure!(private.lines().all(|line| !told.contains(line)), "{name} tells a secret");
        let object = objects.get("Certificate", name).await?;
        let stalled = condition(&object, "Stalled").is_some_and(|stalled| stalled["status"] == "True");
        ensure!(stalled && condition(&object, "Ready").is_some_and(|ready| ready["reason"] == "CsrUnusable"));
    }
    ensure!(objects.names("Issuance").await?.is_empty(), "nothing is begun");
    let calls = world.sandbox.calls().await?;
    ensure!(calls.keys().all(|call| !call.contains("order/certificate")), "{calls:?}");

    objects.create_secret("unwatched-csr", "tls.csr", &good).await?;
    for (name, ..) in cases.iter().filter(|(name, ..)| *name != "unwatched") {
        give(objects, name, &good).await?;
        objects.until_ready(name, 1).await?;
        ensure!(certificate(objects, &format!("{name}-tls")).await?.public_key_sha256 == holder.public_key());
        cost(&world, name, 0).await?;
    }
    // Nobody tells of a Secret without the label: it is looked for again after a minute.
    let issued = |object: &Value| object["status"]["revision"] == 1;
    if objects.until("Certificate", "unwatched", "it is issued", issued).await.is_err() {
        objects.until_ready("unwatched", 1).await?;
    }

    // What is served stays, and a person hears of it before it is too late.
    objects.secrets().delete("missing-csr", &Default::default()).await?;
    required(objects, "missing", "CsrUnusable").await?;
    objects.until_ready("missing", 1).await.map(drop)
}

/// The same CSR with one character of its name changed.
fn with_another_name(csr: &str) -> Result<String> {
    let block = pem::parse(csr)?;
    let mut der = block.contents().to_vec();
    let at = der.windows(3).position(|bytes| bytes == b"hsm").unwrap_or_default();
    der[at] = b'H';
    Ok(pem::encode(&pem::Pem::new("CERTIFICATE REQUEST", der)))
}
