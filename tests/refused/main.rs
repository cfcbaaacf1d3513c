//! What is refused, by whom, and that it costs nothing and changes nothing: certificates that are not what was asked
//! for, accounts that cannot serve, policies, Secrets of others, approvals. One world for all of it.

mod approvals;
mod deliveries;
mod issuers;
mod policies;
mod secrets;

use anyhow::{Context, Result, bail};
use futures::{FutureExt, future::LocalBoxFuture, future::join_all};
use harness::{Objects, World, WorldOptions, condition};
use serde_json::{Value, json};

type Scene<'a> = (&'static str, LocalBoxFuture<'a, Result<()>>);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_says_why_and_changes_nothing() -> Result<()> {
    let mut options = WorldOptions::default();
    options.sandbox.args = ["--rate-limit", "off"].map(str::to_owned).to_vec();
    let world = World::start(options).await?;
    let rate = json!({"spec": {"rateLimit": {"requests": 100_000, "per": "60s", "burst": 10_000}}});
    world.objects.patch("Issuer", "digicert", rate).await?;
    let _operator = world.operator().await?;

    let scenes = [
        approvals::scenes(&world),
        deliveries::scenes(&world),
        issuers::scenes(&world),
        policies::scenes(&world),
        secrets::scenes(&world),
    ];
    let played = join_all(scenes.into_iter().flatten().map(async |(name, scene)| (name, scene.await))).await;
    let failed: Vec<String> =
        played.into_iter().filter_map(|(name, result)| Some(format!("{name}: {:#}", result.err()?))).collect();
    if failed.is_empty() { Ok(()) } else { bail!("{}", failed.join("\n\n")) }
}

fn scene<'a>(name: &'static str, play: impl Future<Output = Result<()>> + 'a) -> Scene<'a> {
    (name, play.boxed_local())
}

/// A Certificate for `<name>.example.com` in a Secret of its name.
async fn ask(objects: &Objects, name: &str, changes: Value) -> Result<()> {
    let mut spec = json!({
        "issuerRef": {"name": "digicert"}, "secretName": name, "dnsNames": [format!("{name}.example.com")],
    });
    for (key, value) in changes.as_object().context("an object of changes")? {
        spec[key] = value.clone();
    }
    objects.create("Certificate", name, spec).await.map(drop)
}

/// Waits until a condition of a Certificate has this reason, and returns its message.
async fn reason(objects: &Objects, name: &str, type_: &str, reason: &str) -> Result<String> {
    said(objects, "Certificate", name, type_, &format!("is {reason}"), |found| found["reason"] == reason).await
}

/// Waits until a condition of an object says this, and returns its message.
async fn said(
    objects: &Objects,
    kind: &str,
    name: &str,
    type_: &str,
    what: &str,
    holds: impl Fn(&Value) -> bool,
) -> Result<String> {
    let so = |object: &Value| condition(object, type_).is_some_and(&holds);
    let object = objects.until(kind, name, &format!("{type_} {what}"), so).await?;
    let message = condition(&object, type_).and_then(|found| found["message"].as_str());
    Ok(message.unwrap_or_default().to_owned())
}

/// Nothing was ever accepted for `<name>.example.com`.
async fn nothing_bought(world: &World, name: &str) -> Result<()> {
    let ledger = world.sandbox.ledger().await?;
    let common_name = format!("{name}.example.com");
    let of_name = |operation: &&harness::Operation| operation.common_name.as_ref() == Some(&common_name);
    match ledger.operations.iter().find(of_name) {
        None => Ok(()),
        Some(operation) => bail!("{operation:?} was accepted"),
    }
}
