//! A world whose issuers have a policy, and what is asked there again and again.

use anyhow::{Context, Result, ensure};
use harness::{Objects, World, WorldOptions, common_name, condition};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api,
    api::{DeleteParams, PostParams},
};
use serde_json::{Value, json};

/// Without a rate limit on either side.
pub async fn world() -> Result<World> {
    World::start(WorldOptions { unlimited: true, ..WorldOptions::default() }).await
}

/// An Issuer of this name with one policy rule, `all`, of these parts.
pub async fn issuer(world: &World, name: &str, rule: Value) -> Result<()> {
    world.objects.create("Issuer", name, issuer_spec(world, rule)).await.map(drop)
}

/// The same for every namespace.
pub async fn cluster_issuer(world: &World, name: &str, rule: Value) -> Result<()> {
    let operators = Objects { namespace: "default".to_owned(), ..world.objects.clone() };
    let key = world.sandbox.ready()["digicert"]["apiKey"].as_str().context("no key")?;
    operators.create_secret("digicert-api-key", "api-key", key).await?;
    operators.create("ClusterIssuer", name, issuer_spec(world, rule)).await.map(drop)
}

fn issuer_spec(world: &World, mut rule: Value) -> Value {
    rule["name"] = json!("all");
    rule["namespaceSelector"] = json!({});
    let mut spec = world.issuer();
    spec["policy"] = json!({"rules": [rule]});
    spec
}

pub async fn ask(objects: &Objects, name: &str, issuer: Value) -> Result<()> {
    objects.ask(name, json!({"issuerRef": issuer})).await
}

/// Waits until a condition of an object has this reason, and returns its message.
pub async fn told(objects: &Objects, kind: &str, name: &str, type_: &str, reason: &str) -> Result<String> {
    let so = |object: &Value| condition(object, type_).is_some_and(|found| found["reason"] == reason);
    let object = objects.until(kind, name, &format!("{type_} is {reason}"), so).await?;
    let message = condition(&object, type_).and_then(|found| found["message"].as_str());
    Ok(message.unwrap_or_default().to_owned())
}

/// What the CA was paid for these names together.
pub async fn paid(world: &World, names: &[&str]) -> Result<usize> {
    let ledger = world.sandbox.ledger().await?;
    Ok(names.iter().map(|name| ledger.paid(&common_name(name))).sum())
}

/// `<issuance>/<submission>` of each reservation, sorted.
pub async fn reserved(objects: &Objects, kind: &str, issuer: &str) -> Result<Vec<String>> {
    let issuer = objects.get(kind, issuer).await?;
    let reservations = issuer["status"]["reservations"].as_array().cloned().unwrap_or_default();
    let name = |reservation: &Value| {
        let issuance = reservation["issuance"].as_str().unwrap_or_default();
        format!("{}/{}", issuance.rsplit('/').next().unwrap_or_default(), reservation["n"])
    };
    let mut names: Vec<String> = reservations.iter().map(name).collect();
    names.sort();
    Ok(names)
}

/// Makes a namespace of this name.
pub async fn make(world: &World, name: &str) -> Result<Objects> {
    let namespaces: Api<Namespace> = Api::all(world.objects.client.clone());
    let namespace = serde_json::from_value(json!({"metadata": {"name": name}}))?;
    namespaces.create(&PostParams::default(), &namespace).await?;
    Ok(Objects { namespace: name.to_owned(), ..world.objects.clone() })
}

/// Deletes a namespace, and waits until it is gone with all that was in it.
pub async fn unmake(world: &World, name: &str) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(world.objects.client.clone());
    namespaces.delete(name, &DeleteParams::default()).await?;
    let gone =
        kube::runtime::wait::await_condition(namespaces, name, |namespace: Option<&Namespace>| namespace.is_none());
    tokio::time::timeout(std::time::Duration::from_secs(60), gone).await.context("the namespace stays")??;
    Ok(())
}

/// Everybody is told that the budget is used up, and nobody has an Issuance.
pub async fn exhausted(objects: &Objects, name: &str) -> Result<String> {
    let message = told(objects, "Certificate", name, "Ready", "BudgetExhausted").await?;
    ensure!(!objects.names("Issuance").await?.contains(&format!("{name}-1")), "{name} has an Issuance");
    Ok(message)
}
