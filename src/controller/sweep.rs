//! Removes what Certificates that are gone have left behind: their Issuances, once all they ordered has ended, and keys
//! that nobody waits for any more, because the Issuance was never recorded or has ended. A Certificate that is there sees
//! to both itself: a key may wait for days, and be asked for at any moment.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    ResourceExt,
    api::{DeleteParams, Preconditions},
    core::PartialObjectMeta,
    runtime::reflector::ObjectRef,
};
use tokio::sync::watch as signal;
use tracing::{info, warn};

use super::{
    context::{Context, Stores},
    error::{Error, kube},
    keys, ledger,
};
use crate::{
    api::{Issuance, issuance::State},
    lifecycle::{history, lineage},
};

const EVERY: Duration = Duration::from_secs(3600);
/// A key younger than this may be about to get its Issuance.
const AGE: SignedDuration = SignedDuration::from_hours(24);

/// Runs for the life of the process; at once when the clock of the world has jumped.
pub async fn sweep(context: Arc<Context>, mut jumps: signal::Receiver<u64>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            jumped = jumps.changed() => if jumped.is_err() { std::future::pending::<()>().await },
        }
        for (namespace, certificate) in gone(&context) {
            if let Err(error) = forget(&context, &namespace, &certificate).await {
                warn!(namespace, certificate, %error, "what a deleted Certificate left behind was not removed");
            }
        }
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

/// Certificates of which there are Issuances alone, by namespace and name.
fn gone(context: &Context) -> BTreeSet<(String, String)> {
    let of =
        |issuance: &Issuance| (issuance.namespace().unwrap_or_default(), issuance.spec.certificate_ref.name.clone());
    let is_gone = |issuance: &Issuance| {
        let (namespace, certificate) = of(issuance);
        !context.stores.certificates.has(&ObjectRef::new(&certificate).within(&namespace))
    };
    context.stores.issuances.state_filter(is_gone).iter().map(|issuance| of(issuance)).collect()
}

/// All that a Certificate has left behind, or nothing of it.
async fn forget(context: &Context, namespace: &str, certificate: &str) -> Result<(), Error> {
    let issuances = context.issuances_of(namespace, certificate);
    let mark = ledger::mark(&context.installation);
    let ours = |issuance: &Arc<Issuance>| lineage::is_ours(&issuance.spec, &context.installation, &mark);
    if !issuances.iter().all(ours) || !history::has_outlived(&issuances, context.clock.now()) {
        return Ok(());
    }
    let api = context.certificates(namespace);
    if kube("read a Certificate", api.get_opt(certificate)).await?.is_some() {
        return Ok(());
    }
    for issuance in issuances.iter().take_while(|_| !context.lease.remaining().is_zero()) {
        let name = issuance.name_any();
        let exactly = exactly(issuance.uid(), issuance.resource_version());
        match kube("delete an Issuance", context.issuances(namespace).delete(&name, &exactly)).await {
            Ok(_) => info!(namespace, name, "its Certificate is gone and its order has ended: deleted"),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
        context.own_issuances.forget(issuance);
    }
    Ok(())
}

fn exactly(uid: Option<String>, resource_version: Option<String>) -> DeleteParams {
    DeleteParams { preconditions: Some(Preconditions { uid, resource_version }), ..DeleteParams::default() }
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
    let exactly = exactly(secret.uid(), secret.resource_version());
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
