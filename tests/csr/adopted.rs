//! Orders that were bought by hand with a CSR, and what a certificate without its key does not prove.

use anyhow::{Context, Result, ensure};
use evercert::pki::{PrivateKey, SignatureHash, csr};
use harness::{World, WorldOptions, common_name, hand};
use kube::api::PostParams;
use serde_json::{Value, json};

use crate::{Holder, accepted, ask, certificate, give, required};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_bought_by_hand_with_a_csr_is_taken_over_where_the_issuer_says_so() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    let mut orders = Vec::new();
    for name in ["same", "other", "thief"] {
        orders.push(hand::buy(&world.sandbox, &[&common_name(name)], json!({})).await?);
    }
    let [same, other, stolen] = &orders[..] else { anyhow::bail!("three orders") };
    objects.patch("Issuer", "digicert", json!({"spec": {"policy": {"adoptable": [same.id, other.id]}}})).await?;

    // For the same CSR: its certificate is installed, and nothing is asked for.
    let key = PrivateKey::from_pem(&same.pem)?;
    give(objects, "same", &csr::build(&key, Some("hsm.example.com"), &[], SignatureHash::Sha256)?).await?;
    ask(objects, "same", json!({"adopt": {"orderId": same.id}})).await?;
    objects.until_ready("same", 1).await?;
    ensure!(certificate(objects, "same-tls").await?.public_key_sha256 == key.public_key_sha256());
    ensure!(accepted(&world, "same").await?.into_iter().eq([("order".to_owned(), 1)]));

    // For another: reissued on the order.
    let holder = Holder::new()?;
    give(objects, "other", &holder.csr()?).await?;
    ask(objects, "other", json!({"adopt": {"orderId": other.id}})).await?;
    objects.until_ready("other", 2).await?;
    ensure!(certificate(objects, "other-tls").await?.public_key_sha256 == holder.public_key());
    ensure!(accepted(&world, "other").await?.into_iter().eq([("order".to_owned(), 1), ("reissue".to_owned(), 1)]));

    // A certificate is public: in a Secret, with a note beside it, it opens nobody's order.
    let secret: Value = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "thief-tls", "annotations": {
            "evercert.dev/certificate": "thief", "evercert.dev/order-id": stolen.id,
        }},
        "stringData": {"tls.crt": stolen.chain.clone().context("issued at once")?},
    });
    objects.secrets().create(&PostParams::default(), &serde_json::from_value(secret)?).await?;
    give(objects, "thief", &holder.csr()?).await?;
    ask(objects, "thief", json!({})).await?;
    let told = required(objects, "thief", "ProviderBlocked").await?;
    ensure!(told.contains("does not hold that order's certificate and its key"), "{told}");
    objects.patch("Certificate", "thief", json!({"spec": {"adopt": {"orderId": stolen.id}}})).await?;
    required(objects, "thief", "AdoptionRefused").await?;
    ensure!(accepted(&world, "thief").await?.into_iter().eq([("order".to_owned(), 1)]));
    Ok(())
}
