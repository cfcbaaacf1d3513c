//! One more key on another certificate's order, on a real API server and the sandbox CA: free, with the order's names,
//! and never a reissue, a renewal or a purchase.

use anyhow::{Context, Result, ensure};
use evercert::pki::{KeyKind, PrivateKey, SignatureHash, csr};
use harness::{World, WorldOptions, condition};
use serde_json::{Value, json};

const NAME: &str = "shop.example.com";

fn spec(name: &str, duplicate_of: Value) -> Value {
    let mut spec = json!({"issuerRef": {"name": "digicert"}, "secretName": name, "dnsNames": [NAME]});
    if !duplicate_of.is_null() {
        spec["digicert"] = json!({"duplicateOf": duplicate_of});
    }
    spec
}

fn order_of(certificate: &Value) -> &str {
    certificate["status"]["order"]["orderId"].as_str().unwrap_or_default()
}

/// Waits until a Certificate says so.
async fn until_reason(world: &World, name: &str, reason: &str) -> Result<String> {
    let so = |object: &Value| condition(object, "Ready").is_some_and(|ready| ready["reason"] == reason);
    let object = world.objects.until("Certificate", name, &format!("it is {reason}"), so).await?;
    Ok(condition(&object, "Ready").map(|ready| ready["message"].to_string()).unwrap_or_default())
}

async fn counts(world: &World) -> Result<[usize; 3]> {
    let ledger = world.sandbox.ledger().await?;
    Ok([ledger.paid(NAME), ledger.count("reissue", NAME), ledger.count("duplicate", NAME)])
}

/// A call that somebody else makes with the account's key.
async fn by_hand(world: &World, method: reqwest::Method, path: &str, body: Value) -> Result<Value> {
    let digicert = &world.sandbox.ready()["digicert"];
    let url = format!("{}/{path}", digicert["url"].as_str().unwrap_or_default());
    let api_key = digicert["apiKey"].as_str().unwrap_or_default();
    let answer = reqwest::Client::new().request(method, url).header("X-DC-DEVKEY", api_key).json(&body).send().await?;
    let status = answer.status();
    let text = answer.text().await?;
    ensure!(status.is_success(), "{path}: {status}: {text}");
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

/// An order that no Issuance knows of.
async fn order_by_hand(world: &World, alternative: &str) -> Result<String> {
    let key = PrivateKey::generate(KeyKind::EcdsaP256)?;
    let csr = csr::build(&key, Some(NAME), &[NAME.to_owned()], SignatureHash::Sha256)?;
    let body = json!({
        "certificate": {"common_name": NAME, "dns_names": [NAME], "csr": csr, "signature_hash": "sha256"},
        "organization": {"id": world.sandbox.ready()["digicert"]["organizationId"]},
        "order_validity": {"years": 1}, "dcv_method": "dns-txt-token", "skip_approval": true,
        "alternative_order_id": alternative,
    });
    let placed = by_hand(world, reqwest::Method::POST, "order/certificate/ssl_basic", body).await?;
    Ok(placed["id"].as_u64().context("an order id")?.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_lives_beside_its_certificate_and_follows_it_for_free() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;

    // Asked for first, it waits for what it is of.
    objects.create("Certificate", "copy", spec("copy", json!({"certificate": "shop"}))).await?;
    let told = until_reason(&world, "copy", "Pending").await?;
    ensure!(told.contains("shop"), "{told}");
    let mut shop = spec("shop", Value::Null);
    shop["validity"] = json!({"days": 30});
    objects.create("Certificate", "shop", shop).await?;
    let shop = objects.until_ready("shop", 1).await?;
    let copy = objects.until_ready("copy", 1).await?;
    ensure!(order_of(&copy) == order_of(&shop), "the same order");
    ensure!(copy["status"]["publicKeySha256"] != shop["status"]["publicKeySha256"], "another key");
    ensure!(copy["status"]["notAfter"] == shop["status"]["notAfter"], "until the same day");
    ensure!(copy["status"]["next"]["summary"] == "Duplicate (free)", "{}", copy["status"]["next"]);
    ensure!(counts(&world).await? == [1, 0, 1], "{:?}", counts(&world).await?);

    // Its key is lost: another duplicate, and the order's certificate stays.
    objects.secrets().delete("copy", &Default::default()).await?;
    objects.until_ready("copy", 2).await?;
    ensure!(counts(&world).await? == [1, 0, 2], "{:?}", counts(&world).await?);

    // Due with the order's certificate, it comes after it.
    world.sandbox.advance_days(25).await?;
    objects.until_ready("shop", 2).await?;
    let third = objects.until_ready("copy", 3).await?;
    ensure!(order_of(&third) == order_of(&shop), "{:#}", third["status"]);
    ensure!(counts(&world).await? == [1, 1, 3], "{:?}", counts(&world).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_goes_over_to_the_order_that_renews_its_own() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    // An order that ends with its first certificate, so that the next thing is its renewal.
    let mut shop = spec("shop", Value::Null);
    shop["digicert"] = json!({"orderValidity": {"days": 60}});
    objects.create("Certificate", "shop", shop).await?;
    let shop = objects.until_ready("shop", 1).await?;
    objects.create("Certificate", "copy", spec("copy", json!({"certificate": "shop"}))).await?;
    let copy = objects.until_ready("copy", 1).await?;
    ensure!(order_of(&copy) == order_of(&shop));

    world.sandbox.advance_days(50).await?;
    let renewed = objects.until_ready("shop", 2).await?;
    ensure!(order_of(&renewed) != order_of(&shop), "renewed: {:#}", renewed["status"]);
    let moved = objects.until_ready("copy", 2).await?;
    ensure!(order_of(&moved) == order_of(&renewed), "it goes over: {:#}", moved["status"]);
    ensure!(counts(&world).await? == [2, 0, 2], "{:?}", counts(&world).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_id_from_a_user_is_a_hint_and_an_order_that_ended_is_not_replaced() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    objects.create("Certificate", "shop", spec("shop", Value::Null)).await?;
    let shop = objects.until_ready("shop", 1).await?;

    // One that an Issuance of this namespace is on.
    objects.create("Certificate", "own", spec("own", json!({"orderId": order_of(&shop)}))).await?;
    objects.until_ready("own", 1).await?;

    // One that nobody here is on: refused, until the issuer lists it.
    let unknown = order_by_hand(&world, "their own id").await?;
    objects.create("Certificate", "unknown", spec("unknown", json!({"orderId": unknown}))).await?;
    let told = until_reason(&world, "unknown", "PolicyRefused").await?;
    ensure!(told.contains("policy.adoptable"), "{told}");
    let marked = order_by_hand(&world, "ffffffff-ffff-8fff-8fff-ffffffffffff").await?;
    let listed = json!({"spec": {"policy": {"adoptable": [unknown, marked]}}});
    objects.patch("Issuer", "digicert", listed).await?;
    objects.until_ready("unknown", 1).await?;

    // One of another installation: refused even so.
    objects.create("Certificate", "marked", spec("marked", json!({"orderId": marked}))).await?;
    let told = until_reason(&world, "marked", "PolicyRefused").await?;
    ensure!(told.contains("another installation"), "{told}");

    // Other names than the order has.
    let mut other = spec("other", json!({"certificate": "shop"}));
    other["dnsNames"] = json!([NAME, "www.example.com"]);
    objects.create("Certificate", "other", other).await?;
    let told = until_reason(&world, "other", "InvalidSpec").await?;
    ensure!(told.contains(NAME), "{told}");

    // One that has ended.
    let body = json!({"revocation_reason": "superseded", "skip_approval": true});
    by_hand(&world, reqwest::Method::PUT, &format!("order/certificate/{unknown}/revoke"), body).await?;
    objects.secrets().delete("unknown", &Default::default()).await?;
    let told = until_reason(&world, "unknown", "ProviderBlocked").await?;
    ensure!(told.contains("was revoked"), "{told}");

    // Two of these purchases were made by hand.
    ensure!(counts(&world).await? == [3, 0, 2], "{:?}", counts(&world).await?);
    Ok(())
}
