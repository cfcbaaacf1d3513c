//! `issuerRef` points elsewhere: an order at another account, nothing at the same one.

use anyhow::{Context, Result, ensure};
use harness::{World, WorldOptions};
use serde_json::{Value, json};

use super::{accepted, edit};

#[tokio::test(flavor = "multi_thread")]
async fn another_account_means_an_order_there_and_nothing_else_does() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    objects.ask("moved", json!({})).await?;
    let first = objects.until_ready("moved", 1).await?;
    let old = first["status"]["order"]["orderId"].as_str().context("an order")?.to_owned();

    // The same account through another Issuer, with another of its keys.
    let account = &world.sandbox.ready()["digicert"]["accountId"];
    let settings = json!({"addKey": "none"});
    let added = world.sandbox.post(&format!("/_sandbox/accounts/{account}"), &settings).await?;
    objects.create_secret("second-key", "api-key", newest_key(&added)?).await?;
    let mut spec = world.issuer();
    spec["digicert"]["apiKeySecretRef"]["name"] = json!("second-key");
    objects.create("Issuer", "second", spec).await?;
    verified(&world, "second").await?;
    edit(objects, "moved", json!({"issuerRef": {"name": "second"}})).await?;
    objects.until_ready("moved", 1).await?;

    // A rotated key of the Issuer in use.
    let rotated = world.sandbox.post(&format!("/_sandbox/accounts/{account}"), &settings).await?;
    let secret = json!({"stringData": {"api-key": newest_key(&rotated)?}});
    let params = kube::api::PatchParams::default();
    objects.secrets().patch("second-key", &params, &kube::api::Patch::Merge(&secret)).await?;

    // An Issuer whose account is not known yet: waited for.
    edit(objects, "moved", json!({"issuerRef": {"name": "third"}})).await?;
    let strange = world.sandbox.post("/_sandbox/accounts", &json!({"name": "Another Ltd"})).await?;
    objects
        .create("Issuer", "third", {
            let mut spec = world.issuer();
            spec["digicert"]["apiKeySecretRef"]["name"] = json!("third-key");
            spec["digicert"]["organizationId"] = strange["organizationId"].clone();
            spec
        })
        .await?;
    objects
        .until("Issuer", "third", "its key is missing", |object| {
            harness::condition(object, "Ready").is_some_and(|ready| ready["status"] == "False")
        })
        .await?;
    ensure!(accepted(&world, "moved").await? == (1, 0), "so far the CA was asked for nothing more");

    // The account becomes known: an order there.
    objects.create_secret("third-key", "api-key", strange["apiKey"].as_str().context("no key")?).await?;
    objects.patch("Issuer", "third", json!({"spec": {"digicert": {"skipApproval": true}}})).await?;
    let ready = objects.until_ready("moved", 2).await?;
    let order = &ready["status"]["order"];
    ensure!(order["orderId"] != old.as_str() && order["previousOrderId"] == old.as_str(), "{order}");
    ensure!(accepted(&world, "moved").await? == (2, 0), "one order at each account");
    let recorded = objects.get("Issuance", "moved-2").await?;
    ensure!(recorded["spec"]["reason"] == "IssuerChanged" && recorded["spec"]["operation"] == "Order");
    ensure!(world.sandbox.ledger().await?.count("revoke", "moved.example.com") == 0, "the old order is left as it is");

    // And back: the order that still runs there is used again.
    edit(objects, "moved", json!({"issuerRef": {"name": "digicert"}})).await?;
    let back = objects.until_ready("moved", 3).await?;
    ensure!(back["status"]["order"]["orderId"] == old.as_str(), "{}", back["status"]["order"]);
    ensure!(accepted(&world, "moved").await? == (2, 1), "free, on the old order");
    Ok(())
}

fn newest_key(account: &Value) -> Result<&str> {
    account["addedKey"].as_str().context("no key")
}

async fn verified(world: &World, issuer: &str) -> Result<()> {
    let ready = |object: &Value| harness::condition(object, "Ready").is_some_and(|ready| ready["status"] == "True");
    world.objects.until("Issuer", issuer, "its account is verified", ready).await.map(drop)
}
