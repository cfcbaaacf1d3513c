//! Orders whose domains are proven by records in zones at DNSimple: a real API server, and CAs that look for themselves.

use anyhow::{Context, Result, ensure};
use harness::{PATIENCE, SandboxOptions, Scene, World, WorldOptions, common_name, play, scene};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

fn dnsimple(world: &World) -> &Value {
    &world.sandbox.ready()["dnsimple"]
}

/// What an issuer says that publishes there with the token of a Secret.
fn dcv(world: &World, secret: &str) -> Value {
    let shown = dnsimple(world);
    let token = json!({"name": secret, "key": "token"});
    let publisher = json!({"url": shown["url"], "accountId": shown["accountId"], "tokenSecretRef": token});
    json!({"selfCheck": "None", "publishers": [{"dnsimple": publisher}]})
}

/// Issuers for both vendors that publish with the token of the account, and one for each token of the scenes.
async fn world() -> Result<World> {
    let sandbox = SandboxOptions { check_dcv: true, args: Vec::new() };
    let world = World::start(WorldOptions { sandbox, unlimited: true, ..WorldOptions::default() }).await?;
    let objects = &world.objects;
    publishing_there(&world).await?;
    let customer = &world.sandbox.ready()["sectigo"];
    objects.create_secret("scm", "password", customer["password"].as_str().context("no password")?).await?;
    let scm = json!({
        "url": customer["url"], "customerUri": customer["customerUri"],
        "auth": {"password": {"login": customer["login"], "passwordSecretRef": {"name": "scm", "key": "password"}}},
        "orgId": customer["orgId"], "profileId": customer["profileId"], "term": 90,
    });
    objects.create("Issuer", "sectigo", json!({"sectigo": scm, "dcv": dcv(&world, "zones")})).await?;
    Ok(world)
}

/// Its Issuer `digicert` publishes with the token of the account.
async fn publishing_there(world: &World) -> Result<()> {
    let token = dnsimple(world)["token"].as_str().context("no token")?;
    world.objects.create_secret("zones", "token", token).await?;
    world.objects.patch("Issuer", "digicert", json!({"spec": {"dcv": dcv(world, "zones")}})).await
}

async fn api(world: &World, path: &str) -> Result<Value> {
    let shown = dnsimple(world);
    let url = format!("{}/{}/{path}", shown["url"].as_str().unwrap_or_default(), shown["accountId"]);
    let call = reqwest::Client::new().get(url).bearer_auth(shown["token"].as_str().unwrap_or_default());
    Ok(call.send().await?.error_for_status()?.json().await?)
}

/// Records below a name of the zone, but for those of DNSimple itself.
async fn records_of(world: &World, name: &str) -> Result<Vec<Value>> {
    let listed = api(world, "zones/example.com/records?per_page=100").await?;
    let below = |record: &&Value| record["name"].as_str().is_some_and(|known| known.ends_with(name));
    Ok(listed["data"].as_array().context("a list")?.iter().filter(below).cloned().collect())
}

/// Records stay until the certificate is there, and go then.
async fn until_gone(world: &World, name: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = records_of(world, name).await?;
        if left.is_empty() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "they stay: {left:?}");
        sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Waits until the first validation of an Issuance says this.
async fn told(world: &World, issuance: &str, words: &[&str]) -> Result<()> {
    let says = |object: &Value| {
        let message = object["status"]["validations"][0]["message"].as_str().unwrap_or_default();
        words.iter().all(|word| message.contains(word))
    };
    world.objects.until("Issuance", issuance, &format!("it tells {words:?}"), says).await.map(drop)
}

/// As the DNSimple account's owner makes one.
async fn token(world: &World, scopes: Value) -> Result<String> {
    let account = format!("/_sandbox/dnsimple/accounts/{}", dnsimple(world)["accountId"]);
    let made = world.sandbox.post(&account, &json!({"addToken": scopes})).await?;
    made["token"].as_str().map(str::to_owned).context("no token")
}

fn scenes(world: &World) -> Vec<Scene<'_>> {
    vec![
        scene("DigiCert by TXT", proven(world, "digicert", "shop", "DnsTxt")),
        scene("Sectigo by CNAME", proven(world, "sectigo", "mail", "DnsCname")),
        scene("a token that may read", insufficient(world)),
        scene("no such zone", elsewhere(world)),
    ]
}

/// The CA finds the record, and nothing of it is left.
async fn proven(world: &World, issuer: &str, name: &str, method: &str) -> Result<()> {
    let objects = &world.objects;
    objects.ask(name, json!({"issuerRef": {"name": issuer}})).await?;
    objects.until_ready(name, 1).await?;
    let issuance = objects.get("Issuance", &format!("{name}-1")).await?;
    let validation = &issuance["status"]["validations"][0];
    ensure!(validation["publisher"] == "dnsimple" && validation["method"] == method, "{validation}");
    until_gone(world, name).await?;
    ensure!(world.sandbox.ledger().await?.paid(&common_name(name)) == 1, "bought once");
    Ok(())
}

async fn insufficient(world: &World) -> Result<()> {
    let objects = &world.objects;
    let read_only = token(world, json!(["zones:example.com:read"])).await?;
    objects.create_secret("read-only", "token", &read_only).await?;
    let mut spec = world.issuer();
    spec["dcv"] = dcv(world, "read-only");
    objects.create("Issuer", "read-only", spec).await?;
    objects.ask("denied", json!({"issuerRef": {"name": "read-only"}})).await?;
    told(world, "denied-1", &["missing_permission", "zones:example.com:write", "Give the token the scope"]).await?;

    // A token with no more than what it takes.
    let enough = token(world, json!(["zones:example.com:write"])).await?;
    let secret = json!({"stringData": {"token": enough}});
    let patch = kube::api::Patch::Merge(&secret);
    objects.secrets().patch("read-only", &Default::default(), &patch).await?;
    objects.until_ready("denied", 1).await?;
    until_gone(world, "denied").await?;
    let log_free = objects.get("Issuance", "denied-1").await?.to_string();
    ensure!(!log_free.contains(&enough) && !log_free.contains(&read_only), "a token is in the ledger");
    Ok(())
}

async fn elsewhere(world: &World) -> Result<()> {
    let objects = &world.objects;
    objects.ask("elsewhere", json!({"dnsNames": ["shop.elsewhere.net"]})).await?;
    let account = format!("DNSimple's account {}", dnsimple(world)["accountId"]);
    told(world, "elsewhere-1", &[&account, "is no authority for", "shop.elsewhere.net"]).await
}

/// `selfCheck: Provider`.
#[tokio::test(flavor = "multi_thread")]
async fn dnsimple_itself_says_when_everybody_can_see_a_record() -> Result<()> {
    let world = world().await?;
    let objects = &world.objects;
    objects.patch("Issuer", "digicert", json!({"spec": {"dcv": {"selfCheck": "Provider"}}})).await?;
    let zone = async |change: Value| world.sandbox.post("/_sandbox/dnsimple/zones/example.com", &change).await;
    let _operator = world.operator().await?;

    zone(json!({"distributionUnknown": true})).await?;
    objects.ask("shop", json!({})).await?;
    told(&world, "shop-1", &["cannot be checked", "Could not query zone"]).await?;
    zone(json!({"distributionUnknown": false, "lagSeconds": 3600})).await?;
    told(&world, "shop-1", &["not all name servers of its zone have it yet"]).await?;
    zone(json!({"lagSeconds": 0})).await?;
    objects.until_ready("shop", 1).await?;
    until_gone(&world, "shop").await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clusters_publish_at_one_name_and_neither_harms_the_other() -> Result<()> {
    let here = world().await?;
    let there = here.beside().await?;
    publishing_there(&there).await?;
    let _operators = [here.operator().await?, there.operator().await?];
    let zone = async |change: Value| here.sandbox.post("/_sandbox/dnsimple/zones/example.com", &change).await;
    zone(json!({"lagSeconds": 3600})).await?;
    for cluster in [&here, &there] {
        let dcv = json!({"spec": {"dcv": {"selfCheck": "Provider"}}});
        cluster.objects.patch("Issuer", "digicert", dcv).await?;
        cluster.objects.ask("shop", json!({})).await?;
        told(cluster, "shop-1", &["not all name servers of its zone have it yet"]).await?;
    }
    let both = records_of(&here, "shop").await?;
    ensure!(both.len() == 2 && both[0]["content"] != both[1]["content"], "{both:?}");
    zone(json!({"lagSeconds": 0})).await?;
    for cluster in [&here, &there] {
        cluster.objects.until_ready("shop", 1).await?;
    }
    until_gone(&here, "shop").await
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_proven_by_records_that_are_gone_afterwards_and_what_keeps_them_away_is_told() -> Result<()> {
    let world = world().await?;
    let operator = world.operator().await?;
    play(scenes(&world)).await?;
    let token = dnsimple(&world)["token"].as_str().context("no token")?;
    ensure!(!operator.log().contains(token), "the token is in the log");
    Ok(())
}
