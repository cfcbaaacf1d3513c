//! Removes keys that nobody waits for any more: of a Certificate that was deleted before its Issuance was recorded,
//! or whose Issuance has ended with it. A Certificate that is there sees to its keys itself: one may wait for days, and
//! be asked for at any moment.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    ResourceExt,
    api::{DeleteParams, Preconditions},
    core::PartialObjectMeta,
    runtime::reflector::ObjectRef,
};
use tracing::{info, warn};

use super::{
    context::{Context, Stores},
    error::kube,
    keys,
};
use crate::api::{Issuance, issuance::State};

const EVERY: Duration = Duration::from_secs(3600);
/// A key younger than this may be about to get its Issuance.
const AGE: SignedDuration = SignedDuration::from_hours(24);

/// Runs for the life of the process.
pub async fn sweep(context: Arc<Context>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let now = context.machine_now();
        let abandoned = context
            .stores
            .secrets
            .state_filter(|secret| is_abandoned(secret, |name| waits(&context.stores, secret, name), now));
        for secret in abandoned.iter().take_while(|_| !context.lease.remaining().is_zero()) {
            remove(&context, secret).await;
        }
    }
}

/// Who may still wait for the key of an Issuance of that name.
struct Waits {
    certificate: bool,
    issuance: Option<Arc<Issuance>>,
}

fn waits(stores: &Stores, secret: &PartialObjectMeta<Secret>, name: &str) -> Waits {
    let namespace = secret.namespace().unwrap_or_default();
    let of = name.rsplit_once('-').map_or(name, |(certificate, _)| certificate);
    Waits {
        certificate: stores.certificates.get(&ObjectRef::new(of).within(&namespace)).is_some(),
        issuance: stores.issuances.get(&ObjectRef::new(name).within(&namespace)),
    }
}

fn is_abandoned(secret: &PartialObjectMeta<Secret>, waits: impl Fn(&str) -> Waits, now: Timestamp) -> bool {
    let name = secret.name_any();
    let Some(of) = keys::issuance_of(&name).filter(|_| keys::is_key(secret)) else { return false };
    let old = secret.creation_timestamp().is_some_and(|created| now.duration_since(created.0) > AGE);
    let ended =
        |issuance: &Issuance| issuance.status.as_ref().and_then(|status| status.state).is_some_and(State::is_final);
    old && {
        let waits = waits(of);
        !waits.certificate && waits.issuance.is_none_or(|issuance| ended(&issuance))
    }
}

/// Exactly the one that was looked at, never one made anew under its name.
async fn remove(context: &Context, secret: &PartialObjectMeta<Secret>) {
    let (name, namespace) = (secret.name_any(), secret.namespace().unwrap_or_default());
    let preconditions = Preconditions { uid: secret.uid(), resource_version: secret.resource_version() };
    let exactly = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    match kube("remove an abandoned key", context.secrets(&namespace).delete(&name, &exactly)).await {
        Ok(_) => info!(namespace, name, "removed a key that no Issuance waits with"),
        Err(error) => warn!(namespace, name, %error, "an abandoned key was not removed"),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::{ObjectMeta, PartialObjectMetaExt};

    use super::*;

    #[test]
    fn only_an_old_key_without_a_live_issuance_is_removed() {
        let created: Timestamp = "2026-11-24T08:00:00Z".parse().expect("a time");
        let (young, old) = (created + SignedDuration::from_hours(23), created + SignedDuration::from_hours(25));
        let secret = |name: &str, label: &str| -> PartialObjectMeta<Secret> {
            ObjectMeta {
                name: Some(name.to_owned()),
                labels: Some([(label.to_owned(), "shop".to_owned())].into()),
                creation_timestamp: Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(created)),
                ..ObjectMeta::default()
            }
            .into_response_partial()
        };
        let issuance = |state: &str| -> Issuance {
            serde_json::from_value(serde_json::json!({
                "metadata": {"name": "shop-1"},
                "spec": {
                    "certificateRef": {"name": "shop", "uid": "u"}, "issuerRef": {"name": "i"},
                    "account": {"provider": "digicert", "host": "h", "id": "1"}, "revision": 1, "operation": "Order", "cost": "Paid",
                    "reason": "FirstIssue", "idempotencyKey": "k", "submissions": [],
                    "request": {"commonName": "a", "dnsNames": ["a"], "csr": "c", "publicKeySha256": "p",
                        "keyOrigin": "Ours", "keyAlgorithm": "ECDSA", "keySize": 256, "product": "p",
                        "signatureHash": "sha256"},
                },
                "status": {"state": state},
            }))
            .expect("an Issuance")
        };
        let key = secret("evercert-key-shop-1", keys::FOR_CERTIFICATE);
        let known = |state: &'static str| {
            move |name: &str| Waits {
                certificate: false,
                issuance: (name == "shop-1").then(|| Arc::new(issuance(state))),
            }
        };
        let unknown = |_: &str| Waits { certificate: false, issuance: None };
        let undecided = |_: &str| Waits { certificate: true, issuance: None };

        assert!(is_abandoned(&key, unknown, old));
        assert!(is_abandoned(&key, known("Failed"), old));
        assert!(!is_abandoned(&key, known("NeedsAttention"), old), "its order may exist");
        assert!(!is_abandoned(&key, undecided, old), "its Issuance may be recorded at this moment");
        assert!(!is_abandoned(&key, unknown, young), "its Issuance may be about to be recorded");
        assert!(!is_abandoned(&secret("evercert-key-shop-1", "app"), unknown, old), "not made by Evercert");
        assert!(!is_abandoned(&secret("shop-tls", keys::FOR_CERTIFICATE), unknown, old), "not a waiting key");
    }
}
