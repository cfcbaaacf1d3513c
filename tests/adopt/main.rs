//! What was bought by hand is taken over without a purchase, and what belongs to others is not touched.

mod refusals;
mod taken;

use anyhow::{Result, bail};
use harness::{Ledger, Objects, World, WorldOptions, common_name, condition, play};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_bought_by_hand_is_taken_over_and_nothing_of_others() -> Result<()> {
    let world = World::start(WorldOptions { unlimited: true, ..WorldOptions::default() }).await?;
    let _operator = world.operator().await?;

    play(taken::scenes(&world).into_iter().chain(refusals::scenes(&world))).await?;
    taken::renewed(&world).await
}

/// A Certificate that may take over the Secret of its name.
async fn ask(objects: &Objects, name: &str, mut changes: Value) -> Result<()> {
    changes["takeOverSecret"] = json!(true);
    objects.ask(name, changes).await
}

/// An issuer of its own, with this policy.
async fn issuer(world: &World, objects: &Objects, name: &str, policy: Value) -> Result<()> {
    let mut issuer = world.issuer();
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
    let of_name = operations.into_iter().filter(|operation| operation.common_name.as_ref() == Some(&common_name(name)));
    Ok(of_name.map(|operation| operation.kind).collect())
}

/// Only what was bought by hand.
async fn nothing_else(world: &World, name: &str) -> Result<()> {
    match accepted(world, name).await?.as_slice() {
        [order] if order == "order" => Ok(()),
        other => bail!("{name}: {other:?}"),
    }
}
