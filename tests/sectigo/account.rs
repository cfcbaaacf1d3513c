//! The sandbox's customer of SCM, as Issuers see it.

use anyhow::{Context, Result, ensure};
use evercert::pki::payload::read_pair;
use harness::{Times, World, WorldOptions};
use reqwest::Method;
use serde_json::{Value, json};

/// A world with an Issuer `sectigo`, for the first customer by password.
pub async fn world(times: Times) -> Result<World> {
    world_with(times, &[]).await
}

/// The same, with further arguments of the operator.
pub async fn world_with(times: Times, arguments: &[&str]) -> Result<World> {
    // The door for client certificates has a port of its own.
    let here = ["127.0.0.1", "localhost"].iter().flat_map(|host| ["--allowed-provider-hosts", host]);
    let operator = here.chain(arguments.iter().copied()).map(str::to_owned).collect();
    let world = World::start(WorldOptions { unlimited: true, times, operator, ..WorldOptions::default() }).await?;
    let customer = scm(&world);
    let password = customer["password"].as_str().context("no password")?;
    let secret = customer["clientSecret"].as_str().context("no client secret")?;
    world.objects.create_secret("scm-password", "password", password).await?;
    world.objects.create_secret("scm-client", "secret", secret).await?;
    world.objects.create("Issuer", "sectigo", issuer(&world, json!({}))).await?;
    Ok(world)
}

/// What the sandbox says of its first customer.
pub fn scm(world: &World) -> &Value {
    &world.sandbox.ready()["sectigo"]
}

/// The spec of an issuer for it, with these fields of its sectigo block.
pub fn issuer(world: &World, changes: Value) -> Value {
    let customer = scm(world);
    let mut sectigo = json!({
        "url": customer["url"], "customerUri": customer["customerUri"],
        "auth": {"password": {"login": customer["login"], "passwordSecretRef": {"name": "scm-password", "key": "password"}}},
        "orgId": customer["orgId"], "profileId": customer["profileId"], "term": 90,
    });
    for (field, value) in changes.as_object().into_iter().flatten() {
        sectigo[field] = value.clone();
    }
    json!({"sectigo": sectigo, "rateLimit": {"requests": 100_000, "per": "60s", "burst": 10_000}})
}

/// Creates a Certificate for `<name>.example.com`; `changes` take the place of fields of its spec.
pub async fn ask(world: &World, name: &str, mut changes: Value) -> Result<()> {
    if changes["issuerRef"].is_null() {
        changes["issuerRef"] = json!({"name": "sectigo"});
    }
    world.objects.ask(name, changes).await
}

/// Asks for a reissue by a token, because of a compromised key or for no reason.
pub async fn reissue(world: &World, name: &str, token: &str, reason: Option<&str>) -> Result<()> {
    let mut annotations = json!({"evercert.dev/reissue-requested": token});
    if let Some(reason) = reason {
        annotations["evercert.dev/reissue-reason"] = json!(reason);
    }
    world.objects.patch("Certificate", name, json!({"metadata": {"annotations": annotations}})).await
}

/// What an administrator, the CA or SCM itself does with a certificate.
pub async fn act(world: &World, id: &str, action: &str) -> Result<()> {
    world.sandbox.post(&format!("/_sandbox/scm/ssl/{id}/{action}"), &json!({})).await.map(drop)
}

/// A call of SCM's own API, as the first customer's administrator makes it.
pub async fn call(world: &World, method: Method, path: &str, body: &Value) -> Result<Value> {
    let customer = scm(world);
    let text = |name: &str| customer[name].as_str().unwrap_or_default();
    let call = reqwest::Client::new().request(method, format!("{}/{path}", text("url")));
    let call = ["login", "password", "customerUri"].iter().fold(call, |call, name| call.header(*name, text(name)));
    let call = if body.is_null() { call } else { call.json(body) };
    Ok(call.send().await?.error_for_status()?.json().await?)
}

/// The certificate an Issuance is about, once SCM has given it an id.
pub async fn placed(world: &World, issuance: &str) -> Result<String> {
    let has_id = |object: &Value| object["status"]["orderId"].is_string();
    let object = world.objects.until("Issuance", issuance, "SCM has it", has_id).await?;
    object["status"]["orderId"].as_str().map(str::to_owned).context("no id")
}

/// Operations that the CA has accepted for `<name>.example.com`: enrollments, renewals, replacements.
pub async fn accepted(world: &World, name: &str) -> Result<[usize; 3]> {
    let ledger = world.sandbox.ledger().await?;
    let name = harness::common_name(name);
    let counts = ["enroll", "renew", "replace"].map(|kind| ledger.count(kind, &name));
    ensure!(ledger.paid(&name) == counts[0] + counts[1], "replacements are free: {:?}", ledger.operations);
    Ok(counts)
}

/// Ready with this revision; the Secret holds the pair that SCM was asked for last. Returns the Certificate.
pub async fn ready(world: &World, name: &str, revision: i64) -> Result<Value> {
    let certificate = world.objects.until_ready(name, revision).await?;
    let secret = world.objects.secret(name).await?.context("no Secret")?;
    let data = secret.data.unwrap_or_default();
    let pair = read_pair(&data["tls.crt"].0, &data["tls.key"].0)?;
    ensure!(certificate["status"]["serialNumber"] == pair.leaf.serial.as_str(), "{name}: another one is served");
    let (ledger, of) = (world.sandbox.ledger().await?, harness::common_name(name));
    let issued = ledger.operations.iter().rfind(|it| it.common_name.as_ref() == Some(&of) && it.kind != "revoke");
    ensure!(issued.and_then(|last| last.public_key_sha256.as_ref()) == Some(&pair.leaf.public_key_sha256));
    Ok(certificate)
}
