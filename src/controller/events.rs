//! Events on the objects of users: what was done at the provider, with its ids.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client, Resource,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use tracing::warn;

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

    pub async fn normal(&self, about: &ObjectReference, action: &str, reason: &str, note: String) {
        self.publish(about, EventType::Normal, action, reason, note).await;
    }

    pub async fn warning(&self, about: &ObjectReference, action: &str, reason: &str, note: String) {
        self.publish(about, EventType::Warning, action, reason, note).await;
    }

    /// An event that cannot be written stops nothing.
    async fn publish(&self, about: &ObjectReference, type_: EventType, action: &str, reason: &str, mut note: String) {
        if note.len() > MAX_NOTE {
            let end = (0..=MAX_NOTE).rev().find(|end| note.is_char_boundary(*end)).unwrap_or(0);
            note.truncate(end);
        }
        let event =
            Event { type_, reason: reason.to_owned(), note: Some(note), action: action.to_owned(), secondary: None };
        if let Err(error) = super::error::kube("create an Event", self.recorder.publish(&event, about)).await {
            warn!(%error, reason, "event not written");
        }
    }
}

/// A reference to a Certificate that may be gone by now.
pub fn about<K: Resource<DynamicType = ()>>(namespace: &str, name: &str, uid: &str) -> ObjectReference {
    ObjectReference {
        api_version: Some(K::api_version(&()).into_owned()),
        kind: Some(K::kind(&()).into_owned()),
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
        uid: Some(uid.to_owned()),
        ..ObjectReference::default()
    }
}
