//! What is refused, by whom, and that it costs nothing and changes nothing: certificates that are not what was asked
//! for, accounts that cannot serve, policies, Secrets of others, approvals. One world for all of it.

mod approvals;
mod calls;
mod deliveries;
mod issuers;
mod policies;
mod secrets;

use anyhow::{Result, bail};
use harness::{Objects, World, WorldOptions, common_name, condition, play};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_says_why_and_changes_nothing() -> Result<()> {
    let world = World::start(WorldOptions { unlimited: true, ..WorldOptions::default() }).await?;
    let _operator = world.operator().await?;

    let scenes = [
        approvals::scenes(&world),
        deliveries::scenes(&world),
        issuers::scenes(&world),
        policies::scenes(&world),
        secrets::scenes(&world),
    ];
    play(scenes.into_iter().flatten()).await
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
    let common_name = common_name(name);
    let of_name = |operation: &&harness::Operation| operation.common_name.as_ref() == Some(&common_name);
    match ledger.operations.iter().find(of_name) {
        None => Ok(()),
        Some(operation) => bail!("{operation:?} was accepted"),
    }
}
