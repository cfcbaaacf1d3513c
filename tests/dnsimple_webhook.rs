//! DNSimple tells of a certificate: a real API server, and the sandbox that delivers as the vendor does.

use anyhow::{Context, Result, ensure};
use harness::{Operator, SandboxOptions, World, WorldOptions};
use serde_json::{Value, json};

const PATH: &str = "0123456789abcdef0123456789abcdef";
const LISTEN: &str = "EVERCERT_DNSIMPLE_WEBHOOK_LISTEN";
const SECRET: &str = "EVERCERT_DNSIMPLE_WEBHOOK_PATH";

async fn world() -> Result<World> {
    let sandbox = SandboxOptions { check_dcv: false, args: vec!["--plain-webhooks".into()] };
    World::start(WorldOptions { sandbox, log: Some("debug".into()), ..WorldOptions::default() }).await
}

/// Where it says that it listens for webhooks.
fn origin(operator: &Operator) -> Option<String> {
    let log = operator.log();
    let line = log.lines().find(|line| line.contains("webhooks are listened for"))?;
    let address = line.split_once("address=")?.1.split_whitespace().next()?;
    Some(format!("http://{address}"))
}

async fn dnsimple(world: &World, path: &str, body: Value) -> Result<Value> {
    let shown = &world.sandbox.ready()["dnsimple"];
    let url = format!("{}/{}/{path}", shown["url"].as_str().unwrap_or_default(), shown["accountId"]);
    let call = reqwest::Client::new().post(url).bearer_auth(shown["token"].as_str().unwrap_or_default());
    Ok(call.json(&body).send().await?.error_for_status()?.json().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_dnsimple_names_is_looked_at_and_nobody_else_is_heard() -> Result<()> {
    let world = world().await?;
    let mut operator = world.operator_with(&[(LISTEN, "127.0.0.1:0"), (SECRET, PATH)]).await?;
    let origin = origin(&operator).context("it does not listen")?;

    let event = json!({"name": "certificate.issue", "data": {"certificate": {"id": 4711}}});
    for (path, expected) in [("metrics", 404), ("log-level", 404), ("", 404), (PATH, 200)] {
        let answer = reqwest::Client::new().post(format!("{origin}/{path}")).json(&event).send().await?;
        ensure!(answer.status() == expected, "{path}: {}", answer.status());
    }
    operator.until("it was named", |log| log.contains("a certificate of DNSimple was named id=\"4711\"")).await?;

    // As the vendor sends it: an order that a person has made is issued.
    dnsimple(&world, "webhooks", json!({"url": format!("{origin}/{PATH}")})).await?;
    let form = json!({"domain": "example.com", "name": "shop"});
    let id = world.sandbox.post("/_sandbox/dnsimple/certificates", &form).await?["id"].to_string();
    world.sandbox.post(&format!("/_sandbox/dnsimple/certificates/{id}/approve"), &json!({})).await?;
    let named = format!("a certificate of DNSimple was named id=\"{id}\"");
    operator.until("it was named by DNSimple", |log| log.contains(&named)).await?;
    let log = operator.log();
    ensure!(log.contains(&named), "it has ended: {log}");
    ensure!(!log.contains(PATH), "the path is in the log");
    Ok(())
}

/// What only a person can have issued is looked for rarely; a message makes it be looked for at once.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_certificate_collects_it_when_it_is_named() -> Result<()> {
    let world = world().await?;
    let (objects, shown) = (&world.objects, &world.sandbox.ready()["dnsimple"]);
    objects.create_secret("dnsimple", "token", shown["token"].as_str().context("no token")?).await?;
    let token = json!({"name": "dnsimple", "key": "token"});
    let account = json!({
        "url": shown["url"], "accountId": shown["accountId"], "tokenSecretRef": token, "product": "Existing",
    });
    objects.create("Issuer", "existing", json!({"dnsimple": account})).await?;
    let mut operator = world.operator_with(&[(LISTEN, "127.0.0.1:0"), (SECRET, PATH)]).await?;
    let origin = origin(&operator).context("it does not listen")?;
    dnsimple(&world, "webhooks", json!({"url": format!("{origin}/{PATH}")})).await?;

    objects.ask("shop", json!({"issuerRef": {"name": "existing"}})).await?;
    let waits = |issuance: &Value| issuance["spec"]["request"]["csr"].is_string() && issuance["status"].is_object();
    let issuance = objects.until("Issuance", "shop-1", "it waits", waits).await?;
    let form = json!({"domain": "example.com", "name": "shop", "csr": issuance["spec"]["request"]["csr"]});
    let id = world.sandbox.post("/_sandbox/dnsimple/certificates", &form).await?["id"].to_string();
    world.sandbox.post(&format!("/_sandbox/dnsimple/certificates/{id}/approve"), &json!({})).await?;
    let named = format!("a certificate of DNSimple was named id=\"{id}\" waiting=1");
    operator.until("what waits was woken", |log| log.contains(&named)).await?;
    let certificate = objects.until_ready("shop", 1).await?;
    ensure!(certificate["status"]["order"]["orderId"] == format!("example.com/{id}"), "{}", certificate["status"]);
    Ok(())
}

/// What it heard would be lost.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_the_lease_does_not_listen_and_half_a_configuration_is_none() -> Result<()> {
    let world = world().await?;
    let _operator = world.operator().await?;
    let kubeconfig = world.plane.kubeconfig();
    let kubeconfig = ("KUBECONFIG", &*kubeconfig.to_string_lossy());
    let arguments = Operator::arguments(&world.sandbox, "default", "info", Default::default());

    let mut standby = Operator::spawn(&arguments, &[kubeconfig, (LISTEN, "127.0.0.1:0"), (SECRET, PATH)])?;
    standby.until("it waits", |log| log.contains("waiting for the lease")).await?;
    ensure!(origin(&standby).is_none(), "{}", standby.log());

    for (environment, told) in [
        (vec![(LISTEN, "127.0.0.1:0")], "--dnsimple-webhook-path"),
        (vec![(SECRET, PATH)], "--dnsimple-webhook-listen"),
        (vec![(LISTEN, "127.0.0.1:0"), (SECRET, "short")], "24 to 128 letters"),
    ] {
        let environment: Vec<_> = [kubeconfig].into_iter().chain(environment).collect();
        let mut refused = Operator::spawn(&arguments, &environment)?;
        ensure!(refused.ended().await? != 0 && refused.log().contains(told), "{told}: {}", refused.log());
    }
    Ok(())
}
