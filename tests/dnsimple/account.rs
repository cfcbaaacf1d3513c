//! The sandbox's account at DNSimple, as Issuers see it.

use anyhow::{Context, Result, ensure};
use evercert::pki::payload::{Pair, read_pair};
use harness::{PATIENCE, Times, World, WorldOptions, condition};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// A world with Issuers `letsencrypt` and `existing` for the first account.
pub async fn world(times: Times) -> Result<World> {
    let world = World::start(WorldOptions { unlimited: true, times, ..WorldOptions::default() }).await?;
    let token = dnsimple(&world)["token"].as_str().context("no token")?;
    world.objects.create_secret("dnsimple", "token", token).await?;
    for (name, product) in [("letsencrypt", "LetsEncrypt"), ("existing", "Existing")] {
        world.objects.create("Issuer", name, issuer(&world, product, "dnsimple")).await?;
    }
    Ok(world)
}

/// What the sandbox says of its first account.
pub fn dnsimple(world: &World) -> &Value {
    &world.sandbox.ready()["dnsimple"]
}

/// The spec of an issuer for it, by the token in this Secret.
pub fn issuer(world: &World, product: &str, secret: &str) -> Value {
    let account = dnsimple(world);
    let token = json!({"name": secret, "key": "token"});
    let dnsimple = json!({
        "url": account["url"], "accountId": account["accountId"], "tokenSecretRef": token, "product": product,
    });
    json!({"dnsimple": dnsimple, "rateLimit": {"requests": 100_000, "per": "60s", "burst": 10_000}})
}

/// Creates a Certificate for `<name>.example.com` at one of the Issuers; `changes` take the place of fields of its spec.
pub async fn ask(world: &World, issuer: &str, name: &str, mut changes: Value) -> Result<()> {
    changes["issuerRef"] = json!({"name": issuer});
    world.objects.ask(name, changes).await
}

/// A token of the account with these scopes, in a Secret of this name.
pub async fn token(world: &World, secret: &str, scopes: Value) -> Result<String> {
    let path = format!("/_sandbox/dnsimple/accounts/{}", dnsimple(world)["accountId"]);
    let added = world.sandbox.post(&path, &json!({"addToken": scopes})).await?;
    let token = added["token"].as_str().context("no token")?.to_owned();
    world.objects.create_secret(secret, "token", &token).await?;
    Ok(token)
}

/// Purchases, renewals and re-issues that were accepted for `<name>.example.com`.
pub async fn accepted(world: &World, name: &str) -> Result<[usize; 3]> {
    let (ledger, name) = (world.sandbox.ledger().await?, harness::common_name(name));
    Ok(["order", "renew", "reissue"].map(|kind| ledger.count(kind, &name)))
}

/// The pair in the Secret.
pub async fn served(world: &World, name: &str) -> Result<Pair> {
    let secret = world.objects.secret(name).await?.context("no Secret")?;
    let data = secret.data.unwrap_or_default();
    Ok(read_pair(&data["tls.crt"].0, &data["tls.key"].0)?)
}

/// The pair, once the Secret that was lost is there again.
pub async fn served_again(world: &World, name: &str) -> Result<Pair> {
    let looks = async {
        loop {
            if let Ok(pair) = served(world, name).await {
                return pair;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, looks).await.with_context(|| format!("Secret {name} does not come back"))
}

/// Ready with this revision; the Secret holds the pair that the status tells of, and nothing waits. Returns the
/// Certificate.
pub async fn ready(world: &World, name: &str, revision: i64) -> Result<Value> {
    let certificate = world.objects.until_ready(name, revision).await?;
    let pair = served(world, name).await?;
    ensure!(certificate["status"]["serialNumber"] == pair.leaf.serial.as_str(), "{name}: another one is served");
    ensure!(certificate["status"]["publicKeySha256"] == pair.leaf.public_key_sha256.as_str(), "{name}: another key");
    Ok(certificate)
}

/// The number of the certificate that is served, at DNSimple.
pub fn number(certificate: &Value) -> Result<u64> {
    let order = certificate["status"]["order"]["orderId"].as_str().context("no order")?;
    let (domain, number) = order.split_once('/').context("no number")?;
    ensure!(domain == "example.com", "{order}");
    Ok(number.parse()?)
}

/// The message of a condition, once it is there with this reason and these words.
pub async fn told(world: &World, name: &str, type_: &str, reason: &str, words: &str) -> Result<String> {
    let says = |object: &Value| {
        condition(object, type_)
            .is_some_and(|it| it["reason"] == reason && it["message"].as_str().is_some_and(|said| said.contains(words)))
    };
    let object = world.objects.until("Certificate", name, &format!("{type_} is {reason}: {words}"), says).await?;
    let found = condition(&object, type_).and_then(|found| found["message"].as_str());
    Ok(found.unwrap_or_default().to_owned())
}
