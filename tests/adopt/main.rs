//! What was bought by hand is taken over without a purchase, and what belongs to others is not touched.

mod hand;
mod refusals;
mod taken;

use anyhow::{Context, Result, bail, ensure};
use futures::{FutureExt, future::LocalBoxFuture, future::join_all};
use harness::{Ledger, Objects, World, WorldOptions, condition};
use serde_json::{Value, json};

type Scene<'a> = (&'static str, LocalBoxFuture<'a, Result<()>>);

#[tokio::test(flavor = "multi_thread")]
async fn what_was_bought_by_hand_is_taken_over_and_nothing_of_others() -> Result<()> {
    let mut options = WorldOptions::default();
    options.sandbox.args = ["--rate-limit", "off"].map(str::to_owned).to_vec();
    let world = World::start(options).await?;
    world.objects.patch("Issuer", "digicert", json!({"spec": {"rateLimit": hasty()}})).await?;
    let _operator = world.operator().await?;

    let scenes = taken::scenes(&world).into_iter().chain(refusals::scenes(&world));
    let played = join_all(scenes.map(async |(name, scene)| (name, scene.await))).await;
    let failed: Vec<String> =
        played.into_iter().filter_map(|(name, result)| Some(format!("{name}: {:#}", result.err()?))).collect();
    ensure!(failed.is_empty(), "{}", failed.join("\n\n"));
    taken::renewed(&world).await
}

fn scene<'a>(name: &'static str, play: impl Future<Output = Result<()>> + 'a) -> Scene<'a> {
    (name, play.boxed_local())
}

fn hasty() -> Value {
    json!({"requests": 100_000, "per": "60s", "burst": 10_000})
}

/// `<name>.example.com`
fn fqdn(name: &str) -> String {
    format!("{name}.example.com")
}

/// A Certificate for `<name>.example.com` in a Secret of its name.
async fn ask(objects: &Objects, name: &str, changes: Value) -> Result<()> {
    let mut spec = json!({
        "issuerRef": {"name": "digicert"}, "secretName": name, "dnsNames": [fqdn(name)], "takeOverSecret": true,
    });
    for (key, value) in changes.as_object().context("an object of changes")? {
        spec[key] = value.clone();
    }
    objects.create("Certificate", name, spec).await.map(drop)
}

/// An issuer of its own, with this policy.
async fn issuer(world: &World, objects: &Objects, name: &str, policy: Value) -> Result<()> {
    let mut issuer = world.issuer();
    issuer["rateLimit"] = hasty();
    issuer["policy"] = policy;
    objects.create("Issuer", name, issuer).await.map(drop)
}

/// Waits until a person is asked for this reason, and returns the message.
async fn required(objects: &Objects, name: &str, reason: &str) -> Result<String> {
    let so = |object: &Value| condition(object, "ActionRequired").is_some_and(|asked| asked["reason"] == reason);
    let object = objects.until("Certificate", name, &format!("a person is asked: {reason}"), so).await?;
    let message = condition(&object, "ActionRequired").and_then(|asked| asked["message"].as_str());
    Ok(message.unwrap_or_default().to_owned())
}

/// What the CA has accepted for `<name>.example.com`, in order.
async fn accepted(world: &World, name: &str) -> Result<Vec<String>> {
    let Ledger { operations, .. } = world.sandbox.ledger().await?;
    let of_name = operations.into_iter().filter(|operation| operation.common_name.as_ref() == Some(&fqdn(name)));
    Ok(of_name.map(|operation| operation.kind).collect())
}

/// Only what was bought by hand.
async fn nothing_else(world: &World, name: &str) -> Result<()> {
    match accepted(world, name).await?.as_slice() {
        [order] if order == "order" => Ok(()),
        other => bail!("{name}: {other:?}"),
    }
}
