//! A certificate's life on a real API server and the sandbox CA: what is bought, what is free, what is revoked.

use anyhow::{Result, ensure};
use harness::{World, WorldOptions, condition};
use serde_json::json;

const NAME: &str = "shop.example.com";

#[tokio::test(flavor = "multi_thread")]
async fn one_order_lives_through_every_reason_to_reissue() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    let spec = json!({"issuerRef": {"name": "digicert"}, "secretName": "shop-tls", "dnsNames": [NAME]});
    objects.create("Certificate", "shop", spec).await?;

    let first = objects.until_ready("shop", 1).await?;
    ensure!(first["status"]["next"]["summary"] == "Reissue (free)", "the plan is {}", first["status"]["next"]);
    ensure!(world.sandbox.ledger().await?.paid(NAME) == 1, "one order is bought");
    let order = first["status"]["order"]["orderId"].clone();

    // The key is lost with its Secret.
    objects.secrets().delete("shop-tls", &Default::default()).await?;
    objects.until_ready("shop", 2).await?;

    // The Secret gets another name: the pair moves there, and the CA is not asked.
    objects.patch("Certificate", "shop", json!({"spec": {"secretName": "shop-web-tls"}})).await?;
    let moved = objects.until_ready("shop", 2).await?;
    let copy = objects.secret("shop-web-tls").await?.and_then(|secret| secret.data);
    ensure!(
        copy.is_some() && copy == objects.secret("shop-tls").await?.and_then(|secret| secret.data),
        "the same pair"
    );
    ensure!(moved["status"]["revision"] == 2, "nothing was asked for");
    ensure!(world.sandbox.ledger().await?.count("reissue", NAME) == 1, "one reissue, for the lost key");

    // Information in the certificate changes, then the key's algorithm.
    objects.patch("Certificate", "shop", json!({"spec": {"dnsNames": [NAME, "www.example.com"]}})).await?;
    objects.until_ready("shop", 3).await?;
    let key = json!({"spec": {"privateKey": {"algorithm": "RSA", "size": 2048}}});
    objects.patch("Certificate", "shop", key).await?;
    let fourth = objects.until_ready("shop", 4).await?;

    // The key is compromised: a new one first, then the old certificate is revoked.
    let request = json!({"metadata": {"annotations": {
        "evercert.dev/reissue-requested": "incident-7", "evercert.dev/reissue-reason": "KeyCompromise"}}});
    objects.patch("Certificate", "shop", request).await?;
    objects.until_ready("shop", 5).await?;
    objects
        .until("Issuance", "shop-5", "the old serial is revoked", |issuance| {
            issuance["status"]["revokedSerials"] == json!([fourth["status"]["serialNumber"]])
        })
        .await?;

    // Two thirds of a life later it is reissued on the same order, near the order's end renewed.
    world.sandbox.advance_days(190).await?;
    let sixth = objects.until_ready("shop", 6).await?;
    ensure!(sixth["status"]["order"]["orderId"] == order, "the order lasts");
    ensure!(world.sandbox.ledger().await?.paid(NAME) == 1, "everything so far was free");
    world.sandbox.advance_days(90).await?;
    let seventh = objects.until_ready("shop", 7).await?;
    ensure!(condition(&seventh, "ActionRequired").is_none(), "nobody is needed");

    let ledger = world.sandbox.ledger().await?;
    let reissues = ledger.count("reissue", NAME);
    ensure!(reissues >= 5, "{reissues} reissues");
    Ok(())
}

/// The key that is served is reported while its successor is on the way already: that one is installed, and the
/// reported one revoked, without another reissue.
#[tokio::test(flavor = "multi_thread")]
async fn a_compromise_reported_while_a_reissue_is_pending_revokes_the_served_key() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    let spec = json!({"issuerRef": {"name": "digicert"}, "secretName": "shop-tls", "dnsNames": [NAME]});
    objects.create("Certificate", "shop", spec).await?;
    let first = objects.until_ready("shop", 1).await?;

    world.sandbox.fault(&json!({"match": {"operation": "reissue"}, "kind": "stayPending"})).await?;
    objects.patch("Certificate", "shop", json!({"spec": {"dnsNames": [NAME, "www.example.com"]}})).await?;
    objects.until("Issuance", "shop-2", "it is placed", |issuance| issuance["status"]["orderId"].is_string()).await?;
    let request = json!({"metadata": {"annotations": {
        "evercert.dev/reissue-requested": "incident-8", "evercert.dev/reissue-reason": "KeyCompromise"}}});
    objects.patch("Certificate", "shop", request).await?;
    objects
        .until("Issuance", "shop-2", "the report is kept", |issuance| condition(issuance, "KeyCompromised").is_some())
        .await?;
    let order = first["status"]["order"]["orderId"].as_str().unwrap_or_default();
    world.sandbox.post(&format!("/_sandbox/orders/{order}/release"), &json!({})).await?;

    let second = objects.until_ready("shop", 2).await?;
    objects
        .until("Issuance", "shop-2", "the reported serial is revoked", |issuance| {
            issuance["status"]["revokedSerials"] == json!([first["status"]["serialNumber"]])
        })
        .await?;
    ensure!(second["status"]["lastHandledReissueRequest"] == "incident-8", "the report is answered");
    ensure!(world.sandbox.ledger().await?.count("reissue", NAME) == 1, "one reissue answers both");
    Ok(())
}
