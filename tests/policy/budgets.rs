//! `maxPaid`: so many operations that may cost in a period, whatever happens.

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use harness::{World, condition};
use serde_json::{Value, json};

use crate::stage::{ask, cluster_issuer, exhausted, issuer, make, paid, reserved, told, unmake, world};

const DAILY_TWO: [&str; 4] = ["one", "two", "three", "four"];

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_stops_purchases_until_there_is_room_again() -> Result<()> {
    let world = world().await?;
    issuer(&world, "two-a-day", json!({"maxPaid": {"count": 2, "per": "24h"}})).await?;
    issuer(&world, "one-a-day", json!({"maxPaid": {"count": 1, "per": "24h"}})).await?;
    cluster_issuer(&world, "shared", json!({"maxPaid": {"count": 1, "per": "24h"}})).await?;
    let operator = world.operator().await?;
    tokio::try_join!(two_a_day(&world), two_at_once(&world), submitted_again(&world), namespace_made_anew(&world))?;

    let metrics = operator.metrics().await?;
    let left = metrics.samples("evercert_budget_left", &[("rule", "all"), ("name", "two-a-day")]);
    ensure!(left.len() == 1 && left[0].value == 0.0, "{left:?}");

    // A day later there is room again, without anybody's doing.
    world.sandbox.advance_days(1).await?;
    try_join_all(DAILY_TWO.iter().map(|name| world.objects.until_ready(name, 1))).await?;
    ensure!(paid(&world, &DAILY_TWO).await? == 4);
    let kept = reserved(&world.objects, "Issuer", "two-a-day").await?;
    ensure!(kept.len() == 2, "those of yesterday are forgotten: {kept:?}");
    Ok(())
}

/// Two of four get what they want; the others say why not, how many there may be, and when the next is free.
async fn two_a_day(world: &World) -> Result<()> {
    let objects = &world.objects;
    try_join_all(DAILY_TWO.iter().map(|name| ask(objects, name, json!({"name": "two-a-day"})))).await?;
    let settled = DAILY_TWO.iter().map(|name| {
        objects.until("Certificate", name, "it is settled", |object| {
            condition(object, "Ready")
                .is_some_and(|ready| ready["status"] == "True" || ready["reason"] == "BudgetExhausted")
                && object["status"]["issuance"].is_null()
        })
    });
    let settled = try_join_all(settled).await?;
    let waits = |object: &&Value| condition(object, "Ready").is_some_and(|ready| ready["reason"] == "BudgetExhausted");
    let waiting: Vec<&Value> = settled.iter().filter(waits).collect();
    ensure!(waiting.len() == 2 && paid(world, &DAILY_TWO).await? == 2, "{} wait", waiting.len());
    for certificate in waiting {
        let name = certificate["metadata"]["name"].as_str().unwrap_or_default();
        let message = exhausted(objects, name).await?;
        for part in ["policy rule all", "allows 2 operations that may cost in 24h", "the next is free at 20"] {
            ensure!(message.contains(part), "{part} is not in: {message}");
        }
        ensure!(condition(certificate, "ActionRequired").is_none(), "nobody is needed");
    }
    Ok(())
}

async fn two_at_once(world: &World) -> Result<()> {
    let objects = &world.objects;
    let names = ["left", "right"];
    try_join_all(names.iter().map(|name| ask(objects, name, json!({"name": "one-a-day"})))).await?;
    let refused = names.iter().map(|name| {
        objects.until("Certificate", name, "it is settled", |object| {
            condition(object, "Ready")
                .is_some_and(|ready| ready["status"] == "True" || ready["reason"] == "BudgetExhausted")
                && object["status"]["issuance"].is_null()
        })
    });
    try_join_all(refused).await?;
    ensure!(paid(world, &names).await? == 1, "one of the two");
    Ok(())
}

/// What was certainly not executed hands its reservation on.
async fn submitted_again(world: &World) -> Result<()> {
    let objects = &world.objects;
    issuer(world, "again", json!({"maxPaid": {"count": 1, "per": "24h"}})).await?;
    let refusal = json!({"kind": "rateLimit", "match": {"operation": "order", "commonName": "again.example.com"}});
    world.sandbox.fault(&refusal).await?;
    ask(objects, "again", json!({"name": "again"})).await?;
    objects.until_ready("again", 1).await?;
    let issuance = objects.get("Issuance", "again-1").await?;
    let outcomes: Vec<&Value> =
        issuance["status"]["outcomes"].as_array().into_iter().flatten().map(|outcome| &outcome["class"]).collect();
    ensure!(outcomes == ["RateLimited", "Accepted"], "{outcomes:?}");
    let kept = reserved(objects, "Issuer", "again").await?;
    ensure!(kept == ["again-1/2"], "{kept:?}");

    ask(objects, "later", json!({"name": "again"})).await?;
    exhausted(objects, "later").await?;
    ensure!(paid(world, &["again", "later"]).await? == 1);
    Ok(())
}

/// The reservation outlives the namespace: what is made anew under the same names is refused, as it is in another one.
async fn namespace_made_anew(world: &World) -> Result<()> {
    let shared = json!({"kind": "ClusterIssuer", "name": "shared"});
    let before = make(world, "passing").await?;
    ask(&before, "passing", shared.clone()).await?;
    before.until_ready("passing", 1).await?;
    unmake(world, "passing").await?;

    let after = make(world, "passing").await?;
    ask(&after, "passing", shared.clone()).await?;
    exhausted(&after, "passing").await?;
    let elsewhere = make(world, "elsewhere").await?;
    ask(&elsewhere, "elsewhere", shared).await?;
    exhausted(&elsewhere, "elsewhere").await?;
    ensure!(paid(world, &["passing", "elsewhere"]).await? == 1);
    let kept = reserved(&after, "ClusterIssuer", "shared").await?;
    ensure!(kept == ["passing-1/1"], "{kept:?}");
    Ok(())
}

/// A limit that was raised counts at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_death_after_the_reservation_loses_nothing_and_buys_nothing_more() -> Result<()> {
    let world = world().await?;
    let objects = &world.objects;
    issuer(&world, "limited", json!({"maxPaid": {"count": 1, "per": "24h"}})).await?;
    let mut operator = world.operator_with(&[("EVERCERT_DIE_AT", "reserve.after@first-1")]).await?;
    ask(objects, "first", json!({"name": "limited"})).await?;
    let code = operator.ended().await?;
    ensure!(code == 128 + 9, "ended with {code}");
    ensure!(objects.names("Issuance").await?.is_empty(), "no intent is recorded");
    ensure!(reserved(objects, "Issuer", "limited").await? == ["first-1/1"]);
    ask(objects, "second", json!({"name": "limited"})).await?;

    world.drop_lease().await?;
    let _operator = world.operator().await?;
    objects.until_ready("first", 1).await?;
    exhausted(objects, "second").await?;
    ensure!(reserved(objects, "Issuer", "limited").await? == ["first-1/1"], "one reservation, of the first");
    ensure!(paid(&world, &["first", "second"]).await? == 1);

    let rules = json!([{"name": "all", "namespaceSelector": {}, "maxPaid": {"count": 2, "per": "24h"}}]);
    objects.patch("Issuer", "limited", json!({"spec": {"policy": {"rules": rules}}})).await?;
    objects.until_ready("second", 1).await?;
    told(objects, "Certificate", "second", "Ready", "Issued").await?;
    ensure!(paid(&world, &["first", "second"]).await? == 2);
    Ok(())
}
