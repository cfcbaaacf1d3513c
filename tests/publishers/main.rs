//! Orders through the publishers that create objects, against what they are made for: ExternalDNS, and cert-manager's own
//! webhook server as an aggregated API, both of which drive BIND 9; the kinds of the Gateway API. The CA looks for itself.

mod external_dns;
mod http;
mod webhook;

use std::{net::TcpListener, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use harness::{
    Objects, World, WorldOptions,
    bind::{Bind, Server},
    condition,
};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

const NAME: &str = "shop.example.com";
/// The CA is asked only once nobody remembers the name without its newest value: TTLs are a minute.
const PATIENCE: Duration = Duration::from_secs(180);

async fn world() -> Result<(Arc<Bind>, World)> {
    let bind = Arc::new(Bind::start().await?);
    let world = World::start(WorldOptions { bind: Some(bind.clone()), ..WorldOptions::default() }).await?;
    Ok((bind, world))
}

fn certificate(issuer: &Value, name: &str) -> Value {
    json!({"issuerRef": issuer, "secretName": format!("{name}-tls"), "dnsNames": [name], "commonName": name})
}

/// Has an order stay as it is, its records published, until it is released.
async fn hold(world: &World, name: &str, times: u32) -> Result<()> {
    let target = json!({"operation": "order", "commonName": name});
    world.sandbox.fault(&json!({"kind": "stayPending", "times": times, "match": target})).await.map(drop)
}

async fn release(world: &World, issuance: &str) -> Result<()> {
    let issuance = world.objects.get("Issuance", issuance).await?;
    let order = issuance["status"]["orderId"].as_str().context("no order")?.to_owned();
    world.sandbox.post(&format!("/_sandbox/orders/{order}/release"), &json!({})).await.map(drop)
}

/// Waits until the first validation of an Issuance is told to lack this.
async fn until_told(objects: &Objects, issuance: &str, what: &str) -> Result<()> {
    let told = |object: &Value| {
        object["status"]["validations"][0]["message"].as_str().is_some_and(|message| message.contains(what))
    };
    objects.until("Issuance", issuance, &format!("{what:?} is told"), told).await.map(drop)
}

fn publisher(issuance: &Value) -> &Value {
    &issuance["status"]["validations"][0]["publisher"]
}

/// Waits until the name holds exactly these TXT values.
async fn until_texts(bind: &Bind, name: &str, wanted: &[&str]) -> Result<()> {
    until(&format!("{name} holds {wanted:?}"), async || {
        let mut held = bind.texts(Server::Primary, name).await?;
        held.sort();
        Ok(held == wanted)
    })
    .await
}

async fn until(what: &str, holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let looks = async {
        while !holds().await? {
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    };
    timeout(PATIENCE, looks).await.with_context(|| what.to_owned())?
}

async fn until_ready(world: &World, certificate: &str) -> Result<()> {
    until(&format!("{certificate} is ready"), async || {
        let object = world.objects.get("Certificate", certificate).await?;
        Ok(condition(&object, "Ready").is_some_and(|ready| ready["status"] == "True"))
    })
    .await
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// What the order was given, as the record holds it.
async fn token(world: &World, issuance: &str) -> Result<String> {
    let published = |object: &Value| object["status"]["validations"][0]["record"]["value"].is_string();
    let issuance = world.objects.until("Issuance", issuance, "it has a token", published).await?;
    let value = issuance["status"]["validations"][0]["record"]["value"].as_str().context("no token")?;
    ensure!(!value.is_empty());
    Ok(value.to_owned())
}
