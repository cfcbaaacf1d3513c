//! Where certificates live, as SCM's inventory shows it.

use anyhow::{Context, Result, bail, ensure};
use harness::{World, condition};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, ResourceExt};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use crate::account::{accepted, ask, issuer, ready, scm};

const PATIENCE: Duration = Duration::from_secs(30);

/// An Issuer of this name that asks for it.
async fn recording(world: &World, name: &str) -> Result<()> {
    world.objects.create("Issuer", name, issuer(world, json!({"recordLocations": true}))).await.map(drop)
}

/// What an administrator does in SCM.
pub async fn admin(world: &World, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
    let text = |name: &str| scm(world)[name].as_str().unwrap_or_default();
    let call = reqwest::Client::new().request(method, format!("{}/ssl/v2/{path}", text("url")));
    let mut call = ["login", "password", "customerUri"].iter().fold(call, |call, name| call.header(*name, text(name)));
    if let Some(body) = body {
        call = call.json(&body);
    }
    let answer = call.send().await?.error_for_status()?.text().await?;
    Ok(serde_json::from_str(&answer).unwrap_or_default())
}

/// The details of every location of a certificate.
async fn locations(world: &World, id: &str) -> Result<Vec<Value>> {
    let listed = admin(world, Method::GET, &format!("{id}/location"), None).await?;
    Ok(listed.as_array().context("no list")?.iter().map(|location| location["details"].clone()).collect())
}

async fn until(world: &World, id: &str, wanted: &[Value]) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let known = locations(world, id).await?;
        if known.len() == wanted.len() && wanted.iter().all(|place| known.contains(place)) {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("certificate {id} should be in {wanted:?} and is in {known:?}");
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Ours, in a Secret of the world's namespace.
async fn ours(world: &World, secret: &str) -> Result<Value> {
    let system = Api::<Namespace>::all(world.objects.client.clone()).get("kube-system").await?;
    let cluster = system.uid().context("no uid")?;
    let namespace = &world.objects.namespace;
    Ok(json!({"cluster": cluster, "namespace": namespace, "secret": secret, "managedBy": "Evercert"}))
}

/// How often the inventory was asked or told anything.
async fn calls(world: &World) -> Result<u64> {
    let calls = world.sandbox.calls().await?;
    let about = |path: &&String| path.contains("/location");
    Ok(calls.keys().filter(about).map(|path| calls[path]).sum())
}

/// How often a fault has hit.
async fn hits(world: &World, fault: &Value) -> Result<u64> {
    let faults = world.sandbox.faults().await?;
    let known = faults["faults"].as_array().into_iter().flatten().find(|known| known["id"] == *fault);
    known.and_then(|known| known["hits"].as_u64()).context("no such fault")
}

async fn id_of(world: &World, name: &str) -> Result<String> {
    let certificate = world.objects.get("Certificate", name).await?;
    Ok(certificate["status"]["order"]["orderId"].as_str().context("no id")?.to_owned())
}

fn recorded(certificate: &Value) -> bool {
    condition(certificate, "LocationRecorded").is_some_and(|told| told["status"] == "True")
}

fn listed(certificate: &Value) -> usize {
    certificate["status"]["locations"].as_array().map_or(0, Vec::len)
}

async fn settled(world: &World, name: &str, secret: &str) -> Result<Value> {
    let so = |object: &Value| {
        recorded(object) && listed(object) == 1 && object["status"]["locations"][0]["secretName"] == secret
    };
    world.objects.until("Certificate", name, "its place is recorded", so).await
}

pub fn gone(world: &World, name: &str) -> Result<()> {
    let namespace = &world.objects.namespace;
    world.kubectl(&["wait", "--for=delete", "-n", namespace, &format!("evcert/{name}"), "--timeout=30s"]).map(drop)
}

const NAME: &str = "listed";

/// From the first certificate to the deletion, past a replacement, another Secret and a renewal.
pub async fn follows(world: &World) -> Result<()> {
    let objects = &world.objects;
    recording(world, "inventory").await?;
    ask(world, NAME, json!({"issuerRef": {"name": "inventory"}})).await?;
    ready(world, NAME, 1).await?;
    let first = id_of(world, NAME).await?;
    until(world, &first, &[ours(world, NAME).await?]).await?;

    // Others' are left alone, another installation's of the same Secret among them.
    let others = [
        json!({"rack": "7"}),
        json!({"cluster": "another", "namespace": objects.namespace, "secret": NAME, "managedBy": "Evercert"}),
    ];
    for details in &others {
        admin(world, Method::POST, &format!("{first}/location"), Some(json!({"details": details}))).await?;
    }
    let with = |place: Value| [others[0].clone(), others[1].clone(), place];

    // At rest nobody is called and nothing is written.
    let rests = settled(world, NAME, NAME).await?;
    let before = calls(world).await?;
    objects.patch("Certificate", NAME, json!({"spec": {"revisionHistoryLimit": 9}})).await?;
    let looked = ready(world, NAME, 1).await?;
    objects.patch("Certificate", NAME, json!({"metadata": {"labels": {"look": "again"}}})).await?;
    objects.secrets().delete(NAME, &Default::default()).await?;
    ready(world, NAME, 2).await?;
    ensure!(id_of(world, NAME).await? == first, "a replacement keeps the id");
    ensure!(looked["status"]["locations"] == rests["status"]["locations"]);
    ensure!(calls(world).await? - before == 0, "the inventory was asked {} times", calls(world).await? - before);
    until(world, &first, &with(ours(world, NAME).await?)).await?;

    objects.patch("Certificate", NAME, json!({"spec": {"secretName": "moved"}})).await?;
    settled(world, NAME, "moved").await?;
    until(world, &first, &with(ours(world, "moved").await?)).await?;

    world.sandbox.advance_days(1).await?;
    objects.patch("Certificate", NAME, json!({"spec": {"renewal": {"before": "2159h"}}})).await?;
    objects.until_ready(NAME, 3).await?;
    let second = id_of(world, NAME).await?;
    ensure!(second != first, "a renewal has an id of its own");
    until(world, &second, &[ours(world, "moved").await?]).await?;
    until(world, &first, &others).await?;

    // The issuer asks for it no more, and again.
    for (wanted, count) in [(false, 0), (true, 1)] {
        objects.patch("Issuer", "inventory", json!({"spec": {"sectigo": {"recordLocations": wanted}}})).await?;
        let so = |object: &Value| listed(object) == count && recorded(object) == wanted;
        let certificate = objects.until("Certificate", NAME, "its issuer is followed", so).await?;
        ensure!(wanted != certificate["metadata"]["finalizers"].is_null(), "{}", certificate["metadata"]);
        ensure!(locations(world, &second).await?.len() == count);
    }
    objects.delete("Certificate", NAME).await?;
    gone(world, NAME)?;
    until(world, &second, &[]).await?;
    until(world, &first, &others).await?;
    ensure!(objects.secret("moved").await?.is_some(), "Retain");
    ensure!(accepted(world, NAME).await? == [1, 1, 1], "{:?}", accepted(world, NAME).await?);
    Ok(())
}

/// It makes no Certificate less Ready, delays none, and holds no deletion up for long.
pub async fn refuses(world: &World) -> Result<()> {
    let objects = &world.objects;
    recording(world, "refused").await?;
    let fault = |kind: Value| {
        let mut fault = kind;
        fault["match"] = json!({"operation": "location"});
        fault["times"] = json!(1000);
        fault
    };
    let unsaid =
        |object: &Value| condition(object, "LocationRecorded").is_some_and(|told| told["reason"] == "NotRecorded");
    let forbidden = json!({"kind": "refuse", "status": 403, "code": -37, "description": "Access denied"});
    let faults = [("forbidden", forbidden), ("broken", json!({"kind": "errorBeforeCommit", "status": 500}))];
    for (name, kind) in faults {
        let id = world.sandbox.fault(&fault(kind)).await?["id"].clone();
        ask(world, name, json!({"issuerRef": {"name": "refused"}})).await?;
        let certificate = objects.until("Certificate", name, "the refusal is told", unsaid).await?;
        ensure!(condition(&certificate, "Ready").is_some_and(|ready| ready["status"] == "True"), "{name}");
        ensure!(condition(&certificate, "ActionRequired").is_none(), "{name}");
        ready(world, name, 1).await?;
        objects.secrets().delete(name, &Default::default()).await?;
        ready(world, name, 2).await?;
        ensure!(hits(world, &id).await? == 1, "{name}: asked at every look, {} times", hits(world, &id).await?);
        objects.delete("Certificate", name).await?;
        gone(world, name)?;
        let events = world.kubectl(&["get", "events", "-n", &objects.namespace, "-o", "json"])?;
        let events: Value = serde_json::from_str(&events)?;
        let left = |event: &&Value| event["reason"] == "LocationLeft" && event["involvedObject"]["name"] == name;
        ensure!(events["items"].as_array().into_iter().flatten().filter(left).count() == 1, "{name}: it is not told");
        world.sandbox.clear_faults().await?;
    }
    Ok(())
}

/// The operator dies when SCM has been told and nobody has written that down.
pub async fn dies(world: &World) -> Result<()> {
    let name = "killed";
    recording(world, "inventory").await?;
    let mut operator = world.operator_with(&[("EVERCERT_DIE_AT", &format!("location.after@{name}"))]).await?;
    ask(world, name, json!({"issuerRef": {"name": "inventory"}})).await?;
    let code = operator.ended().await?;
    ensure!(code == 128 + 9, "ended with {code}");
    let told = world.objects.get("Certificate", name).await?;
    ensure!(listed(&told) == 1 && !recorded(&told), "{}", told["status"]["locations"]);
    let id = id_of(world, name).await?;
    until(world, &id, &[ours(world, name).await?]).await?;
    world.drop_lease().await?;
    let _operator = world.operator().await?;
    settled(world, name, name).await?;
    until(world, &id, &[ours(world, name).await?]).await?;
    world.objects.delete("Certificate", name).await?;
    gone(world, name)?;
    until(world, &id, &[]).await
}
