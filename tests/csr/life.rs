//! From the order to a compromise, on one order.

use anyhow::{Result, ensure};
use harness::{World, WorldOptions, condition};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::{Holder, ask, certificate, cost, give, required};

const SECRET: &str = "shop-tls";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_held_elsewhere_is_certified_kept_and_replaced_and_never_made_here() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    let first = Holder::new()?;
    give(objects, "shop", &first.csr()?).await?;
    ask(objects, "shop", json!({"validity": {"days": 30}})).await?;

    // The names are those of the spec, whatever the CSR says; that is told.
    let shop = objects.until_ready("shop", 1).await?;
    let leaf = certificate(objects, SECRET).await?;
    ensure!(leaf.public_key_sha256 == first.public_key());
    ensure!(leaf.dns_names == ["shop.example.com".to_owned()].into(), "{:?}", leaf.dns_names);
    let ready = condition(&shop, "Ready").map(|ready| ready["message"].to_string()).unwrap_or_default();
    ensure!(ready.contains("held elsewhere") && ready.contains("shop-csr"), "{ready}");
    let issuance = objects.get("Issuance", "shop-1").await?;
    ensure!(issuance["spec"]["request"]["keyOrigin"] == "Elsewhere");
    let namespace = ["-n", &objects.namespace];
    let told = world.kubectl(&[&["get", "events"], &namespace[..]].concat())?;
    ensure!(told.contains("CsrNamesIgnored") && told.contains("hsm.example.com"), "{told}");
    let history = world.kubectl(&[&["get", "evisn", "-o", "wide"], &namespace[..]].concat())?;
    ensure!(history.contains("Elsewhere"), "{history}");
    let listed = world.kubectl(&[&["get", "evcert", "-o", "wide"], &namespace[..]].concat())?;
    ensure!(listed.contains("shop-csr"), "{listed}");
    no_private_key(&world).await?;

    // The same CSR serves again when the certificate expires.
    world.sandbox.advance_days(25).await?;
    objects.until_ready("shop", 2).await?;
    let second = certificate(objects, SECRET).await?;
    ensure!(second.public_key_sha256 == first.public_key() && second.serial != leaf.serial);
    cost(&world, "shop", 1).await?;

    // What the Secret loses is downloaded again.
    objects.secrets().delete(SECRET, &Default::default()).await?;
    until_served(&world, &second.serial).await?;
    let junk = Patch::Merge(json!({"stringData": {"tls.crt": "junk"}}));
    objects.secrets().patch(SECRET, &PatchParams::default(), &junk).await?;
    until_served(&world, &second.serial).await?;
    let shop = objects.until_ready("shop", 2).await?;
    ensure!(shop["status"]["revision"] == 2, "{:#}", shop["status"]);
    cost(&world, "shop", 1).await?;

    // A new CSR is a new key, reissued on the order.
    let holder = Holder::new()?;
    give(objects, "shop", &holder.csr()?).await?;
    objects.until_ready("shop", 3).await?;
    let third = certificate(objects, SECRET).await?;
    ensure!(third.public_key_sha256 == holder.public_key());
    cost(&world, "shop", 2).await?;

    compromise(&world, &holder).await?;
    no_private_key(&world).await
}

/// The bad key is not certified again, and revoked once its holder has given another.
async fn compromise(world: &World, bad: &Holder) -> Result<()> {
    let objects = &world.objects;
    let report = json!({"evercert.dev/reissue-requested": "1", "evercert.dev/reissue-reason": "KeyCompromise"});
    objects.patch("Certificate", "shop", json!({"metadata": {"annotations": report}})).await?;
    let told = required(objects, "shop", "NewCsrRequired").await?;
    ensure!(told.contains("Secret shop-csr") && told.contains("tls.csr"), "{told}");
    cost(world, "shop", 2).await?;

    let good = Holder::new()?;
    give(objects, "shop", &good.csr()?).await?;
    objects.until_ready("shop", 4).await?;
    ensure!(certificate(objects, SECRET).await?.public_key_sha256 == good.public_key());
    let revoked = |issuance: &Value| issuance["status"]["revokedSerials"].as_array().is_some_and(|all| !all.is_empty());
    objects.until("Issuance", "shop-4", "the bad key's certificate is revoked", revoked).await?;
    cost(world, "shop", 3).await?;

    // Nor later.
    give(objects, "shop", &bad.csr()?).await?;
    required(objects, "shop", "NewCsrRequired").await?;
    ensure!(certificate(objects, SECRET).await?.public_key_sha256 == good.public_key(), "what is good stays");
    give(objects, "shop", &good.csr()?).await?;
    let calm = |object: &Value| condition(object, "ActionRequired").is_none();
    objects.until("Certificate", "shop", "nobody is asked any more", calm).await?;
    cost(world, "shop", 3).await
}

async fn until_served(world: &World, serial: &str) -> Result<()> {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        match certificate(&world.objects, SECRET).await {
            Ok(leaf) if leaf.serial == serial => return Ok(()),
            other if tokio::time::Instant::now() > deadline => {
                anyhow::bail!("certificate {serial} is not served again: {other:?}");
            }
            _ => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}

/// In no Secret of the namespace.
async fn no_private_key(world: &World) -> Result<()> {
    for secret in world.objects.secrets().list(&Default::default()).await?.items {
        for (key, value) in secret.data.unwrap_or_default() {
            let found = value.0.windows(11).any(|text| text == b"PRIVATE KEY");
            ensure!(!found, "Secret {:?} holds a private key in {key}", secret.metadata.name);
        }
    }
    Ok(())
}
