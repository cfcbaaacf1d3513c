//! Kubernetes objects as JSON, as kubectl handles them.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// How long something may take on a busy machine before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// One namespace's objects.
#[derive(Clone)]
pub struct Objects {
    pub client: Client,
    pub namespace: String,
}

impl Objects {
    pub fn api(&self, kind: &str) -> Api<DynamicObject> {
        let plural = format!("{}s", kind.to_lowercase());
        let resource =
            ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("evercert.dev", "v1alpha1", kind), &plural);
        if kind == "ClusterIssuer" {
            return Api::all_with(self.client.clone(), &resource);
        }
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }

    pub fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Creates an object of ours.
    pub async fn create(&self, kind: &str, name: &str, spec: Value) -> Result<DynamicObject> {
        let object = serde_json::from_value(json!({
            "apiVersion": "evercert.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec,
        }))?;
        self.api(kind).create(&PostParams::default(), &object).await.with_context(|| format!("creating {kind} {name}"))
    }

    /// Creates a Certificate for [`common_name`] in a Secret of its name; `changes` take the place of fields of its spec.
    pub async fn ask(&self, name: &str, changes: Value) -> Result<()> {
        let mut spec = json!({"issuerRef": {"name": "digicert"}, "secretName": name, "dnsNames": [common_name(name)]});
        for (field, value) in changes.as_object().context("an object of changes")? {
            spec[field] = value.clone();
        }
        self.create("Certificate", name, spec).await.map(drop)
    }

    pub async fn get(&self, kind: &str, name: &str) -> Result<Value> {
        Ok(serde_json::to_value(self.api(kind).get(name).await.with_context(|| format!("reading {kind} {name}"))?)?)
    }

    pub async fn list(&self, kind: &str) -> Result<Vec<Value>> {
        let objects = self.api(kind).list(&Default::default()).await?;
        objects.items.into_iter().map(|object| Ok(serde_json::to_value(object)?)).collect()
    }

    pub async fn patch(&self, kind: &str, name: &str, patch: Value) -> Result<()> {
        self.api(kind).patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await?;
        Ok(())
    }

    pub async fn delete(&self, kind: &str, name: &str) -> Result<()> {
        self.api(kind).delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    pub async fn create_secret(&self, name: &str, key: &str, value: &str) -> Result<()> {
        let secret = serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {key: value},
        }))?;
        self.secrets().create(&PostParams::default(), &secret).await?;
        Ok(())
    }

    pub async fn secret(&self, name: &str) -> Result<Option<Secret>> {
        Ok(self.secrets().get_opt(name).await?)
    }

    /// Waits until the object is as `holds` says and returns it; `what` names that in the failure.
    pub async fn until(&self, kind: &str, name: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let object = self.api(kind).get_opt(name).await?.map(serde_json::to_value).transpose()?;
            match object {
                Some(object) if holds(&object) => return Ok(object),
                last if Instant::now() > deadline => {
                    let last = last.map(|last| json!({"spec": last["spec"], "status": last["status"]}));
                    bail!("{kind} {name} did not become so that {what}; it is {:#}", json!(last));
                }
                _ => sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Waits until a Certificate is Ready with the result of this revision or a later one.
    pub async fn until_ready(&self, certificate: &str, revision: i64) -> Result<Value> {
        self.until("Certificate", certificate, &format!("revision {revision} is ready"), |object| {
            let status = &object["status"];
            condition(object, "Ready").is_some_and(|ready| ready["status"] == "True")
                && status["revision"].as_i64().is_some_and(|known| known >= revision)
                && status["issuance"].is_null()
                && status["observedGeneration"] == object["metadata"]["generation"]
        })
        .await
    }

    /// Waits until the newest Issuance of a Certificate is as `holds` says.
    pub async fn until_issuance(&self, name: &str, state: &str) -> Result<Value> {
        self.until("Issuance", name, &format!("it is {state}"), |object| object["status"]["state"] == state).await
    }

    pub async fn names(&self, kind: &str) -> Result<Vec<String>> {
        Ok(self.api(kind).list(&Default::default()).await?.items.iter().map(ResourceExt::name_any).collect())
    }
}

/// The DNS name that a Certificate of this name asks for.
pub fn common_name(name: &str) -> String {
    format!("{name}.example.com")
}

/// One condition of an object.
pub fn condition<'a>(object: &'a Value, type_: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == type_)
}
