//! The CA delivers something else than was asked for.

use anyhow::{Context, Result, ensure};
use harness::{Scene, World, scene};
use serde_json::json;

use super::said;

/// What is wrong with it, under the name of the Certificate it happens to, and what is said about it.
const WRONG: [(&str, &str, &str); 4] = [
    ("otherKey", "otherkey", "none of the delivered certificates is for our key"),
    ("wrongNames", "wrongnames", "the certificate lacks"),
    ("expired", "expired", "the certificate expired at"),
    ("chainIncomplete", "incomplete", "the issuer's certificate is missing"),
];

pub fn scenes(world: &World) -> Vec<Scene<'_>> {
    let wrong = WRONG.into_iter().flat_map(|(fault, name, why)| {
        [scene(fault, first(world, fault, name, why)), scene(fault, replacement(world, fault, name, why))]
    });
    wrong.chain([scene("an unordered chain", unordered(world))]).collect()
}

/// There is no Secret yet, and none is made.
async fn first(world: &World, fault: &str, name: &str, why: &str) -> Result<()> {
    let (objects, name) = (&world.objects, format!("first-{name}"));
    aim(world, fault, "order", &name).await?;
    objects.ask(&name, json!({})).await?;
    refused(world, &name, why).await?;
    ensure!(objects.secret(&name).await?.is_none(), "a Secret was made");
    let ready = objects.until("Certificate", &name, "it is not ready", |object| {
        harness::condition(object, "Ready").is_some_and(|ready| ready["status"] == "False")
    });
    ready.await?;
    let paid = world.sandbox.ledger().await?.paid(&format!("{name}.example.com"));
    ensure!(paid == 1, "{paid} are paid");
    Ok(())
}

/// What was served goes on being served.
async fn replacement(world: &World, fault: &str, name: &str, why: &str) -> Result<()> {
    let (objects, name) = (&world.objects, format!("next-{name}"));
    objects.ask(&name, json!({})).await?;
    objects.until_ready(&name, 1).await?;
    let before = objects.secret(&name).await?;
    aim(world, fault, "reissue", &name).await?;
    let token = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": "now"}}});
    objects.patch("Certificate", &name, token).await?;
    refused(world, &name, why).await?;

    let certificate = objects.get("Certificate", &name).await?;
    ensure!(harness::condition(&certificate, "Ready").is_some_and(|ready| ready["status"] == "True"), "not ready");
    ensure!(objects.secret(&name).await? == before, "the Secret was changed");
    let (ledger, common_name) = (world.sandbox.ledger().await?, format!("{name}.example.com"));
    let asked = [ledger.paid(&common_name), ledger.count("reissue", &common_name)];
    ensure!(asked == [1, 1], "{asked:?} paid and reissued");
    Ok(())
}

async fn refused(world: &World, name: &str, why: &str) -> Result<()> {
    let tells = |found: &serde_json::Value| found["message"].as_str().is_some_and(|message| message.contains(why));
    said(&world.objects, "Certificate", name, "Issuing", why, tells).await.map(drop)
}

/// The order of the blocks is the provider's business: what is served begins with the leaf.
async fn unordered(world: &World) -> Result<()> {
    aim(world, "chainUnordered", "order", "unordered").await?;
    world.objects.ask("unordered", json!({})).await?;
    world.objects.until_ready("unordered", 1).await?;
    let secret = world.objects.secret("unordered").await?.context("no Secret")?;
    let data = secret.data.context("no data")?;
    let served = String::from_utf8(data["tls.crt"].0.clone())?;
    evercert::pki::payload::read_pair(served.as_bytes(), &data["tls.key"].0)?;
    ensure!(served.matches("BEGIN CERTIFICATE").count() == 2, "leaf and intermediate: {served}");
    Ok(())
}

async fn aim(world: &World, fault: &str, operation: &str, name: &str) -> Result<()> {
    let target = json!({"operation": operation, "commonName": format!("{name}.example.com")});
    world.sandbox.fault(&json!({"kind": fault, "match": target})).await.map(drop)
}
