//! A spec edited while an operation is pending: nothing is bought twice, and nothing paid is forgotten.

use anyhow::{Context, Result, ensure};
use harness::{World, WorldOptions, condition};
use serde_json::{Value, json};

use super::{accepted, aim, edit, placed, release};

fn names(names: &[&str]) -> Value {
    json!({"dnsNames": names})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_while_something_is_pending_costs_nothing() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    there_and_back(&world).await?;
    there(&world).await?;
    waits_for_an_approval(&world).await?;
    never_sent(&world).await?;
    removed(&world).await
}

/// A name that cannot be validated is corrected: the reissue that waits for it is taken back, and another one made.
#[tokio::test(flavor = "multi_thread")]
async fn a_reissue_for_a_mistyped_name_is_taken_back() -> Result<()> {
    let mut options = WorldOptions::default();
    options.sandbox.check_dcv = true;
    let world = World::start(options).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    let zone = world.sandbox.ready()["dns"]["zones"][0].as_str().context("a zone")?.to_owned();
    let (good, better) = (format!("typo.{zone}"), format!("www.typo.{zone}"));
    let spec = json!({"issuerRef": {"name": "digicert"}, "secretName": "typo", "dnsNames": [good], "commonName": good});
    objects.create("Certificate", "typo", spec).await?;
    objects.until_ready("typo", 1).await?;
    edit(objects, "typo", names(&[&good, "www.typo.elsewhere.test"])).await?;
    let pending =
        |object: &Value| object["status"]["state"] == "Validating" && object["status"]["validations"][0].is_object();
    objects.until("Issuance", "typo-2", "it waits for a validation", pending).await?;
    edit(objects, "typo", names(&[&good, &better])).await?;
    let ready = objects.until_ready("typo", 3).await?;
    ensure!(condition(&ready, "ActionRequired").is_none(), "{}", ready["status"]);
    ensure!(objects.get("Issuance", "typo-2").await?["status"]["failure"]["class"] == "Canceled");
    let ledger = world.sandbox.ledger().await?;
    ensure!((ledger.paid(&good), ledger.count("cancel", &good)) == (1, 1), "one order, one reissue taken back");
    Ok(())
}

/// A, B, A again while the order for A is pending: that order, and nothing else.
async fn there_and_back(world: &World) -> Result<()> {
    let objects = &world.objects;
    aim(world, json!({"kind": "stayPending"}), "order", "back").await?;
    objects.ask("back", json!({})).await?;
    let order = placed(objects, "back-1").await?;
    let edited = edit(objects, "back", names(&["back.example.com", "www.back.example.com"])).await?;
    ensure!(edited["status"]["issuance"] == "back-1", "it is kept: {}", edited["status"]);
    edit(objects, "back", names(&["back.example.com"])).await?;
    release(world, &order).await?;
    objects.until_ready("back", 1).await?;
    ensure!(accepted(world, "back").await? == (1, 0), "one operation: {:?}", accepted(world, "back").await?);
    ensure!(objects.names("Issuance").await?.iter().filter(|name| name.starts_with("back-")).count() == 1);
    Ok(())
}

/// A, then B: the order for A is installed, and reissued for B.
async fn there(world: &World) -> Result<()> {
    let objects = &world.objects;
    aim(world, json!({"kind": "stayPending"}), "order", "there").await?;
    objects.ask("there", json!({})).await?;
    let order = placed(objects, "there-1").await?;
    edit(objects, "there", names(&["there.example.com", "www.there.example.com"])).await?;
    release(world, &order).await?;
    let ready = objects.until_ready("there", 2).await?;
    ensure!(ready["status"]["order"]["orderId"] == order.as_str(), "on the order that was paid");
    ensure!(objects.get("Issuance", "there-1").await?["status"]["state"] == "Installed", "it was of use until then");
    ensure!(accepted(world, "there").await? == (1, 1), "{:?}", accepted(world, "there").await?);
    Ok(())
}

/// The same while a person at the provider has yet to approve it.
async fn waits_for_an_approval(world: &World) -> Result<()> {
    let objects = &world.objects;
    let strict = world.issuer_of_another("strict", &json!({"approvalRequired": true})).await?;
    objects.create("Issuer", "strict", strict).await?;
    objects.ask("approve", json!({"issuerRef": {"name": "strict"}})).await?;
    let waits = |object: &Value| object["status"]["requestId"].is_string();
    let issuance = objects.until("Issuance", "approve-1", "it names a request", waits).await?;
    edit(objects, "approve", names(&["approve.example.com", "www.approve.example.com"])).await?;
    edit(objects, "approve", names(&["approve.example.com"])).await?;
    let request = issuance["status"]["requestId"].as_str().context("no request")?;
    world.sandbox.post(&format!("/_sandbox/requests/{request}/approve"), &json!({})).await?;
    objects.until_ready("approve", 1).await?;
    ensure!(accepted(world, "approve").await? == (1, 0), "{:?}", accepted(world, "approve").await?);
    Ok(())
}

/// What the provider has certainly not carried out gives way at once.
async fn never_sent(world: &World) -> Result<()> {
    let objects = &world.objects;
    aim(world, json!({"kind": "rateLimit", "retryAfter": 1, "times": 1000}), "order", "unsent").await?;
    objects.ask("unsent", json!({})).await?;
    let refused = |object: &Value| object["status"]["outcomes"][0]["class"] == "RateLimited";
    objects.until("Issuance", "unsent-1", "it is refused for now", refused).await?;
    world.sandbox.clear_faults().await?;
    edit(objects, "unsent", names(&["unsent.example.com", "www.unsent.example.com"])).await?;
    let ready = objects.until_ready("unsent", 1).await?;
    ensure!(accepted(world, "unsent").await? == (1, 0), "{:?}", accepted(world, "unsent").await?);
    let first = objects.get("Issuance", "unsent-1").await?;
    match ready["status"]["revision"].as_i64() {
        Some(2) => ensure!(first["status"]["state"] == "Superseded" && first["status"]["orderId"].is_null()),
        // It had been said again just before the edit.
        revision => ensure!(first["status"]["orderId"].is_string(), "revision {revision:?}: {first}"),
    }
    Ok(())
}

/// A name is taken away: who does it hears what DigiCert does then, before it and when it is done.
async fn removed(world: &World) -> Result<()> {
    let objects = &world.objects;
    let both = json!({"dnsNames": ["fewer.example.com", "www.fewer.example.com"], "commonName": "fewer.example.com"});
    objects.ask("fewer", both).await?;
    objects.until_ready("fewer", 1).await?;
    aim(world, json!({"kind": "stayPending"}), "reissue", "fewer").await?;
    objects.patch("Certificate", "fewer", json!({"spec": names(&["fewer.example.com"])})).await?;
    let order = placed(objects, "fewer-2").await?;
    let warned = objects
        .until("Certificate", "fewer", "it is told", |object| {
            object["status"]["next"]["summary"].as_str().is_some_and(|summary| summary.contains("within 72 h"))
        })
        .await?;
    let issuing = condition(&warned, "Issuing").context("it is under way")?["message"].to_string();
    ensure!(issuing.contains("www.fewer.example.com removed: DigiCert revokes"), "{issuing}");
    let events = world.kubectl(&["get", "events.events.k8s.io", "-n", &objects.namespace, "-o", "json"])?;
    let events: Value = serde_json::from_str(&events)?;
    let told = events["items"].as_array().into_iter().flatten().find(|event| event["reason"] == "NamesRemoved");
    let told = told.context("an Event says it")?;
    ensure!(told["type"] == "Warning" && told["note"].as_str().is_some_and(|note| note.contains("within 72 h")));
    release(world, &order).await?;
    let ready = objects.until_ready("fewer", 2).await?;
    ensure!(ready["status"]["next"]["summary"] == "Reissue (free)", "{}", ready["status"]["next"]);
    Ok(())
}
