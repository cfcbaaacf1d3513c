//! An issuer that goes away, or points elsewhere, while one of its operations is under way.

use anyhow::{Context, Result, ensure};
use harness::{World, condition};
use serde_json::json;

use crate::stage::{ask, paid, told, world};

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_says_that_its_issuer_is_gone_or_points_elsewhere_and_goes_on_when_it_is_back() -> Result<()> {
    let world = world().await?;
    let _operator = world.operator().await?;
    tokio::try_join!(gone(&world), repointed(&world)).map(drop)
}

/// Places an order that stays pending.
async fn pending(world: &World, name: &str) -> Result<String> {
    let objects = &world.objects;
    let target = json!({"operation": "order", "commonName": format!("{name}.example.com")});
    world.sandbox.fault(&json!({"kind": "stayPending", "match": target})).await?;
    objects.create("Issuer", name, world.issuer()).await?;
    ask(objects, name, json!({"name": name})).await?;
    let placed = |issuance: &serde_json::Value| issuance["status"]["orderId"].is_string();
    let issuance = objects.until("Issuance", &format!("{name}-1"), "it is placed", placed).await?;
    Ok(issuance["status"]["orderId"].as_str().unwrap_or_default().to_owned())
}

async fn gone(world: &World) -> Result<()> {
    let objects = &world.objects;
    let order = pending(world, "gone").await?;
    objects.delete("Issuer", "gone").await?;
    let message = told(objects, "Issuance", "gone-1", "Hindered", "IssuerNotFound").await?;
    ensure!(message.contains("Issuer/gone does not exist any more"), "{message}");
    ensure!(told(objects, "Certificate", "gone", "ActionRequired", "IssuerNotFound").await? == message);
    ensure!(told(objects, "Certificate", "gone", "Issuing", "IssuerNotFound").await?.contains(&message));

    objects.create("Issuer", "gone", world.issuer()).await?;
    world.sandbox.post(&format!("/_sandbox/orders/{order}/release"), &json!({})).await?;
    let ready = objects.until_ready("gone", 1).await?;
    ensure!(condition(&ready, "ActionRequired").is_none() && paid(world, &["gone"]).await? == 1);
    Ok(())
}

async fn repointed(world: &World) -> Result<()> {
    let objects = &world.objects;
    let account = world.sandbox.post("/_sandbox/accounts", &json!({})).await?;
    objects.create_secret("other-key", "api-key", account["apiKey"].as_str().context("no key")?).await?;
    let order = pending(world, "repointed").await?;
    let elsewhere = json!({"digicert": {
        "apiKeySecretRef": {"name": "other-key"}, "organizationId": account["organizationId"],
    }});
    objects.patch("Issuer", "repointed", json!({"spec": elsewhere})).await?;
    let message = told(objects, "Issuance", "repointed-1", "Hindered", "IssuerChanged").await?;
    ensure!(message.contains("Issuer/repointed points to account"), "{message}");
    ensure!(told(objects, "Certificate", "repointed", "ActionRequired", "IssuerChanged").await? == message);

    objects.patch("Issuer", "repointed", json!({"spec": {"digicert": world.issuer()["digicert"]}})).await?;
    world.sandbox.post(&format!("/_sandbox/orders/{order}/release"), &json!({})).await?;
    objects.until_ready("repointed", 1).await?;
    ensure!(paid(world, &["repointed"]).await? == 1);
    Ok(())
}
