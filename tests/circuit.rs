//! An account that answers with errors is left alone, says so, and is taken up again by itself, on the real API server.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Objects, World, WorldOptions, condition};
use k8s_openapi::api::events::v1::Event;
use kube::{Api, api::ListParams};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

const ISSUERS: [(&str, &str); 3] = [("Issuer", "digicert"), ("Issuer", "twin"), ("ClusterIssuer", "shared")];
const ASKED: [&str; 4] = ["one", "two", "three", "four"];

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_only_fails_is_probed_and_goes_on_by_itself() -> Result<()> {
    let world = World::start(WorldOptions { unlimited: true, ..WorldOptions::default() }).await?;
    let objects = &world.objects;
    objects.create("Issuer", "twin", world.issuer()).await?;
    shared_by_a_cluster_issuer(&world).await?;
    let operator = world.operator().await?;
    objects.ask("served", json!({})).await?;
    let served = objects.until_ready("served", 1).await?;
    for (kind, name) in ISSUERS {
        objects.until(kind, name, "it is ready", |issuer| says(issuer, "Ready", "AccountVerified")).await?;
    }

    // One order is placed and its answer lost; from then on nothing is answered.
    world.ordering("lost", json!({"kind": "hangAfterCommit"})).await?;
    let outage = json!({"kind": "errorBeforeCommit", "status": 503, "times": 1_000_000});
    let outage = world.sandbox.fault(&outage).await?["id"].clone();
    for name in ASKED {
        objects.ask(name, json!({})).await?;
    }
    for (kind, name) in ISSUERS {
        let issuer =
            objects.until(kind, name, "it is left alone", |issuer| says(issuer, "Ready", "CircuitOpen")).await?;
        ensure!(condition(&issuer, "CircuitOpen").is_some_and(|open| open["status"] == "True"), "{}", issuer["status"]);
        let message = message(&issuer, "Ready");
        ensure!(message.contains("nothing is asked of the account since"), "{message}");
        ensure!(
            message.contains("503 Service Unavailable") && message.contains("The next look at it is at"),
            "{message}"
        );
        ensure!(
            !message.contains(world.sandbox.ready()["digicert"]["apiKey"].as_str().context("no key")?),
            "{message}"
        );
        ensure!(!issuer["status"]["account"]["id"].is_null(), "the account is forgotten");
    }

    // What waits says so; nothing is recorded for what begins now; what is served is not touched.
    objects.ask("late", json!({})).await?;
    let waits = |certificate: &Value| says(certificate, "Ready", "CircuitOpen");
    objects.until("Certificate", "late", "it waits", waits).await?;
    ensure!(!objects.names("Issuance").await?.contains(&"late-1".to_owned()), "an intent was recorded");
    let hindered = |issuance: &Value| says(issuance, "Hindered", "CircuitOpen");
    objects.until("Issuance", "lost-1", "it waits", hindered).await?;
    let lost = objects.until("Certificate", "lost", "it says so", waits).await?;
    ensure!(condition(&lost, "ActionRequired").is_none(), "nobody has to act");
    shows(&operator, 3.0).await?;

    // Each failed call is told: between two looks that failed no other call was made.
    let first = failed_more(objects, 0).await?;
    let before = hits(&world, &outage).await?;
    let second = failed_more(objects, first).await?;
    let made = hits(&world, &outage).await?.saturating_sub(before);
    ensure!(made <= second - first + 1, "{made} calls, {first} to {second} failures");
    ensure!(made <= 3, "{made} calls from one look to the next");
    let now = objects.get("Certificate", "served").await?;
    ensure!(now["metadata"]["resourceVersion"] == served["metadata"]["resourceVersion"], "what rests was written");

    world.sandbox.clear_faults().await?;
    for (kind, name) in ISSUERS {
        let issuer =
            objects.until(kind, name, "it serves again", |issuer| says(issuer, "Ready", "AccountVerified")).await?;
        ensure!(condition(&issuer, "CircuitOpen").is_none(), "{}", issuer["status"]);
    }
    for name in ASKED.into_iter().chain(["lost", "late"]) {
        world.ready_and_paid_once(name).await?;
    }
    shows(&operator, 0.0).await?;
    for (kind, name) in ISSUERS {
        told_once(&world, kind, name).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_is_not_used_over_and_over_and_a_new_one_is_at_once() -> Result<()> {
    let world = World::start(WorldOptions { unlimited: true, ..WorldOptions::default() }).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    objects.until("Issuer", "digicert", "it is ready", |issuer| says(issuer, "Ready", "AccountVerified")).await?;
    // An edit has the credential read anew.
    key(&world, "00FF").await?;
    edit(&world).await?;
    let refused = |issuer: &Value| says(issuer, "Ready", "InvalidCredentials");
    objects.until("Issuer", "digicert", "its key is refused", refused).await?;
    // Each edit is worth one look; in the end it is left alone, and still says what to do.
    let deadline = Instant::now() + Duration::from_secs(60);
    let open = loop {
        edit(&world).await?;
        let issuer = objects.get("Issuer", "digicert").await?;
        let generation = &issuer["metadata"]["generation"];
        let seen = |issuer: &Value| issuer["status"]["observedGeneration"].as_i64() >= generation.as_i64();
        let issuer = objects.until("Issuer", "digicert", "it is looked at", seen).await?;
        if says(&issuer, "CircuitOpen", "InvalidCredentials") {
            break issuer;
        }
        ensure!(Instant::now() < deadline, "it is never left alone: {}", issuer["status"]);
    };
    ensure!(says(&open, "Ready", "InvalidCredentials"), "{}", open["status"]);
    ensure!(message(&open, "Ready").contains("Automation > API keys"), "{}", message(&open, "Ready"));
    objects.ask("patient", json!({})).await?;
    let waits = |certificate: &Value| says(certificate, "Ready", "CircuitOpen");
    objects.until("Certificate", "patient", "it waits", waits).await?;

    // Another key is another credential, with a circuit of its own.
    key(&world, world.sandbox.ready()["digicert"]["apiKey"].as_str().context("no key")?).await?;
    world.ready_and_paid_once("patient").await
}

async fn shared_by_a_cluster_issuer(world: &World) -> Result<()> {
    let operators = Objects { namespace: "default".to_owned(), ..world.objects.clone() };
    let key = world.sandbox.ready()["digicert"]["apiKey"].as_str().context("no key")?;
    operators.create_secret("digicert-api-key", "api-key", key).await?;
    let mut spec = world.issuer();
    spec["policy"] = json!({"rules": [{"name": "all", "namespaceSelector": {}}]});
    world.objects.create("ClusterIssuer", "shared", spec).await.map(drop)
}

fn says(object: &Value, type_: &str, reason: &str) -> bool {
    condition(object, type_).is_some_and(|found| found["reason"] == reason)
}

fn message(object: &Value, type_: &str) -> String {
    condition(object, type_).and_then(|found| found["message"].as_str()).unwrap_or_default().to_owned()
}

/// How many calls the operator has seen fail in a row, once those are more than `before`.
async fn failed_more(objects: &Objects, before: u64) -> Result<u64> {
    let failed = |issuer: &Value| {
        let message = message(issuer, "CircuitOpen");
        let count = message.split(" calls in a row").next().and_then(|text| text.rsplit(' ').next()?.parse().ok());
        count.unwrap_or(0_u64)
    };
    // The first number told is from when it opened: calls that were under way may still end.
    let floor = if before == 0 { failed(&objects.get("Issuer", "digicert").await?) } else { before };
    let issuer = objects.until("Issuer", "digicert", "a look has failed", |issuer| failed(issuer) > floor).await?;
    Ok(failed(&issuer))
}

/// Calls that a fault has met.
async fn hits(world: &World, id: &Value) -> Result<u64> {
    let faults = world.sandbox.faults().await?;
    let fault = faults["faults"].as_array().into_iter().flatten().find(|fault| fault["id"] == *id);
    fault.and_then(|fault| fault["hits"].as_u64()).context("no such fault")
}

/// Issuers whose circuit the operator shows as open.
async fn shows(operator: &harness::Operator, open: f64) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while operator.metrics().await?.sum("evercert_circuit_open", &[]) != open {
        ensure!(Instant::now() < deadline, "evercert_circuit_open does not become {open}");
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// One Event when it opened, one when it closed. They are written right after the status.
async fn told_once(world: &World, kind: &str, name: &str) -> Result<()> {
    let events: Api<Event> = Api::all(world.objects.client.clone());
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let events = events.list(&ListParams::default()).await?.items;
        let of = |reason: &str| {
            let about = |event: &&Event| {
                let regarding = event.regarding.clone().unwrap_or_default();
                regarding.kind.as_deref() == Some(kind) && regarding.name.as_deref() == Some(name)
            };
            let told = events.iter().filter(about).filter(|event| event.reason.as_deref() == Some(reason));
            told.map(|event| event.series.as_ref().map_or(1, |series| series.count)).sum::<i32>()
        };
        let told = [of("CircuitOpen"), of("CircuitClosed")];
        if told == [1, 1] {
            return Ok(());
        }
        ensure!(told.iter().all(|count| *count <= 1) && Instant::now() < deadline, "{kind} {name}: {told:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn key(world: &World, key: &str) -> Result<()> {
    let patch = json!({"stringData": {"api-key": key}});
    let secrets = world.objects.secrets();
    secrets.patch("digicert-api-key", &Default::default(), &kube::api::Patch::Merge(&patch)).await?;
    Ok(())
}

/// To something that changes nothing.
async fn edit(world: &World) -> Result<()> {
    let issuer = world.objects.get("Issuer", "digicert").await?;
    let burst = issuer["spec"]["rateLimit"]["burst"].as_i64().unwrap_or(1000);
    world.objects.patch("Issuer", "digicert", json!({"spec": {"rateLimit": {"burst": burst - 1}}})).await
}
