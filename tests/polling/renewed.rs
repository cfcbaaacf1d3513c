//! An order that somebody renewed at CertCentral is gone on with, and nothing is bought beside a provider that would
//! buy by itself.

use anyhow::{Context, Result, ensure};
use evercert::pki::{KeyKind, PrivateKey, SignatureHash, csr};
use harness::{World, condition};
use serde_json::{Value, json};

use crate::world;

const NAME: &str = "renewed.example.com";

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_somebody_renewed_is_gone_on_with() -> Result<()> {
    let world = world().await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    let spec = json!({"issuerRef": {"name": "digicert"}, "secretName": "renewed", "dnsNames": [NAME],
                      "renewal": {"before": "1h"}});
    objects.create("Certificate", "renewed", spec).await?;
    let first = objects.until_ready("renewed", 1).await?;
    world.sandbox.advance_days(330).await?;
    objects.until_ready("renewed", 2).await?;
    let renewal = renew(&world, &first).await?;

    let token = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": "now"}}});
    objects.patch("Certificate", "renewed", token).await?;
    let third = objects.until_ready("renewed", 3).await?;
    ensure!(third["status"]["order"]["orderId"] == renewal.as_str(), "{:#}", third["status"]["order"]);
    ensure!(objects.get("Issuance", "renewed-3").await?["spec"]["operation"] == "Reissue", "it is reissued on");
    ensure!(world.sandbox.ledger().await?.paid(NAME) == 2, "ours, and somebody's");

    // That order renews by itself: what is left of it is used, and then a person has to switch that off.
    world.sandbox.advance_days(340).await?;
    let organization = &world.sandbox.ready()["digicert"]["organizationId"];
    world.sandbox.post(&format!("/_sandbox/organizations/{organization}/validate"), &json!({})).await?;
    objects.until_ready("renewed", 4).await?;
    objects.patch("Certificate", "renewed", json!({"spec": {"renewal": {"before": "240h"}}})).await?;
    world.sandbox.advance_days(20).await?;
    let waits = |object: &Value| {
        let asked = condition(object, "ActionRequired").map(|it| it["message"].to_string());
        asked.is_some_and(|message| message.contains("renews automatically"))
    };
    objects.until("Certificate", "renewed", "automatic renewal is to be switched off", waits).await?;
    ensure!(world.sandbox.ledger().await?.paid(NAME) == 2, "nothing is bought beside it");
    Ok(())
}

/// As a person does in the console, with automatic renewal on. Returns the new order's id.
async fn renew(world: &World, certificate: &Value) -> Result<String> {
    let key = PrivateKey::generate(KeyKind::EcdsaP256)?;
    let csr = csr::build(&key, Some(NAME), &[NAME.to_owned()], SignatureHash::Sha256)?;
    let order: u64 = certificate["status"]["order"]["orderId"].as_str().context("an order")?.parse()?;
    let account = &world.sandbox.ready()["digicert"];
    let (url, key) = (account["url"].as_str().context("a URL")?, account["apiKey"].as_str().context("a key")?);
    let body = json!({
        "certificate": {"common_name": NAME, "dns_names": [NAME], "csr": csr, "signature_hash": "sha256"},
        "order_validity": {"years": 1},
        "organization": {"id": account["organizationId"]},
        "renewal_of_order_id": order,
        "skip_approval": true,
        "auto_renew": 1,
    });
    let sent = reqwest::Client::new().post(format!("{url}/order/certificate/ssl_basic"));
    let answer = sent.header("X-DC-DEVKEY", key).json(&body).send().await?.error_for_status()?;
    let answer: Value = answer.json().await?;
    Ok(answer["id"].to_string())
}
