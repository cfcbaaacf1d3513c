//! A certificate that somebody revoked is noticed, whoever tells, and replaced on its order.

use anyhow::{Context, Result, ensure};
use harness::{Times, World, WorldOptions, condition};
use serde_json::{Value, json};

use crate::{
    pending::{CHANGES, until},
    spec,
};

/// Lists are fetched, and accounts asked, every second; each order is looked at twice a minute or so.
async fn world() -> Result<World> {
    world_that_looks_every("1s").await
}

async fn world_that_looks_every(period: &str) -> Result<World> {
    let operator = ["--revocation-period", period].map(str::to_owned).to_vec();
    let times = Times { call: 30, lease: 60, settle: 30 };
    World::start(WorldOptions { operator, times, ..WorldOptions::default() }).await
}

async fn served(world: &World, name: &str) -> Result<Value> {
    world.objects.create("Certificate", name, spec(name)).await?;
    world.objects.until_ready(name, 1).await
}

async fn revoke(world: &World, certificate: &Value, only: &str) -> Result<()> {
    let serial = certificate["status"]["serialNumber"].as_str().context("a serial number")?;
    let how = json!({"reason": "keyCompromise", "only": only});
    world.sandbox.post(&format!("/_sandbox/certificates/{serial}/revoke"), &how).await.map(drop)
}

/// Ready is False with reason Revoked, and the status says who told.
async fn noticed(world: &World, name: &str, seen_in: &str) -> Result<Value> {
    let revoked = |object: &Value| {
        let ready = condition(object, "Ready").is_some_and(|it| it["status"] == "False" && it["reason"] == "Revoked");
        ready && object["status"]["revoked"]["seenIn"] == seen_in
    };
    world.objects.until("Certificate", name, &format!("{seen_in} says it is revoked"), revoked).await
}

/// How many Events say that a certificate was found revoked, the restarts of the operator notwithstanding.
fn told_of(world: &World, name: &str) -> Result<usize> {
    let events = world.kubectl(&["get", "events.events.k8s.io", "-n", &world.objects.namespace, "-o", "json"])?;
    let events: Value = serde_json::from_str(&events)?;
    let about = |event: &&Value| event["reason"] == "FoundRevoked" && event["regarding"]["name"] == name;
    let about = events["items"].as_array().into_iter().flatten().filter(about);
    Ok(about.map(|event| 1 + event["series"]["count"].as_u64().unwrap_or_default() as usize).sum())
}

async fn placed(world: &World, issuance: &str) -> Result<()> {
    let accepted = |issuance: &Value| issuance["status"]["orderId"].is_string();
    world.objects.until("Issuance", issuance, "the reissue is accepted", accepted).await.map(drop)
}

/// Once the reissue that the CA holds back is let go, the same order has another certificate, for another key, and
/// nothing was bought.
async fn replaced(world: &World, before: &Value) -> Result<()> {
    let name = before["metadata"]["name"].as_str().context("a name")?;
    placed(world, &format!("{name}-2")).await?;
    let order = before["status"]["order"]["orderId"].as_str().context("an order")?;
    world.sandbox.post(&format!("/_sandbox/orders/{order}/release"), &json!({})).await?;
    let after = world.objects.until_ready(name, 2).await?;
    for (what, same) in [("serialNumber", false), ("publicKeySha256", false)] {
        ensure!((before["status"][what] == after["status"][what]) == same, "{what}: {after:#}");
    }
    ensure!(before["status"]["order"]["orderId"] == after["status"]["order"]["orderId"], "another order");
    ensure!(after["status"]["revoked"].is_null(), "what is served now is not revoked: {:#}", after["status"]);
    let issuance = world.objects.get("Issuance", &format!("{name}-2")).await?;
    ensure!(issuance["spec"]["reason"] == "Revoked" && issuance["spec"]["operation"] == "Reissue", "{issuance:#}");
    let (ledger, common_name) = (world.sandbox.ledger().await?, format!("{name}.example.com"));
    ensure!(ledger.paid(&common_name) == 1 && ledger.count("reissue", &common_name) == 1, "{ledger:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_only_the_list_of_the_ca_shows_is_noticed_and_outlives_a_restart() -> Result<()> {
    let world = world().await?;
    let mut operator = world.operator().await?;
    let before = served(&world, "listed").await?;
    let other = served(&world, "spared").await?;
    world.sandbox.fault(&json!({"match": {"operation": "reissue"}, "kind": "stayPending"})).await?;
    revoke(&world, &before, "ca").await?;
    let told = noticed(&world, "listed", "CRL").await?;
    ensure!(told["status"]["revoked"]["reason"] == "keyCompromise", "{:#}", told["status"]["revoked"]);
    // A death in the middle of the call is never_twice's: recovering from it takes longer than anybody waits here.
    placed(&world, "listed-2").await?;

    operator.kill().await?;
    world.drop_lease().await?;
    let _operator = world.operator().await?;
    replaced(&world, &before).await?;
    ensure!(told_of(&world, "listed")? == 1 && told_of(&world, "spared")? == 0, "an Event for each finding");
    let spared = world.objects.get("Certificate", "spared").await?;
    ensure!(spared["status"]["serialNumber"] == other["status"]["serialNumber"], "another certificate was replaced");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_only_the_provider_shows_is_noticed() -> Result<()> {
    let world = world().await?;
    let _operator = world.operator().await?;
    let before = served(&world, "told").await?;
    world.sandbox.fault(&json!({"match": {"operation": "reissue"}, "kind": "stayPending"})).await?;
    revoke(&world, &before, "provider").await?;
    noticed(&world, "told", "Provider").await?;
    replaced(&world, &before).await
}

/// Where nothing is pending, the account is asked all the same, and what it names is looked at: its own turn would come
/// within minutes.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_noticed_among_what_the_account_tells() -> Result<()> {
    let world = world_that_looks_every("20s").await?;
    let _operator = world.operator().await?;
    let before = served(&world, "named").await?;
    // What was named since then was not changed by the order itself.
    world.sandbox.advance_days(1).await?;
    world.sandbox.forget_calls().await?;
    until(&world.sandbox, CHANGES, 2).await?;
    revoke(&world, &before, "provider").await?;
    noticed(&world, "named", "Provider").await?;
    replaced(&world, &before).await
}

/// Nothing can be reissued on an order that was revoked as a whole, and nothing is bought in its place unless somebody
/// asks for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_order_waits_for_a_person() -> Result<()> {
    let world = world().await?;
    let mut operator = world.operator().await?;
    let before = served(&world, "whole").await?;
    let order = before["status"]["order"]["orderId"].as_str().context("an order")?;
    let account = &world.sandbox.ready()["digicert"];
    let (url, key) = (account["url"].as_str().context("a URL")?, account["apiKey"].as_str().context("a key")?);
    let revoked = reqwest::Client::new()
        .put(format!("{url}/order/certificate/{order}/revoke"))
        .header("X-DC-DEVKEY", key)
        .json(&json!({"skip_approval": true, "comments": "by somebody"}));
    revoked.send().await?.error_for_status()?;
    let waits = |object: &Value| {
        condition(object, "ActionRequired").is_some_and(|it| it["message"].to_string().contains("was revoked"))
            && condition(object, "Ready").is_some_and(|it| it["reason"] == "Revoked")
    };
    let asked = world.objects.until("Certificate", "whole", "a person is asked for", waits).await?;
    ensure!(world.sandbox.ledger().await?.paid("whole.example.com") == 1, "nothing is bought");

    // A new process knows it too, before it has looked: it writes nothing.
    operator.terminate().await?;
    let _operator = world.operator().await?;
    served(&world, "next").await?;
    let still = world.objects.get("Certificate", "whole").await?;
    ensure!(still["status"] == asked["status"], "{:#} became {:#}", asked["status"], still["status"]);

    let token = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": "buy"}}});
    world.objects.patch("Certificate", "whole", token).await?;
    let after = world.objects.until_ready("whole", 2).await?;
    ensure!(after["status"]["order"]["orderId"] != before["status"]["order"]["orderId"], "a new order");
    ensure!(world.sandbox.ledger().await?.paid("whole.example.com") == 2, "asked for");
    ensure!(told_of(&world, "whole")? == 1, "one Event for one finding");
    Ok(())
}

/// Its certificate names no list, only a responder.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_only_the_ocsp_responder_shows_is_noticed() -> Result<()> {
    let world = world().await?;
    let _operator = world.operator().await?;
    world.sandbox.fault(&json!({"match": {"operation": "order"}, "kind": "ocspOnly"})).await?;
    let before = served(&world, "asked").await?;
    world.sandbox.fault(&json!({"match": {"operation": "reissue"}, "kind": "stayPending"})).await?;
    revoke(&world, &before, "ca").await?;
    let told = noticed(&world, "asked", "OCSP").await?;
    ensure!(told["status"]["revoked"]["reason"] == "keyCompromise", "{:#}", told["status"]["revoked"]);
    replaced(&world, &before).await
}
