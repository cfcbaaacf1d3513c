//! Events on the objects of users: what was done at the provider, with its ids. Each is a line of the log too.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client, Resource, ResourceExt,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use tracing::{info, warn};

use crate::api::{Certificate, Issuance};

/// Longest note the API server takes (events.k8s.io/v1), in bytes.
const MAX_NOTE: usize = 1024;

pub struct Events {
    recorder: Recorder,
}

impl Events {
    pub fn new(client: Client, instance: &str) -> Self {
        let reporter = Reporter { controller: "evercert".to_owned(), instance: Some(instance.to_owned()) };
        Self { recorder: Recorder::new(client, reporter) }
    }

    pub async fn normal(&self, issuance: &Issuance, action: &str, reason: &str, note: String) {
        info!(issuance = issuance.name_any(), reason, note);
        self.publish(issuance, EventType::Normal, action, reason, note).await;
    }

    pub async fn warning(&self, issuance: &Issuance, action: &str, reason: &str, note: String) {
        warn!(issuance = issuance.name_any(), reason, note);
        self.publish(issuance, EventType::Warning, action, reason, note).await;
    }

    /// About a Certificate that no single Issuance stands for.
    pub async fn about(&self, certificate: &Certificate, action: &str, reason: &str, note: String) {
        warn!(certificate = certificate.name_any(), reason, note);
        let about = reference::<Certificate>(
            &certificate.namespace().unwrap_or_default(),
            &certificate.name_any(),
            certificate.metadata.uid.as_deref().unwrap_or_default(),
        );
        self.write(&about, None, EventType::Warning, action, reason, note).await;
    }

    /// About the Certificate. Related is the Issuance: without it the recorder would take the next one's event for a
    /// repetition, and its note would be lost.
    async fn publish(&self, issuance: &Issuance, type_: EventType, action: &str, reason: &str, note: String) {
        let namespace = issuance.namespace().unwrap_or_default();
        let certificate = &issuance.spec.certificate_ref;
        let about = reference::<Certificate>(&namespace, &certificate.name, &certificate.uid);
        let related = reference::<Issuance>(
            &namespace,
            &issuance.name_any(),
            issuance.metadata.uid.as_deref().unwrap_or_default(),
        );
        self.write(&about, Some(related), type_, action, reason, note).await;
    }

    /// An event that cannot be written stops nothing.
    async fn write(
        &self,
        about: &ObjectReference,
        related: Option<ObjectReference>,
        type_: EventType,
        action: &str,
        reason: &str,
        mut note: String,
    ) {
        if note.len() > MAX_NOTE {
            let end = (0..=MAX_NOTE).rev().find(|end| note.is_char_boundary(*end)).unwrap_or(0);
            note.truncate(end);
        }
        let event =
            Event { type_, reason: reason.to_owned(), note: Some(note), action: action.to_owned(), secondary: related };
        if let Err(error) = super::error::kube("create an Event", self.recorder.publish(&event, about)).await {
            warn!(%error, reason, "event not written");
        }
    }
}

/// A reference to an object that may be gone by now.
fn reference<K: Resource<DynamicType = ()>>(namespace: &str, name: &str, uid: &str) -> ObjectReference {
    ObjectReference {
        api_version: Some(K::api_version(&()).into_owned()),
        kind: Some(K::kind(&()).into_owned()),
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
        uid: Some(uid.to_owned()),
        ..ObjectReference::default()
    }
}
