//! What plain clients do on the same machine: the measure for everything else.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use harness::World;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject, PostParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::process::Servers;

/// As many clients as a plain tool would use.
const CLIENTS: usize = 32;
const SECRETS: usize = 3_000;
/// Certificates' worth of objects: enough for a steady rate.
const MIXES: usize = 1_000;

/// Secret creations a second.
pub async fn secrets_per_second(world: &World) -> Result<f64> {
    let namespace = world.plane.namespace("reference").await?;
    let clients = clients(world, CLIENTS);
    let started = Instant::now();
    let create = |n: usize| {
        let api: Api<Secret> = Api::namespaced(clients[n % CLIENTS].clone(), &namespace);
        async move {
            let mut secret = Secret::default();
            secret.metadata.name = Some(format!("secret-{n}"));
            secret.data = Some(BTreeMap::from([("value".to_owned(), ByteString(vec![b'x'; 64]))]));
            api.create(&PostParams::default(), &secret).await.map(drop)
        }
    };
    stream::iter((0..SECRETS).map(create)).buffer_unordered(CLIENTS).try_collect::<()>().await?;
    Ok(SECRETS as f64 / started.elapsed().as_secs_f64())
}

/// The objects of one finished certificate, to be written again under other names.
pub struct Mix {
    certificate: Value,
    issuance: Value,
    /// The key that waits for its certificate.
    key: Value,
    secret: Value,
    event: Value,
    /// Updates of a Certificate's status, updates of an Issuance's, creations of an Event.
    updates: [u64; 3],
}

impl Mix {
    /// As the operator wrote them: `each` says how often, a certificate.
    pub async fn of(world: &World, name: &str, each: impl Fn(&str, &str) -> u64) -> Result<Self> {
        let secret = world.objects.secret(&format!("{name}-tls")).await?.context("no Secret")?;
        let secret = serde_json::to_value(secret)?;
        let certificate = world.objects.get("Certificate", name).await?;
        let issuance = world.objects.get("Issuance", &format!("{name}-1")).await?;
        let request = &issuance["spec"]["request"];
        let key = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"labels": {"evercert.dev/managed": "true", "evercert.dev/key-for": name}},
            "type": "evercert.dev/key",
            "immutable": true,
            "data": {"tls.key": secret["data"]["tls.key"]},
            "stringData": {"tls.csr": request["csr"], "names": request["dnsNames"].to_string()},
        });
        let events = Place::new(world, &world.objects.namespace)?.events.list(&Default::default()).await?;
        Ok(Self {
            certificate,
            issuance,
            key,
            secret,
            event: serde_json::to_value(events.items.first().context("no Event")?)?,
            updates: [
                each("update", "certificates/status"),
                each("update", "issuances/status"),
                each("create", "events"),
            ],
        })
    }

    /// Certificates a second of a client that writes the same objects in the same order over so many connections.
    /// Certificates themselves are there before, as they are for the operator.
    /// Also what that costs the control plane, CPU seconds a certificate.
    pub async fn per_second(&self, world: &World, connections: usize) -> Result<(f64, f64)> {
        let namespace = world.plane.namespace("mix").await?;
        let clients = clients(world, connections);
        let places: Result<Vec<_>> = clients.iter().map(|client| Place::with(client.clone(), &namespace)).collect();
        let places = places?;
        let prepared =
            stream::iter(0..MIXES).map(|n| {
                let certificate = fresh(&self.certificate, &format!("mix-{n}"), None);
                let place = &places[n % connections];
                async move {
                    Ok::<_, anyhow::Error>(place.certificates.create(&PostParams::default(), &certificate?).await?)
                }
            });
        let certificates: Vec<DynamicObject> = prepared.buffer_unordered(connections).try_collect().await?;
        let servers = Servers::of(&world.plane)?;
        let (started, before) = (Instant::now(), servers.cpu_seconds()?);
        let works = certificates.into_iter().enumerate().map(|(n, certificate)| {
            let place = &places[n % connections];
            async move { self.write(place, certificate).await }
        });
        stream::iter(works).buffer_unordered(connections).try_collect::<()>().await?;
        let rate = MIXES as f64 / started.elapsed().as_secs_f64();
        Ok((rate, (servers.cpu_seconds()? - before) / MIXES as f64))
    }

    async fn write(&self, place: &Place, mut certificate: DynamicObject) -> Result<()> {
        let post = PostParams::default();
        let name = certificate.name_any();
        let key = format!("key-{name}");
        let [certificates, issuances, events] = self.updates;
        let begun = json!({"conditions": self.certificate["status"]["conditions"]});
        update(&place.certificates, &mut certificate, &begun, 0..certificates.min(1)).await?;
        place.secrets.create(&post, &fresh(&self.key, &key, None)?).await?;
        let mut issuance = fresh(&self.issuance, &format!("{name}-1"), None)?;
        issuance.data["spec"]["certificateRef"]["name"] = json!(name);
        let mut issuance = place.issuances.create(&post, &issuance).await?;
        update(&place.issuances, &mut issuance, &self.issuance["status"], 0..issuances).await?;
        place.secrets.create(&post, &fresh(&self.secret, &format!("{name}-tls"), None)?).await?;
        for time in 0..events {
            place.events.create(&post, &fresh(&self.event, &format!("{name}-{time}"), Some(&place.namespace))?).await?;
        }
        place.secrets.delete(&key, &Default::default()).await?;
        update(&place.certificates, &mut certificate, &self.certificate["status"], 1..certificates).await
    }
}

/// Writes a status so often, each time a little different: what has not changed is not stored.
async fn update(
    api: &Api<DynamicObject>,
    object: &mut DynamicObject,
    status: &Value,
    times: std::ops::Range<u64>,
) -> Result<()> {
    for time in times {
        object.data["status"] = status.clone();
        let conditions = &mut object.data["status"]["conditions"];
        match conditions.get_mut(0) {
            Some(first) => first["message"] = json!(time.to_string()),
            None => {
                *conditions = json!([{"type": "Ready", "status": "True", "reason": "Mix", "message": time.to_string(),
                    "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
            }
        }
        *object = api.replace_status(&object.name_any(), &PostParams::default(), object).await?;
    }
    Ok(())
}

fn clients(world: &World, count: usize) -> Vec<Client> {
    (0..count).map(|_| world.plane.client()).collect()
}

/// A copy under another name; `namespace` also where an Event says what it is about.
fn fresh(object: &Value, name: &str, namespace: Option<&str>) -> Result<DynamicObject> {
    let mut object = object.clone();
    object["metadata"] = json!({
        "name": name,
        "labels": object["metadata"]["labels"],
        "annotations": object["metadata"]["annotations"],
    });
    if let Some(namespace) = namespace {
        object["regarding"]["namespace"] = json!(namespace);
    }
    Ok(serde_json::from_value(object)?)
}

/// A namespace as one client sees it.
struct Place {
    namespace: String,
    certificates: Api<DynamicObject>,
    issuances: Api<DynamicObject>,
    secrets: Api<DynamicObject>,
    events: Api<DynamicObject>,
}

impl Place {
    fn new(world: &World, namespace: &str) -> Result<Self> {
        Self::with(world.plane.client(), namespace)
    }

    fn with(client: Client, namespace: &str) -> Result<Self> {
        let api = |group: &str, version: &str, kind: &str, plural: &str| {
            let kind = GroupVersionKind::gvk(group, version, kind);
            Api::namespaced_with(client.clone(), namespace, &ApiResource::from_gvk_with_plural(&kind, plural))
        };
        Ok(Self {
            namespace: namespace.to_owned(),
            certificates: api("evercert.dev", "v1alpha1", "Certificate", "certificates"),
            issuances: api("evercert.dev", "v1alpha1", "Issuance", "issuances"),
            secrets: api("", "v1", "Secret", "secrets"),
            events: api("events.k8s.io", "v1", "Event", "events"),
        })
    }
}
