//! Calls of an undisturbed operation, counted by the CA.

use anyhow::{Result, ensure};
use harness::{Sandbox, World};
use serde_json::json;

use crate::{settings, spec, world};

const INFO: &str = "GET /order/certificate/{id}";
const REISSUE: &str = "POST /order/certificate/{id}/reissue";
const ORDER: &str = "POST /order/certificate/ssl_basic";
const BY_KEY: &str = "GET /order/alternate/{id}";
const BY_NAME: &str = "GET /order/certificate";
const DOWNLOAD: &str = "GET /certificate/{id}/download/format/pem_all";

/// Whether the certificate is in the answer to the submission or not, as accounts differ.
#[tokio::test(flavor = "multi_thread")]
async fn a_reissue_takes_three_calls_at_most_and_a_purchase_few_more() -> Result<()> {
    let world = world().await?;
    let _operator = world.operator().await?;
    let (objects, sandbox) = (&world.objects, &world.sandbox);
    for name in ["shown", "withheld"] {
        settings(sandbox, json!({"chainWithheld": name == "withheld"})).await?;
        sandbox.forget_calls().await?;
        objects.create("Certificate", name, spec(name)).await?;
        let ordered = objects.until_ready(name, 1).await?;
        at_most(sandbox, "order", &[BY_KEY, BY_NAME, ORDER, INFO, DOWNLOAD]).await?;
        ensure!(ordered["status"]["order"]["validTill"].is_string(), "the end of the order is known");

        // The fewest of several: what came with the answer is lost when its reconcile is disturbed.
        let mut fewest = usize::MAX;
        for revision in 2..5 {
            fewest = fewest.min(reissue(&world, name, revision).await?);
        }
        ensure!(fewest == if name == "shown" { 2 } else { 3 }, "{name}: {fewest} calls");
        let reissued = objects.until_ready(name, 4).await?;
        for known in ["orderId", "validTill"] {
            let (before, after) = (&ordered["status"]["order"][known], &reissued["status"]["order"][known]);
            ensure!(before == after && after.is_string(), "{known}: {before} became {after}");
        }
    }
    // What has expired by then is reissued to the order's end; then the order has no more to give.
    objects.delete("Certificate", "shown").await?;
    sandbox.advance_days(330).await?;
    objects.until_ready("withheld", 5).await?;
    objects.patch("Certificate", "withheld", json!({"spec": {"renewal": {"before": "790h"}}})).await?;
    objects.until_ready("withheld", 5).await?;
    sandbox.forget_calls().await?;
    sandbox.advance_days(4).await?;
    objects.until_ready("withheld", 6).await?;
    ensure!(sandbox.ledger().await?.count("renew", "withheld.example.com") == 1, "it is renewed");
    // One more than in life: found by name, the old order is not old enough on the machine's clock to be left out.
    let renewal = [INFO, BY_KEY, INFO, BY_NAME, INFO, ORDER, INFO, DOWNLOAD];
    at_most(sandbox, "renewal", &renewal).await.map(drop)
}

async fn reissue(world: &World, name: &str, revision: i64) -> Result<usize> {
    world.sandbox.forget_calls().await?;
    let token = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": revision.to_string()}}});
    world.objects.patch("Certificate", name, token).await?;
    world.objects.until_ready(name, revision).await?;
    at_most(&world.sandbox, "reissue", &[INFO, REISSUE, DOWNLOAD]).await
}

/// What a disturbed operation costs more: one look for what it has placed.
const LOOK: usize = 3;

/// How many calls were made; not more than these, but for one disturbance.
async fn at_most(sandbox: &Sandbox, what: &str, calls: &[&str]) -> Result<usize> {
    let mut made = sandbox.calls().await?;
    // The account itself is looked at by its own hours.
    made.retain(|call, _| {
        !call.ends_with("/status-changes") && (call.contains("certificate") || call.contains("/order/"))
    });
    let count = made.values().sum::<u64>() as usize;
    ensure!(count <= calls.len() + LOOK, "{what}: {made:?} were made, {calls:?} are needed");
    Ok(count)
}
