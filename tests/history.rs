//! The ledger of a Certificate is bounded, and what is deleted of it is not missed.

use anyhow::{Result, ensure};
use harness::{Objects, World, WorldOptions, common_name};
use serde_json::json;

const NAME: &str = "shop.example.com";

#[tokio::test(flavor = "multi_thread")]
async fn old_issuances_go_and_the_order_stays_known() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    let spec = json!({
        "issuerRef": {"name": "digicert"}, "secretName": "shop-tls", "dnsNames": [NAME], "revisionHistoryLimit": 2,
    });
    objects.create("Certificate", "shop", spec).await?;
    let first = objects.until_ready("shop", 1).await?;
    for revision in 2..=5 {
        ask(objects, &format!("again-{revision}"), None).await?;
        objects.until_ready("shop", revision).await?;
    }
    // The first has placed the order; the others are the two that the spec asks for.
    until_left(objects, &["shop-1", "shop-4", "shop-5"]).await?;

    // A compromise revokes what is pinned, and nothing is bought when all else is lost.
    ask(objects, "incident", Some("KeyCompromise")).await?;
    objects.until_ready("shop", 6).await?;
    let revoked = |issuance: &serde_json::Value| {
        issuance["status"]["revokedSerials"].as_array().is_some_and(|serials| serials.len() == 1)
    };
    objects.until("Issuance", "shop-6", "the key in use is revoked", revoked).await?;
    until_left(objects, &["shop-1", "shop-5", "shop-6"]).await?;
    objects.secrets().delete("shop-tls", &Default::default()).await?;
    let last = objects.until_ready("shop", 7).await?;
    ensure!(last["status"]["order"]["orderId"] == first["status"]["order"]["orderId"], "another order");
    ensure!(world.sandbox.ledger().await?.paid(NAME) == 1, "something was bought");

    // None but what is needed: the sixth has handled what is asked for.
    objects.patch("Certificate", "shop", json!({"spec": {"revisionHistoryLimit": 0}})).await?;
    until_left(objects, &["shop-1", "shop-6", "shop-7"]).await?;
    Ok(())
}

/// Ninety days after the last order has ended, and not while one runs or may have been placed.
#[tokio::test(flavor = "multi_thread")]
async fn what_deleted_certificates_left_behind_goes_when_their_orders_have_ended() -> Result<()> {
    let world = World::start(WorldOptions { unlimited: true, ..WorldOptions::default() }).await?;
    let operator = world.operator().await?;
    let objects = &world.objects;
    let lasting = |days: i64| json!({"digicert": {"orderValidity": {"days": days}}});
    for (name, spec) in
        [("ended", lasting(60)), ("lately", lasting(120)), ("there", lasting(60)), ("running", json!({}))]
    {
        objects.ask(name, spec).await?;
        objects.until_ready(name, 1).await?;
    }
    let token = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": "now"}}});
    objects.patch("Certificate", "ended", token.clone()).await?;
    objects.until_ready("ended", 2).await?;
    // Whether this was placed nobody knows, until a person has looked.
    let lost =
        json!({"kind": "resetBeforeCommit", "match": {"operation": "order", "commonName": common_name("asked")}});
    world.sandbox.fault(&lost).await?;
    objects.ask("asked", json!({})).await?;
    objects.until_issuance("asked-1", "NeedsAttention").await?;
    for name in ["ended", "lately", "running", "asked"] {
        objects.delete("Certificate", name).await?;
    }

    let before = world.sandbox.ledger().await?.operations.len();
    world.sandbox.advance_days(160).await?;
    // What is there was renewed, and keeps what it had.
    until_left(objects, &["asked-1", "lately-1", "running-1", "there-1", "there-2"]).await?;
    objects.until_ready("there", 2).await?;
    let ledger = world.sandbox.ledger().await?;
    let new: Vec<_> = ledger.operations[before..].iter().map(|known| known.common_name.clone()).collect();
    ensure!(new == [Some(common_name("there"))], "asked of the CA: {new:?}");

    // Its name is free again: the order that answers to it has ended, so that another is bought, once.
    objects.ask("ended", json!({"takeOverSecret": true})).await?;
    let again = objects.until_ready("ended", 3).await?;
    ensure!(again["status"]["order"]["orderId"].is_string(), "{:#}", again["status"]);
    ensure!(world.sandbox.ledger().await?.paid(&common_name("ended")) == 2);
    ensure!(!operator.has_ended());
    Ok(())
}

async fn ask(objects: &Objects, token: &str, reason: Option<&str>) -> Result<()> {
    let annotations = json!({"evercert.dev/reissue-requested": token, "evercert.dev/reissue-reason": reason});
    objects.patch("Certificate", "shop", json!({"metadata": {"annotations": annotations}})).await
}

async fn until_left(objects: &Objects, names: &[&str]) -> Result<()> {
    let mut left = Vec::new();
    for _ in 0..600 {
        left = objects.names("Issuance").await?;
        left.sort();
        if left == names {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    anyhow::bail!("{left:?} are left, not {names:?}")
}
