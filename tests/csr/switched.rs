//! From a key of Evercert's own to one held elsewhere, and back: each time a free reissue, into a Secret of the other type.

use anyhow::{Context, Result, ensure};
use evercert::pki::payload::read_pair;
use harness::{World, WorldOptions};
use serde_json::{Value, json};

use crate::{Holder, ask, certificate, cost, give, required};

#[tokio::test(flavor = "multi_thread")]
async fn the_key_moves_out_and_back_for_free() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    ask(objects, "move", json!({"csrSecretRef": null})).await?;
    objects.until_ready("move", 1).await?;
    let before = objects.secret("move-tls").await?.and_then(|secret| secret.data).context("a pair")?;

    // Its Secret cannot take a certificate without a key: nothing is asked for, and what is served stays.
    let holder = Holder::new()?;
    give(objects, "move", &holder.csr()?).await?;
    let out = json!({"csrSecretRef": {"name": "move-csr", "key": "tls.csr"}});
    edit(&world, &out).await?;
    let told = required(objects, "move", "SecretNotWritable").await?;
    ensure!(told.contains("kubernetes.io/tls") && told.contains("Opaque"), "{told}");
    ensure!(objects.secret("move-tls").await?.and_then(|secret| secret.data) == Some(before), "it stays");
    cost(&world, "move", 0).await?;

    edit(&world, &json!({"secretName": "move-elsewhere"})).await?;
    objects.until_ready("move", 2).await?;
    ensure!(certificate(objects, "move-elsewhere").await?.public_key_sha256 == holder.public_key());
    cost(&world, "move", 1).await?;

    // And back, after its Secret was deleted.
    edit(&world, &json!({"csrSecretRef": null})).await?;
    required(objects, "move", "SecretNotWritable").await?;
    objects.secrets().delete("move-elsewhere", &Default::default()).await?;
    objects.until_ready("move", 3).await?;
    let data = objects.secret("move-elsewhere").await?.and_then(|secret| secret.data).context("a pair")?;
    let pair = read_pair(&data["tls.crt"].0, &data["tls.key"].0)?;
    ensure!(pair.leaf.public_key_sha256 != holder.public_key());
    cost(&world, "move", 2).await
}

async fn edit(world: &World, spec: &Value) -> Result<()> {
    world.objects.patch("Certificate", "move", json!({"spec": spec})).await
}
