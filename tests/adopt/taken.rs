//! What is taken over.

use anyhow::{Context, Result, ensure};
use evercert::pki::payload::read_pair;
use harness::{Objects, Scene, World, common_name, condition, hand, scene};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use serde_json::{Value, json};

use super::{accepted, ask, issuer, nothing_else, required};

pub fn scenes(world: &World) -> Vec<Scene<'_>> {
    vec![
        scene("a pair in a Secret", pair(world)),
        scene("an order without its key", keyless(world)),
        scene("names that are not wanted any more", fewer(world)),
        scene("an order that is pending", pending(world)),
        scene("an existing order instead of a first purchase", matching(world)),
    ]
}

/// It is kept as it is, and from then on reissued on its order.
async fn pair(world: &World) -> Result<()> {
    let objects = &world.objects;
    let order = hand::buy(&world.sandbox, &[&common_name("pair")], json!({})).await?;
    let before = hand::keep(&world.objects, "pair", &order).await?;
    ask(objects, "pair", json!({"adopt": {"orderId": order.id}})).await?;
    let ready = objects.until_ready("pair", 1).await?;
    ensure!(ready["status"]["order"]["orderId"] == order.id.as_str(), "{:#}", ready["status"]);
    let after = secret(objects, "pair").await?;
    ensure!(after.uid() == before.uid() && after.labels()["tool"] == "theirs", "it was made anew");
    ensure!(value(&after, "tls.key") == order.pem.as_bytes(), "the key is kept");
    let leaf = |secret: &Secret| read_pair(value(secret, "tls.crt"), value(secret, "tls.key")).map(|pair| pair.leaf);
    ensure!(leaf(&after)? == leaf(&before)?, "the certificate is kept");
    ensure!(after.annotations()["evercert.dev/order-id"] == order.id);
    let issuance = objects.get("Issuance", "pair-1").await?;
    ensure!(issuance["spec"]["operation"] == "Adopt" && issuance["spec"]["submissions"] == json!([]));
    ensure!(issuance["status"]["cost"] == "Free" && issuance["status"]["state"] == "Installed", "{issuance:#}");
    nothing_else(world, "pair").await?;

    // A Certificate like any other now.
    objects.secrets().delete("pair", &Default::default()).await?;
    objects.until_ready("pair", 2).await?;
    ensure!(accepted(world, "pair").await? == ["order", "reissue"]);
    Ok(())
}

/// Refused, until the issuer lists it; then it is reissued with a key of ours.
async fn keyless(world: &World) -> Result<()> {
    let objects = &world.objects;
    let order = hand::buy(&world.sandbox, &[&common_name("keyless")], json!({})).await?;
    issuer(world, objects, "keyless", json!({})).await?;
    let named = json!({"issuerRef": {"name": "keyless"}, "adopt": {"orderId": order.id}});
    ask(objects, "keyless", named).await?;
    let told = required(objects, "keyless", "AdoptionRefused").await?;
    ensure!(told.contains(&order.id) && told.contains("policy.adoptable"), "{told}");
    nothing_else(world, "keyless").await?;

    let listed = json!({"spec": {"policy": {"adoptable": [order.id]}}});
    objects.patch("Issuer", "keyless", listed).await?;
    let ready = objects.until_ready("keyless", 2).await?;
    ensure!(ready["status"]["order"]["orderId"] == order.id.as_str(), "{:#}", ready["status"]);
    ensure!(accepted(world, "keyless").await? == ["order", "reissue"]);
    let operations: Value = json!([
        objects.get("Issuance", "keyless-1").await?["spec"]["operation"],
        objects.get("Issuance", "keyless-2").await?["spec"]["operation"],
        objects.get("Issuance", "keyless-2").await?["spec"]["cost"],
    ]);
    ensure!(operations == json!(["Adopt", "Reissue", "Free"]), "{operations}");
    Ok(())
}

/// The plan says what DigiCert does with them, before it does.
async fn fewer(world: &World) -> Result<()> {
    let objects = &world.objects;
    let order = hand::buy(&world.sandbox, &[&common_name("fewer"), &common_name("old.fewer")], json!({})).await?;
    hand::keep(&world.objects, "fewer", &order).await?;
    let stays = json!({"match": {"operation": "reissue", "commonName": common_name("fewer")}, "kind": "stayPending"});
    world.sandbox.fault(&stays).await?;
    ask(objects, "fewer", json!({"adopt": {"orderId": order.id}})).await?;
    let says = |object: &Value| {
        object["status"]["next"]["summary"]
            .as_str()
            .is_some_and(|summary| summary.starts_with("Reissue under way (free), names removed: DigiCert revokes"))
    };
    objects.until("Certificate", "fewer", "the plan warns", says).await?;
    world.sandbox.post(&format!("/_sandbox/orders/{}/release", order.id), &json!({})).await?;
    objects.until_ready("fewer", 2).await?;
    ensure!(accepted(world, "fewer").await? == ["order", "reissue"]);
    Ok(())
}

/// Its certificate is waited for; the Secret holds the key already.
async fn pending(world: &World) -> Result<()> {
    let objects = &world.objects;
    let stays = json!({"match": {"operation": "order", "commonName": common_name("pending")}, "kind": "stayPending"});
    world.sandbox.fault(&stays).await?;
    let order = hand::buy(&world.sandbox, &[&common_name("pending")], json!({})).await?;
    ensure!(order.chain.is_none(), "it is issued");
    hand::keep(&world.objects, "pending", &order).await?;
    ask(objects, "pending", json!({"adopt": {"orderId": order.id}})).await?;
    let followed = |issuance: &Value| issuance["status"]["orderId"] == order.id.as_str();
    objects.until("Issuance", "pending-1", "its order is followed", followed).await?;
    world.sandbox.post(&format!("/_sandbox/orders/{}/release", order.id), &json!({})).await?;
    objects.until_ready("pending", 1).await?;
    ensure!(value(&secret(objects, "pending").await?, "tls.key") == order.pem.as_bytes());
    nothing_else(world, "pending").await
}

/// Of exactly these names, and only where the rules allow it.
async fn matching(world: &World) -> Result<()> {
    let objects = &world.objects;
    issuer(world, objects, "matching", json!({"adoptExisting": "Matching"})).await?;
    let ask = async |name: &str| ask(objects, name, json!({"issuerRef": {"name": "matching"}})).await;
    let same = hand::buy(&world.sandbox, &[&common_name("same")], json!({})).await?;
    hand::keep(&world.objects, "same", &same).await?;
    ask("same").await?;
    let ready = objects.until_ready("same", 1).await?;
    ensure!(ready["status"]["order"]["orderId"] == same.id.as_str(), "{:#}", ready["status"]);
    nothing_else(world, "same").await?;

    // Of other names, of another installation, or without its key: bought.
    let wider = hand::buy(&world.sandbox, &[&common_name("wider"), &common_name("more.wider")], json!({})).await?;
    hand::keep(&world.objects, "wider", &wider).await?;
    let mark = json!({"alternative_order_id": "aaaaaaaa-aaaa-8aaa-8aaa-aaaaaaaaaaaa"});
    let marked = hand::buy(&world.sandbox, &[&common_name("marked")], mark).await?;
    hand::keep(&world.objects, "marked", &marked).await?;
    hand::buy(&world.sandbox, &[&common_name("lost")], json!({})).await?;
    for name in ["wider", "marked", "lost"] {
        ask(name).await?;
        objects.until_ready(name, 1).await?;
        ensure!(accepted(world, name).await? == ["order", "order"], "{name}");
    }
    Ok(())
}

/// What has renewed the order that is named is what counts.
pub async fn renewed(world: &World) -> Result<()> {
    let objects = &world.objects;
    let old = hand::buy(&world.sandbox, &[&common_name("renewed")], json!({})).await?;
    ask(objects, "clock", json!({})).await?;
    objects.until_ready("clock", 1).await?;
    world.sandbox.advance_days(330).await?;
    // What has expired tells that the operator has seen the clock move: what is issued now would be of the future before.
    let served = |seen: &Value| condition(seen, "Ready").is_some_and(|ready| ready["status"] == "True");
    let moved = |seen: &Value| seen["status"]["revision"] != 1 || !served(seen);
    objects.until("Certificate", "clock", "the clock has moved", moved).await?;
    let of = old.id.parse::<u64>().context("an id")?;
    let new = hand::buy(&world.sandbox, &[&common_name("renewed")], json!({"renewal_of_order_id": of})).await?;
    hand::keep(&world.objects, "renewed", &new).await?;
    ask(objects, "renewed", json!({"adopt": {"orderId": old.id}})).await?;
    let ready = objects.until_ready("renewed", 1).await?;
    ensure!(ready["status"]["order"]["orderId"] == new.id.as_str(), "{:#}", ready["status"]);
    let accepted = accepted(world, "renewed").await?;
    ensure!(accepted == ["order", "renew"], "{accepted:?}");
    Ok(())
}

async fn secret(objects: &Objects, name: &str) -> Result<Secret> {
    objects.secret(name).await?.context("no Secret")
}

fn value<'a>(secret: &'a Secret, name: &str) -> &'a [u8] {
    secret.data.as_ref().and_then(|data| data.get(name)).map(|value| value.0.as_slice()).unwrap_or_default()
}
