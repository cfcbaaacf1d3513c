//! What a backup brings back, and what it does not: the cluster is made anew with less than there was, and nothing is
//! bought for it.

use anyhow::{Context, Result, ensure};
use harness::{Objects, Scene, World, WorldOptions, common_name, condition, play, scene};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    ResourceExt,
    api::{DynamicObject, ListParams, PostParams},
};
use serde_json::{Value, json};

/// What survived, by the Certificate's name.
const SECRET: &str = "secret";
const SECRET_AND_LEDGER: &str = "ledger";
const LEDGER: &str = "lost";
const NOTHING: &str = "nothing";
/// Its order was pending when the backup was made.
const PENDING: &str = "pending";

#[tokio::test(flavor = "multi_thread")]
async fn what_survived_a_restore_is_gone_on_with_and_nothing_is_bought() -> Result<()> {
    let world = World::start(WorldOptions { unlimited: true, ..WorldOptions::default() }).await?;
    let mut operator = world.operator().await?;
    let stays = json!({"match": {"operation": "order", "commonName": common_name(PENDING)}, "kind": "stayPending"});
    world.sandbox.fault(&stays).await?;
    for name in [SECRET, SECRET_AND_LEDGER, LEDGER, NOTHING, PENDING] {
        world.objects.ask(name, json!({})).await?;
    }
    let placed = |issuance: &Value| issuance["status"]["orderId"].is_string();
    world.objects.until("Issuance", "pending-1", "it is placed", placed).await?;
    for name in [SECRET, SECRET_AND_LEDGER, LEDGER, NOTHING] {
        world.objects.until_ready(name, 1).await?;
    }
    for name in [SECRET, SECRET_AND_LEDGER] {
        reissue(&world.objects, name, "first").await?;
        world.objects.until_ready(name, 2).await?;
    }
    operator.terminate().await?;
    let before = operations(&world).await?;
    let served = restore(&world).await?;

    // As in a new cluster, where the default is another id.
    let mut stranger = world.operator_with(&[("EVERCERT_INSTALLATION_ID", "new-cluster")]).await?;
    play([
        scene("a Secret, to another installation", a_strangers_secret(&world, &served)),
        scene("a Secret and its ledger, to another installation", a_strangers_ledger(&world, SECRET_AND_LEDGER)),
        scene("a ledger, to another installation", a_strangers_ledger(&world, LEDGER)),
        scene("a ledger of what is pending, to another installation", a_strangers_ledger(&world, PENDING)),
    ])
    .await?;
    ensure!(operations(&world).await? == before, "something was asked of the CA");
    stranger.terminate().await?;

    let _operator = world.operator().await?;
    play(scenes(&world, &served)).await?;
    let expected = [
        (SECRET, &["order", "reissue", "reissue"][..]),
        (SECRET_AND_LEDGER, &["order", "reissue"]),
        (LEDGER, &["order", "reissue"]),
        (NOTHING, &["order", "reissue"]),
        (PENDING, &["order"]),
    ];
    for (name, kinds) in expected {
        let accepted = accepted(&world, name).await?;
        ensure!(accepted == kinds, "{name}: {accepted:?}");
    }
    Ok(())
}

fn scenes<'a>(world: &'a World, served: &'a [Value]) -> Vec<Scene<'a>> {
    vec![
        scene("a Secret", secret(world, served)),
        scene("a Secret and its ledger", secret_and_ledger(world, served)),
        scene("a ledger", keyless(world, LEDGER, served)),
        scene("nothing", nothing(world, served)),
        scene("a ledger of what is pending", pending(world)),
    ]
}

/// Makes the cluster as a backup tool does: everything is made anew, with other uids and without status. Returns the
/// Certificates as they were.
async fn restore(world: &World) -> Result<Vec<Value>> {
    let objects = &world.objects;
    let certificates = objects.list("Certificate").await?;
    let issuances = objects.list("Issuance").await?;
    let params = ListParams::default().labels("evercert.dev/managed=true");
    let secrets = objects.secrets().list(&params).await?.items;
    for certificate in &certificates {
        objects.delete("Certificate", name(certificate)).await?;
    }
    for issuance in &issuances {
        objects.delete("Issuance", name(issuance)).await?;
    }
    for secret in &secrets {
        objects.secrets().delete(&secret.name_any(), &Default::default()).await?;
    }

    for issuance in issuances.iter().filter(|issuance| {
        let of = issuance["spec"]["certificateRef"]["name"].as_str().unwrap_or_default();
        [SECRET_AND_LEDGER, LEDGER, PENDING].contains(&of)
    }) {
        objects.api("Issuance").create(&PostParams::default(), &anew(issuance)?).await?;
    }
    for secret in secrets.iter().filter(|secret| ![LEDGER, NOTHING].contains(&&*secret.name_any())) {
        let again = Secret { metadata: bare(&secret.metadata), ..secret.clone() };
        objects.secrets().create(&PostParams::default(), &again).await?;
    }
    // Of nothing nobody can know but who placed it.
    for certificate in certificates.iter().filter(|certificate| name(certificate) != NOTHING) {
        objects.api("Certificate").create(&PostParams::default(), &anew(certificate)?).await?;
    }
    Ok(certificates)
}

fn anew(object: &Value) -> Result<DynamicObject> {
    let mut object: DynamicObject = serde_json::from_value(object.clone())?;
    object.metadata = bare(&object.metadata);
    object.data.as_object_mut().context("no fields")?.remove("status");
    Ok(object)
}

/// Without what the API server gives.
fn bare(metadata: &kube::api::ObjectMeta) -> kube::api::ObjectMeta {
    kube::api::ObjectMeta {
        name: metadata.name.clone(),
        labels: metadata.labels.clone(),
        annotations: metadata.annotations.clone(),
        ..Default::default()
    }
}

/// It serves, and is left alone when something is due.
async fn a_strangers_secret(world: &World, served: &[Value]) -> Result<()> {
    same(&world.objects.until_ready(SECRET, 2).await?, served)?;
    reissue(&world.objects, SECRET, "second").await?;
    let told = required(&world.objects, SECRET, "AdoptionRefused").await?;
    ensure!(told.contains("--installation-id"), "{told}");
    reissue(&world.objects, SECRET, "first").await?;
    same(&world.objects.until_ready(SECRET, 2).await?, served)
}

async fn a_strangers_ledger(world: &World, name: &str) -> Result<()> {
    let told = required(&world.objects, name, "InstallationChanged").await?;
    ensure!(told.contains("--installation-id") && told.contains(&format!("{name}-1")), "{told}");
    Ok(())
}

/// The same certificate although its last request is there again, and then reissued on its order.
async fn secret(world: &World, served: &[Value]) -> Result<()> {
    let ready = world.objects.until_ready(SECRET, 2).await?;
    same(&ready, served)?;
    reissue(&world.objects, SECRET, "second").await?;
    let reissued = world.objects.until_ready(SECRET, 3).await?;
    on_the_order(&reissued, served)
}

/// The operations that were recorded are found at the CA, not said again.
async fn secret_and_ledger(world: &World, served: &[Value]) -> Result<()> {
    let ready = world.objects.until_ready(SECRET_AND_LEDGER, 2).await?;
    same(&ready, served)?;
    on_the_order(&ready, served)
}

/// The first look of a first purchase finds the order of the Certificate that had this name.
async fn nothing(world: &World, served: &[Value]) -> Result<()> {
    world.objects.ask(NOTHING, json!({})).await?;
    keyless(world, NOTHING, served).await
}

/// The key is gone, the order is known again: a reissue is next, at once when it is asked for.
async fn keyless(world: &World, name: &str, served: &[Value]) -> Result<()> {
    let plans = |object: &Value| object["status"]["next"]["operation"] == "Reissue";
    world.objects.until("Certificate", name, "a reissue is next", plans).await?;
    reissue(&world.objects, name, "now").await?;
    on_the_order(&world.objects.until_ready(name, 2).await?, served)
}

async fn pending(world: &World) -> Result<()> {
    let placed = |issuance: &Value| issuance["status"]["orderId"].is_string();
    let issuance = world.objects.until("Issuance", "pending-1", "its order is found", placed).await?;
    let order = issuance["status"]["orderId"].as_str().context("no order")?;
    world.sandbox.post(&format!("/_sandbox/orders/{order}/release"), &json!({})).await?;
    world.objects.until_ready(PENDING, 1).await.map(drop)
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

fn before<'a>(certificate: &Value, served: &'a [Value]) -> Result<&'a Value> {
    served.iter().find(|known| name(known) == name(certificate)).context("it was not there before")
}

fn same(certificate: &Value, served: &[Value]) -> Result<()> {
    let (now, before) = (&certificate["status"], &before(certificate, served)?["status"]);
    ensure!(now["serialNumber"] == before["serialNumber"], "another certificate: {now:#}");
    Ok(())
}

fn on_the_order(certificate: &Value, served: &[Value]) -> Result<()> {
    let (now, before) = (&certificate["status"], &before(certificate, served)?["status"]);
    ensure!(now["order"]["orderId"] == before["order"]["orderId"], "another order: {now:#}");
    Ok(())
}

async fn reissue(objects: &Objects, name: &str, token: &str) -> Result<()> {
    let annotations = json!({"evercert.dev/reissue-requested": token});
    objects.patch("Certificate", name, json!({"metadata": {"annotations": annotations}})).await
}

async fn required(objects: &Objects, name: &str, reason: &str) -> Result<String> {
    let so = |object: &Value| condition(object, "ActionRequired").is_some_and(|asked| asked["reason"] == reason);
    let object = objects.until("Certificate", name, &format!("a person is asked: {reason}"), so).await?;
    let message = condition(&object, "ActionRequired").and_then(|asked| asked["message"].as_str());
    Ok(message.unwrap_or_default().to_owned())
}

async fn operations(world: &World) -> Result<usize> {
    Ok(world.sandbox.ledger().await?.operations.len())
}

/// What the CA has accepted for that name, in order.
async fn accepted(world: &World, name: &str) -> Result<Vec<String>> {
    let operations = world.sandbox.ledger().await?.operations.into_iter();
    let of_name = operations.filter(|known| known.common_name == Some(common_name(name)));
    Ok(of_name.map(|operation| operation.kind).collect())
}
