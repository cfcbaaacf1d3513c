//! Events on the objects of users: what was done at the provider, with its ids. Each is a line of the log too.
//!
//! Not kube's `Recorder`: it keeps each one for minutes, to merge repetitions, which are rare here and each worth telling.

use jiff::Timestamp;
use k8s_openapi::{
    api::{core::v1::ObjectReference, events::v1::Event},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{Api, Client, Resource, ResourceExt, api::PostParams, runtime::events::EventType};
use tracing::{info, warn};

use super::error::kube;
use crate::api::{Certificate, Issuance};

/// Longest note the API server takes (events.k8s.io/v1), in bytes.
const MAX_NOTE: usize = 1024;

pub struct Events {
    client: Client,
    /// Which process reports.
    instance: String,
}

impl Events {
    pub fn new(client: Client, instance: &str) -> Self {
        Self { client, instance: instance.to_owned() }
    }

    pub async fn normal(&self, issuance: &Issuance, action: &str, reason: &str, note: String) {
        info!(issuance = issuance.name_any(), reason, note);
        self.publish(issuance, EventType::Normal, action, reason, note).await;
    }

    pub async fn warning(&self, issuance: &Issuance, action: &str, reason: &str, note: String) {
        warn!(issuance = issuance.name_any(), reason, note);
        self.publish(issuance, EventType::Warning, action, reason, note).await;
    }

    /// About an object that no single Issuance stands for.
    pub async fn about<K>(&self, object: &K, action: &str, reason: &str, note: String)
    where
        K: Resource<DynamicType = ()>,
    {
        warn!(kind = %K::kind(&()), name = object.name_any(), reason, note);
        self.write(&object.object_ref(&()), None, EventType::Warning, action, reason, note).await;
    }

    /// The same, once it is over.
    pub async fn over<K>(&self, object: &K, action: &str, reason: &str, note: String)
    where
        K: Resource<DynamicType = ()>,
    {
        info!(kind = %K::kind(&()), name = object.name_any(), reason, note);
        self.write(&object.object_ref(&()), None, EventType::Normal, action, reason, note).await;
    }

    /// About the Certificate. Related is the Issuance.
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
        let now = Timestamp::now();
        // Where kubectl looks for those of an object that is in no namespace.
        let namespace = about.namespace.clone().unwrap_or_else(|| "default".to_owned());
        // As client-go names them.
        let name = format!("{}.{:x}", about.name.as_deref().unwrap_or_default(), now.as_nanosecond());
        let event = Event {
            metadata: ObjectMeta { name: Some(name), namespace: Some(namespace.clone()), ..ObjectMeta::default() },
            event_time: Some(MicroTime(now)),
            type_: Some(format!("{type_:?}")),
            action: Some(action.to_owned()),
            reason: Some(reason.to_owned()),
            note: Some(note),
            regarding: Some(about.clone()),
            related,
            reporting_controller: Some("evercert".to_owned()),
            reporting_instance: Some(self.instance.clone()),
            ..Event::default()
        };
        let api: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
        if let Err(error) = kube("create an Event", api.create(&PostParams::default(), &event)).await {
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
