//! What is pending at an account costs calls by time, not by number.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use harness::{Sandbox, World, WorldOptions, condition};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{settings, spec, world};

const MANY: u64 = 50;
pub const CHANGES: &str = "GET /order/certificate/status-changes";
const INFO: &str = "GET /order/certificate/{id}";
const DOWNLOAD: &str = "GET /certificate/{id}/download/format/pem_all";

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_wait_for_approval_are_asked_about_together() -> Result<()> {
    let world = world().await?;
    let _operator = world.operator().await?;
    let (objects, sandbox) = (&world.objects, &world.sandbox);
    settings(sandbox, json!({"approvalRequired": true})).await?;
    let names: Vec<String> = (0..MANY).map(|n| format!("many{n}")).collect();
    try_join_all(names.iter().map(|name| objects.create("Certificate", name, spec(name)))).await?;
    let waiting = names.iter().map(async |name| {
        let approval = |issuance: &serde_json::Value| condition(issuance, "ActionRequired").is_some();
        objects.until("Issuance", &format!("{name}-1"), "it waits for approval", approval).await
    });
    let waiting = try_join_all(waiting).await?;

    // One that an answer names while it is first looked at is looked at once more.
    sandbox.forget_calls().await?;
    until(sandbox, CHANGES, 3).await?;
    // Nothing happens: a few calls for all of them, and none for each.
    sandbox.forget_calls().await?;
    until(sandbox, CHANGES, 3).await?;
    let calls = sandbox.calls().await?;
    ensure!(!calls.contains_key(INFO), "orders were looked at: {calls:?}");

    sandbox.forget_calls().await?;
    let begun = Instant::now();
    for issuance in &waiting {
        let request = issuance["status"]["requestId"].as_str().unwrap_or_default();
        sandbox.post(&format!("/_sandbox/requests/{request}/approve"), &json!({})).await?;
    }
    try_join_all(names.iter().map(|name| objects.until_ready(name, 1))).await?;
    let calls = sandbox.calls().await?;
    let count = |call: &str| calls.get(call).copied().unwrap_or_default();
    ensure!(count(INFO) == MANY && count(DOWNLOAD) == MANY, "each is looked at once, when it is named: {calls:?}");
    // At most every five seconds.
    ensure!(count(CHANGES) <= begun.elapsed().as_secs() / 5 + 2, "{calls:?}");
    Ok(())
}

/// A credential that may not ask for changes: orders are looked at one by one, as before.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_does_not_tell_is_asked_about_each_order() -> Result<()> {
    let world = world().await?;
    let _operator = world.operator().await?;
    let (objects, sandbox) = (&world.objects, &world.sandbox);
    let refused = json!({"match": {"path": "/order/certificate/status-changes"}, "kind": "errorBeforeCommit",
                         "status": 403, "times": 1000});
    sandbox.fault(&refused).await?;
    sandbox.fault(&json!({"match": {"operation": "order"}, "kind": "stayPending"})).await?;
    objects.create("Certificate", "alone", spec("alone")).await?;
    let placed = |issuance: &serde_json::Value| issuance["status"]["orderId"].is_string();
    let issuance = objects.until("Issuance", "alone-1", "it is placed", placed).await?;
    until(sandbox, INFO, 2).await?;
    let order = issuance["status"]["orderId"].as_str().unwrap_or_default();
    sandbox.post(&format!("/_sandbox/orders/{order}/release"), &json!({})).await?;
    objects.until_ready("alone", 1).await?;
    Ok(())
}

/// The provider is asked to look when our own check sees the records, and not again and again.
#[tokio::test(flavor = "multi_thread")]
async fn domain_validation_asks_once_the_records_are_visible() -> Result<()> {
    let mut options = WorldOptions { log: Some("debug".to_owned()), ..WorldOptions::default() };
    options.sandbox.check_dcv = true;
    // The CA does not look by itself meanwhile.
    options.sandbox.args = vec!["--poll-seconds".into(), "3600".into()];
    let world = World::start(options).await?;
    let operator = world.operator().await?;
    // Its domains are validated anew with every order.
    let product = json!({"spec": {"digicert": {"product": "ssl_dv_geotrust_flex", "organizationId": null}}});
    world.objects.patch("Issuer", "digicert", product).await?;
    world.objects.create("Certificate", "validated", spec("validated")).await?;
    world.objects.until_ready("validated", 1).await?;
    let calls = world.sandbox.calls().await?;
    let count = |call: &str| calls.get(call).copied().unwrap_or_default();
    ensure!(count("PUT /order/certificate/{id}/check-dcv") == 1, "{calls:?}");
    ensure!(count(INFO) <= 3, "{calls:?}");
    let log = operator.log();
    let step = |effect: &str| log.find(&format!("effect=Dcv({effect}")).with_context(|| format!("no {effect}:\n{log}"));
    ensure!(step("Publish")? < step("Check")? && step("Check")? < step("Ask")?, "asked before it was seen:\n{log}");
    Ok(())
}

/// Waits until the CA has answered this call so often.
pub async fn until(sandbox: &Sandbox, call: &str, times: u64) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while sandbox.calls().await?.get(call).copied().unwrap_or_default() < times {
        ensure!(Instant::now() < deadline, "{call} was not made {times} times: {:?}", sandbox.calls().await?);
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
