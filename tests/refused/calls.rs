//! What is refused is told once and not asked for again: the CA's own count of calls, while everybody looks again.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use harness::{Operator, World, WorldOptions, condition};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::said;

/// Looks at each Certificate after its refusal.
const LOOKS: u32 = 10;

/// A Certificate, what it asks for beside its name, the class of its Issuance's failure or the reason of its own
/// condition, and a word of what is told.
fn refusals() -> [(&'static str, Value, &'static str, &'static str); 7] {
    let digicert = |overrides: Value| json!({"digicert": overrides});
    [
        ("value", digicert(json!({"caCertId": "FFFF"})), "Rejected", "invalid_value:ca_cert_id"),
        ("product", digicert(json!({"product": "ssl_nothing"})), "ProviderBlocked", "Product settings"),
        ("organization", digicert(json!({"organizationId": 999})), "ProviderBlocked", "Certificates > Organizations"),
        ("unlisted", digicert(json!({"product": "ssl_other"})), "PolicyRefused", "does not allow product ssl_other"),
        ("key", json!({"issuerRef": {"name": "wrong"}}), "IssuerNotReady", "Automation > API keys"),
        ("rights", json!({"issuerRef": {"name": "viewer"}}), "IssuerNotReady", "Orders, Domains, Organizations"),
        ("url", json!({"issuerRef": {"name": "lost"}}), "IssuerNotReady", "/services/v2"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_not_asked_for_again() -> Result<()> {
    let world = World::start(WorldOptions { unlimited: true, ..WorldOptions::default() }).await?;
    let operator = world.operator().await?;
    let objects = &world.objects;
    let rule = json!({"name": "all", "products": ["ssl_nothing"], "organizations": [999]});
    objects.patch("Issuer", "digicert", json!({"spec": {"policy": {"rules": [rule]}}})).await?;
    issuers(&world).await?;
    objects.ask("again", json!({})).await?;
    objects.until_ready("again", 1).await?;

    for (name, changes, ..) in refusals() {
        objects.ask(name, changes).await?;
    }
    // The same of a reissue: what is served stays so.
    objects.patch("Certificate", "again", json!({"spec": {"digicert": {"caCertId": "FFFF"}}})).await?;
    let token = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": "now"}}});
    objects.patch("Certificate", "again", token).await?;
    objects.until_issuance("again-2", "Failed").await?;
    for (name, _, reason, word) in refusals() {
        told(&world, name, reason, word).await?;
    }

    let before = calls(&world).await?;
    let names = refusals().map(|(name, ..)| name);
    for look in 0..LOOKS {
        for name in names.iter().chain(&["again"]) {
            objects
                .patch("Certificate", name, json!({"metadata": {"annotations": {"looked": look.to_string()}}}))
                .await?;
        }
        looked(&operator, look).await?;
    }
    let after = calls(&world).await?;
    ensure!(before == after, "{before:?} before, {after:?} after");
    let certificate = objects.get("Certificate", "again").await?;
    ensure!(condition(&certificate, "Ready").is_some_and(|ready| ready["status"] == "True"), "not served any more");
    let ledger = world.sandbox.ledger().await?;
    ensure!(ledger.operations.iter().filter(|operation| operation.paid).count() == 1, "{:?}", ledger.operations);
    Ok(())
}

/// Accounts that refuse everything.
async fn issuers(world: &World) -> Result<()> {
    let view_only = world.sandbox.ready()["digicert"]["viewOnlyApiKey"].as_str().context("no key")?;
    for (name, key) in [("wrong", "00FF00"), ("viewer", view_only)] {
        world.objects.create_secret(&format!("{name}-key"), "api-key", key).await?;
        let mut spec = world.issuer();
        spec["digicert"]["apiKeySecretRef"]["name"] = json!(format!("{name}-key"));
        world.objects.create("Issuer", name, spec).await?;
    }
    let mut spec = world.issuer();
    let url = spec["digicert"]["url"].as_str().context("no URL")?;
    spec["digicert"]["url"] = json!(format!("{url}/elsewhere"));
    world.objects.create("Issuer", "lost", spec).await.map(drop)
}

/// By its own conditions, or by its Issuance, whose next try comes later.
async fn told(world: &World, name: &str, reason: &str, word: &str) -> Result<()> {
    if reason == "Rejected" {
        let issuance = world.objects.until_issuance(&format!("{name}-1"), "Failed").await?;
        ensure!(issuance["status"]["failure"]["class"] == "Rejected", "{}", issuance["status"]["failure"]);
        return said(&world.objects, "Certificate", name, "Ready", word, |ready| says(ready, "Failed", word))
            .await
            .map(drop);
    }
    let type_ = if reason == "IssuerNotReady" { "Ready" } else { "ActionRequired" };
    let so = |found: &Value| says(found, reason, word);
    said(&world.objects, "Certificate", name, type_, &format!("is {reason}: {word}"), so).await.map(drop)
}

fn says(condition: &Value, reason: &str, word: &str) -> bool {
    condition["reason"] == reason && condition["message"].as_str().is_some_and(|message| message.contains(word))
}

/// Without those that are made by time, however little there is to do: the issuers' checks, and what has changed.
async fn calls(world: &World) -> Result<BTreeMap<String, u64>> {
    let by_time = ["status-changes", "/user/me", "/organization/", "/product/"];
    let mut calls = world.sandbox.calls().await?;
    calls.retain(|call, _| !by_time.iter().any(|part| call.contains(part)));
    Ok(calls)
}

/// Waits until the operator has reconciled once more what was touched.
async fn looked(operator: &Operator, look: u32) -> Result<()> {
    let reconciled = async || -> Result<f64> {
        let scrape = operator.metrics().await?;
        Ok(scrape.sum("evercert_reconciles_total", &[("controller", "certificate")]))
    };
    let queued = async || -> Result<f64> {
        let scrape = operator.metrics().await?;
        Ok(scrape.sum("evercert_reconciles_queued", &[]) + scrape.sum("evercert_reconciles_running", &[]))
    };
    let least = f64::from(look + 1) * refusals().len() as f64;
    let deadline = Instant::now() + Duration::from_secs(60);
    while reconciled().await? < least || queued().await? > 0.0 {
        ensure!(Instant::now() < deadline, "the operator does not look");
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
