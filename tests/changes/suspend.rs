//! `suspend: true`: nothing is begun, paid or written; what was submitted is followed and kept.

use anyhow::{Context, Result, ensure};
use harness::{World, WorldOptions, condition};
use serde_json::{Value, json};

use super::{accepted, aim, edit, placed, release};

fn is_suspended(object: &Value) -> bool {
    condition(object, "Suspended").is_some_and(|suspended| suspended["status"] == "True")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_suspended_rests_and_goes_on_later() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;

    // From the start.
    objects.ask("new", json!({"suspend": true})).await?;
    let planned = |object: &Value| is_suspended(object) && object["status"]["next"].is_object();
    let new = objects.until("Certificate", "new", "it is suspended", planned).await?;
    ensure!(condition(&new, "Ready").is_some_and(|ready| ready["reason"] == "Suspended"), "{}", new["status"]);
    ensure!(new["status"]["next"]["summary"] == "Order suspended (paid)", "{}", new["status"]["next"]);

    // While its order is pending: what comes of it waits beside the Secret.
    aim(&world, json!({"kind": "stayPending"}), "order", "pending").await?;
    objects.ask("pending", json!({})).await?;
    let order = placed(objects, "pending-1").await?;
    edit(objects, "pending", json!({"suspend": true})).await?;
    release(&world, &order).await?;
    objects.until_issuance("pending-1", "Issued").await?;
    let waits = |object: &Value| {
        let told = condition(object, "Suspended").and_then(|told| told["message"].as_str());
        told.is_some_and(|message| message.contains("pending-1 waits to be installed"))
    };
    objects.until("Certificate", "pending", "what waits is told", waits).await?;
    ensure!(objects.secret("pending").await?.is_none(), "its Secret is left alone");

    // After a refusal that is certain: it is not said again.
    aim(&world, json!({"kind": "rateLimit", "retryAfter": 1, "times": 1}), "order", "refused").await?;
    objects.ask("refused", json!({})).await?;
    let refused = |object: &Value| object["status"]["outcomes"][0]["class"] == "RateLimited";
    objects.until("Issuance", "refused-1", "it is refused for now", refused).await?;
    edit(objects, "refused", json!({"suspend": true})).await?;

    // With a certificate: nothing is replaced, nothing is written.
    objects.ask("served", json!({"renewal": {"before": "1440h"}})).await?;
    let first = objects.until_ready("served", 1).await?;
    let secret = objects.secret("served").await?.context("a Secret")?.metadata.resource_version;
    edit(objects, "served", json!({"suspend": true})).await?;
    objects.ask("other", json!({"renewal": {"before": "1440h"}})).await?;
    objects.until_ready("other", 1).await?;
    world.sandbox.advance_days(150).await?;
    objects.until_ready("other", 2).await?;
    let rests = objects.get("Certificate", "served").await?;
    ensure!(rests["status"]["revision"] == 1 && is_suspended(&rests), "{}", rests["status"]);
    ensure!(condition(&rests, "Ready").is_some_and(|ready| ready["status"] == "True"), "it is valid all the same");
    edit(objects, "served", json!({"secretTemplate": {"labels": {"team": "shop"}}})).await?;
    ensure!(objects.secret("served").await?.context("a Secret")?.metadata.resource_version == secret, "not written");
    ensure!(accepted(&world, "new").await? == (0, 0) && accepted(&world, "served").await? == (1, 0));
    let before = accepted(&world, "refused").await?;
    let said = objects.get("Issuance", "refused-1").await?;
    // It may have been said again right before it was suspended.
    ensure!(before == (0, 0) || said["status"]["orderId"].is_string(), "{said}");

    for name in ["new", "pending", "refused", "served"] {
        edit(objects, name, json!({"suspend": null})).await?;
    }
    for (name, revision) in [("new", 1), ("pending", 1), ("refused", 1), ("served", 2)] {
        let ready = objects.until_ready(name, revision).await?;
        ensure!(condition(&ready, "Suspended").is_none(), "{name}: {}", ready["status"]);
        ensure!(accepted(&world, name).await?.0 == 1, "{name}: one order");
    }
    ensure!(objects.get("Certificate", "served").await?["status"]["order"] != Value::Null);
    ensure!(
        first["status"]["order"]["orderId"]
            == objects.get("Certificate", "served").await?["status"]["order"]["orderId"]
    );
    Ok(())
}
