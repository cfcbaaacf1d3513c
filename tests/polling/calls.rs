//! Calls of an undisturbed operation, counted by the CA.

use anyhow::{Result, ensure};
use harness::Sandbox;
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
        let downloaded = (name == "withheld").then_some(DOWNLOAD);

        sandbox.forget_calls().await?;
        objects.create("Certificate", name, spec(name)).await?;
        let ordered = objects.until_ready(name, 1).await?;
        expect(sandbox, "order", [BY_KEY, BY_NAME, ORDER, INFO].into_iter().chain(downloaded)).await?;
        ensure!(ordered["status"]["order"]["validTill"].is_string(), "the end of the order is known");

        sandbox.forget_calls().await?;
        let token = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": "now"}}});
        objects.patch("Certificate", name, token).await?;
        let reissued = objects.until_ready(name, 2).await?;
        expect(sandbox, "reissue", [INFO, REISSUE].into_iter().chain(downloaded)).await?;
        for known in ["orderId", "validTill"] {
            let (before, after) = (&ordered["status"]["order"][known], &reissued["status"]["order"][known]);
            ensure!(before == after && after.is_string(), "{known}: {before} became {after}");
        }
    }
    // What has expired by then is reissued to the order's end; then the order has no more to give.
    objects.delete("Certificate", "shown").await?;
    sandbox.advance_days(330).await?;
    objects.until_ready("withheld", 3).await?;
    objects.patch("Certificate", "withheld", json!({"spec": {"renewal": {"before": "790h"}}})).await?;
    objects.until_ready("withheld", 3).await?;
    sandbox.forget_calls().await?;
    sandbox.advance_days(4).await?;
    objects.until_ready("withheld", 4).await?;
    ensure!(sandbox.ledger().await?.count("renew", "withheld.example.com") == 1, "it is renewed");
    // One more than in life: found by name, the old order is not old enough on the machine's clock to be left out.
    let renewal = [INFO, BY_KEY, INFO, BY_NAME, INFO, ORDER, INFO, DOWNLOAD];
    expect(sandbox, "renewal", renewal.into_iter()).await
}

/// Exactly these calls were made, in whatever order.
async fn expect(sandbox: &Sandbox, what: &str, calls: impl Iterator<Item = &'static str>) -> Result<()> {
    let mut expected = std::collections::BTreeMap::<String, u64>::new();
    for call in calls {
        *expected.entry(call.to_owned()).or_default() += 1;
    }
    let mut made = sandbox.calls().await?;
    // The account itself is looked at by its own hours.
    made.retain(|call, _| call.contains("certificate") || call.contains("/order/"));
    ensure!(made == expected, "{what}: {made:?} were made, not {expected:?}");
    Ok(())
}
