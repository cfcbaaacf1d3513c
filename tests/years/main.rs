//! What an operator meets in years of running: lists that begin anew, objects nobody can read, panics, an API server
//! that is away, a network that is cut, credentials that are rotated.

mod away;
mod credentials;
mod defects;
mod level;
mod link;
mod partition;
mod relist;

use anyhow::{Result, ensure};
use harness::World;
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

/// The spec of a Certificate under its own name.
fn certificate(name: &str) -> Value {
    json!({"issuerRef": {"name": "digicert"}, "secretName": format!("{name}-tls"), "dnsNames": [common_name(name)]})
}

fn common_name(name: &str) -> String {
    format!("{name}.example.com")
}

/// Has a Certificate ordered, with this happening to the call, and returns when the call is under way.
async fn call(world: &World, name: &str, mut fault: Value) -> Result<()> {
    fault["match"] = json!({"operation": "order"});
    let id = world.sandbox.fault(&fault).await?["id"].clone();
    world.objects.create("Certificate", name, certificate(name)).await?;
    loop {
        let faults = world.sandbox.faults().await?;
        let mut faults = faults["faults"].as_array().into_iter().flatten();
        if faults.any(|fault| fault["id"] == id && fault["hits"] == 1) {
            return Ok(());
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until it is Ready, and counts what was bought for it.
async fn finished_once(world: &World, name: &str) -> Result<()> {
    world.objects.until_ready(name, 1).await?;
    let ledger = world.sandbox.ledger().await?;
    ensure!(ledger.paid(&common_name(name)) == 1, "{name}: {:?}", ledger.operations);
    Ok(())
}
