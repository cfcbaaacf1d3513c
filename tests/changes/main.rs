//! What users change in the middle of something: edits, a suspension, another account. Judged by the CA's ledger.

mod account;
mod edits;
mod suspend;

use anyhow::{Context, Result};
use harness::{Objects, World};
use serde_json::{Value, json};

/// Edits the spec, and waits until the operator has seen it.
async fn edit(objects: &Objects, name: &str, spec: Value) -> Result<Value> {
    objects.patch("Certificate", name, json!({"spec": spec})).await?;
    objects
        .until("Certificate", name, "the edit was seen", |object| {
            object["status"]["observedGeneration"] == object["metadata"]["generation"]
        })
        .await
}

/// Makes the next operation of that kind for `<name>.example.com` go that way.
async fn aim(world: &World, fault: Value, operation: &str, name: &str) -> Result<()> {
    let mut fault = fault;
    fault["match"] = json!({"operation": operation, "commonName": format!("{name}.example.com")});
    world.sandbox.fault(&fault).await.map(drop)
}

/// Waits until the provider has placed what an Issuance asks for; returns the order.
async fn placed(objects: &Objects, issuance: &str) -> Result<String> {
    let placed = |object: &Value| object["status"]["orderId"].is_string();
    let issuance = objects.until("Issuance", issuance, "it is placed", placed).await?;
    Ok(issuance["status"]["orderId"].as_str().context("an order")?.to_owned())
}

async fn release(world: &World, order: &str) -> Result<()> {
    world.sandbox.post(&format!("/_sandbox/orders/{order}/release"), &json!({})).await.map(drop)
}

/// How many orders and reissues the CA has accepted.
async fn accepted(world: &World, name: &str) -> Result<(usize, usize)> {
    let ledger = world.sandbox.ledger().await?;
    let common_name = format!("{name}.example.com");
    Ok((ledger.paid(&common_name), ledger.count("reissue", &common_name)))
}
