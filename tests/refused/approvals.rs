//! The provider waits for a person, or a person there says no.

use anyhow::{Context, Result, ensure};
use harness::{Scene, World, scene};
use serde_json::{Value, json};

use super::{reason, said};

pub fn scenes(world: &World) -> Vec<Scene<'_>> {
    vec![
        scene("an approval is required", required(world)),
        scene("an approval is refused", refused(world)),
        scene("an order stays pending", pending(world)),
    ]
}

async fn required(world: &World) -> Result<()> {
    let objects = &world.objects;
    let strict = world.issuer_of_another("strict", &json!({"approvalRequired": true})).await?;
    objects.create("Issuer", "strict", strict).await?;
    objects.ask("strict", json!({"issuerRef": {"name": "strict"}})).await?;

    let waits = |object: &Value| object["status"]["requestId"].is_string();
    let issuance = objects.until("Issuance", "strict-1", "it names a request", waits).await?;
    let request = issuance["status"]["requestId"].as_str().context("no request")?;
    let message = reason(objects, "strict", "ActionRequired", "ProviderBlocked").await?;
    ensure!(message.contains(&format!("approve request {request}")), "{message}");
    world.sandbox.post(&format!("/_sandbox/requests/{request}/approve"), &json!({})).await?;
    let certificate = objects.until_ready("strict", 1).await?;
    ensure!(harness::condition(&certificate, "ActionRequired").is_none(), "somebody is still asked");
    bought_once(world, "strict").await
}

async fn refused(world: &World) -> Result<()> {
    aim(world, "approvalRefused", "denied").await?;
    world.objects.ask("denied", json!({})).await?;
    let message = reason(&world.objects, "denied", "Ready", "Failed").await?;
    ensure!(message.contains("rejected") && message.contains("Refused."), "{message}");
    let issuance = world.objects.until_issuance("denied-1", "Failed").await?;
    ensure!(issuance["status"]["failure"]["class"] == "Canceled", "{}", issuance["status"]["failure"]);
    bought_once(world, "denied").await
}

async fn pending(world: &World) -> Result<()> {
    let objects = &world.objects;
    aim(world, "stayPending", "pending").await?;
    objects.ask("pending", json!({})).await?;
    let waits = |issuing: &Value| issuing["message"].as_str().is_some_and(|message| message.contains("order 1"));
    said(objects, "Certificate", "pending", "Issuing", "names the order", waits).await?;
    let issuance = objects.get("Issuance", "pending-1").await?;
    let order = issuance["status"]["orderId"].as_str().context("no order")?;
    world.sandbox.post(&format!("/_sandbox/orders/{order}/release"), &json!({})).await?;
    objects.until_ready("pending", 1).await?;
    bought_once(world, "pending").await
}

async fn bought_once(world: &World, name: &str) -> Result<()> {
    let paid = world.sandbox.ledger().await?.paid(&format!("{name}.example.com"));
    ensure!(paid == 1, "{paid} are paid");
    Ok(())
}

async fn aim(world: &World, fault: &str, name: &str) -> Result<()> {
    let target = json!({"operation": "order", "commonName": format!("{name}.example.com")});
    world.sandbox.fault(&json!({"kind": fault, "match": target})).await.map(drop)
}
