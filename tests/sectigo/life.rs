//! From its enrollment to its renewal.

use anyhow::{Result, ensure};
use evercert::pki::crl::RevocationList;
use harness::World;
use serde_json::json;

use crate::account::{accepted, ask, ready, reissue, scm};

const NAME: &str = "shop";

pub async fn play(world: &World) -> Result<()> {
    let objects = &world.objects;
    ask(world, NAME, json!({})).await?;
    let first = ready(world, NAME, 1).await?;
    let id = first["status"]["order"]["orderId"].clone();
    ensure!(first["status"]["order"]["provider"] == "sectigo", "{}", first["status"]["order"]);
    ensure!(first["status"]["next"]["summary"] == "Renew (paid)", "the plan is {}", first["status"]["next"]);
    let issuance = objects.get("Issuance", "shop-1").await?;
    let (asked, profile) = (&issuance["spec"]["request"], scm(world)["profileId"].to_string());
    ensure!(asked["product"] == profile.as_str() && asked["sectigo"]["term"] == 90, "{asked}");

    // The key is lost, then the names change, then the key's algorithm: free, and the id stays.
    objects.secrets().delete(NAME, &Default::default()).await?;
    let second = ready(world, NAME, 2).await?;
    ensure!(second["status"]["order"]["orderId"] == id, "a replacement keeps the id");
    ensure!(second["status"]["notAfter"] == first["status"]["notAfter"], "and the end");
    let names = json!({"spec": {"dnsNames": ["shop.example.com", "www.shop.example.com"]}});
    objects.patch("Certificate", NAME, names).await?;
    ready(world, NAME, 3).await?;
    ensure!(objects.get("Issuance", "shop-3").await?["spec"]["cost"] == "MayCharge", "a name is added");
    let key = json!({"spec": {"privateKey": {"algorithm": "RSA", "size": 2048}}});
    objects.patch("Certificate", NAME, key).await?;
    let fourth = ready(world, NAME, 4).await?;
    ensure!(fourth["status"]["order"]["orderId"] == id, "still the same");
    ensure!(accepted(world, NAME).await? == [1, 0, 3], "{:?}", accepted(world, NAME).await?);

    // The key is compromised: replaced first, then the old certificate is revoked by its serial number.
    reissue(world, NAME, "incident-7", Some("KeyCompromise")).await?;
    let fifth = ready(world, NAME, 5).await?;
    let old = fourth["status"]["serialNumber"].as_str().unwrap_or_default();
    objects
        .until("Issuance", "shop-5", "the old serial is revoked", |issuance| {
            issuance["status"]["revokedSerials"] == json!([old])
        })
        .await?;
    let serials = [old, fifth["status"]["serialNumber"].as_str().unwrap_or_default()].map(str::to_owned);
    ensure!(revoked(world, &serials).await? == [true, false], "the old one and nothing else");

    // Thirty days before its end it is renewed by its id, once.
    ensure!(accepted(world, NAME).await? == [1, 0, 4], "nothing so far was paid for but the enrollment");
    world.sandbox.advance_days(66).await?;
    let sixth = ready(world, NAME, 6).await?;
    ensure!(objects.get("Issuance", "shop-6").await?["spec"]["operation"] == "Renew", "renewed");
    ensure!(sixth["status"]["order"]["orderId"] != id, "a renewal has an id of its own");
    ensure!(sixth["status"]["order"]["previousOrderId"] == id, "{}", sixth["status"]["order"]);
    ensure!(accepted(world, NAME).await? == [1, 1, 4], "{:?}", accepted(world, NAME).await?);
    Ok(())
}

/// By the CA's own list.
async fn revoked(world: &World, serials: &[String; 2]) -> Result<[bool; 2]> {
    let chain = world.objects.secret(NAME).await?.and_then(|secret| secret.data).unwrap_or_default();
    let chain = String::from_utf8(chain["tls.crt"].0.clone())?;
    let issuer = evercert::pki::leaf::issuer_in(&chain).unwrap_or_default();
    let watched = serials.iter().cloned().collect();
    let list = RevocationList::read(&world.sandbox.crl().await?, &issuer, jiff::Timestamp::now(), &watched)?;
    Ok(serials.each_ref().map(|serial| list.revoked.contains_key(serial)))
}
