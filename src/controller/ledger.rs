//! Writes to Issuances: intents, guarded by resourceVersion, and outcomes, repeated until they are stored.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::{ResourceExt, api::PostParams};
use tracing::error;

use super::{
    context::Context,
    error::{Error, kube},
    fault,
};
use crate::{
    api::{
        Certificate, Issuance, IssuanceSpec,
        issuance::{CertificateRef, Cost, Operation, State, Submission},
        meta,
    },
    lifecycle::{
        certificate::Adoption,
        invariants,
        plan::{Plan, StoredKey},
        record::{self, Change},
    },
    provider::Permit,
};

/// Conflicts with other writers before an outcome is left to the next reconcile.
const TRIES: usize = 8;

/// Records the intent of a new operation, and keeps the right to make its call; without a permit, only what is to be
/// approved. Its fixed name is the guard: a
/// second one of the same revision is a conflict.
pub async fn create(
    context: &Context,
    permit: Option<Permit>,
    certificate: &Certificate,
    plan: &Plan,
    key: &StoredKey,
) -> Result<Issuance, Error> {
    if !context.may_call(context.times.call) {
        return Err(Error::NoLease);
    }
    let name = plan.issuance_name();
    let namespace = certificate.namespace().unwrap_or_default();
    let spec = IssuanceSpec {
        certificate_ref: reference(certificate),
        issuer_ref: certificate.spec.issuer_ref.clone(),
        account: plan.account.clone(),
        revision: plan.revision,
        operation: plan.operation,
        cost: plan.cost,
        reason: plan.trigger,
        request_token: plan.token.clone(),
        request: plan.request(key),
        parent: plan.parent.clone(),
        supersedes: plan.supersedes.clone(),
        adopt: None,
        idempotency_key: idempotency_key(&context.installation, &namespace, &name, plan.revision, plan.operation),
        submissions: permit.iter().map(|_| submission(context, 1)).collect(),
    };
    fault::point("intent.before", &name);
    let _creating = context.intents.creating(&namespace, &name);
    let created = store(context, certificate, &name, spec).await?;
    if let Some(permit) = permit {
        keep(context, &created, permit);
    }
    fault::point("intent.after", &name);
    Ok(created)
}

/// Records that an order is taken over: no call is made for it.
pub async fn adopt(context: &Context, certificate: &Certificate, adoption: &Adoption) -> Result<Issuance, Error> {
    let name = adoption.issuance_name();
    let namespace = certificate.namespace().unwrap_or_default();
    let spec = IssuanceSpec {
        certificate_ref: reference(certificate),
        issuer_ref: certificate.spec.issuer_ref.clone(),
        account: adoption.account.clone(),
        revision: adoption.revision,
        operation: Operation::Adopt,
        cost: Cost::Free,
        reason: adoption.trigger,
        request_token: None,
        request: adoption.request.clone(),
        parent: Some(adoption.parent.clone()),
        supersedes: None,
        adopt: adoption.asked.clone(),
        idempotency_key: idempotency_key(&context.installation, &namespace, &name, adoption.revision, Operation::Adopt),
        submissions: Vec::new(),
    };
    if context.lease.remaining().is_zero() {
        return Err(Error::NoLease);
    }
    store(context, certificate, &name, spec).await
}

async fn store(
    context: &Context,
    certificate: &Certificate,
    name: &str,
    spec: IssuanceSpec,
) -> Result<Issuance, Error> {
    let namespace = certificate.namespace().unwrap_or_default();
    let issuance = Issuance { metadata: metadata(&namespace, name, certificate), spec, status: None };
    let api = context.issuances(&namespace);
    let created = kube("create an Issuance", api.create(&PostParams::default(), &issuance)).await?;
    context.own_issuances.remember(&created);
    Ok(created)
}

/// The CSR of what has ended is not read any more, and is most of an Issuance.
pub fn trim(issuance: &mut Issuance) {
    if issuance.status.as_ref().and_then(|status| status.state).is_some_and(State::is_final) {
        issuance.spec.request.csr = String::new();
    }
}

fn reference(certificate: &Certificate) -> CertificateRef {
    CertificateRef { name: certificate.name_any(), uid: certificate.uid().unwrap_or_default() }
}

/// Records the intent of one more call for an Issuance.
pub async fn append(context: &Context, permit: Permit, issuance: &Issuance) -> Result<Issuance, Error> {
    if !context.may_call(context.times.call) {
        return Err(Error::NoLease);
    }
    let mut next = issuance.clone();
    let n = issuance.spec.submissions.last().map_or(1, |last| last.n + 1);
    next.spec.submissions.push(submission(context, n));
    let api = context.issuances(&issuance.namespace().unwrap_or_default());
    let stored = kube("append a submission", api.replace(&issuance.name_any(), &PostParams::default(), &next)).await?;
    context.own_issuances.remember(&stored);
    keep(context, &stored, permit);
    Ok(stored)
}

fn keep(context: &Context, stored: &Issuance, permit: Permit) {
    if let (Some(uid), Some(last)) = (stored.uid(), stored.spec.submissions.last()) {
        context.intents.record(&uid, last.n, permit);
    }
}

fn submission(context: &Context, n: i32) -> Submission {
    Submission {
        n,
        at: Time(context.machine_now()),
        installation: context.installation.clone(),
        holder: context.lease.holder().to_owned(),
    }
}

fn metadata(namespace: &str, name: &str, certificate: &Certificate) -> ObjectMeta {
    let labels = [(meta::MANAGED, "true".to_owned()), (meta::CERTIFICATE_UID, certificate.uid().unwrap_or_default())];
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(namespace.to_owned()),
        labels: Some(labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ..ObjectMeta::default()
    }
}

/// UUIDv8 (RFC 9562 §5.8): 6 bytes of the installation, so that two installations on one account tell their orders
/// apart; the rest a hash of what the operation is. The same operation has the same key, whoever computes it.
fn idempotency_key(installation: &str, namespace: &str, name: &str, revision: i64, operation: Operation) -> String {
    let operation = format!("{namespace}\n{name}\n{revision}\n{operation:?}");
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&sha256(installation)[..6]);
    bytes[6..].copy_from_slice(&sha256(&operation)[..10]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// How every idempotency key of an installation begins.
pub fn mark(installation: &str) -> String {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&sha256(installation)[..6]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()[..13].to_owned()
}

fn sha256(text: &str) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref().to_vec()
}

/// Stores what became of an effect, after what was kept for the next write. Another writer in between (a person with
/// the verb `approve`) costs a repetition on the newer copy, never the outcome.
pub async fn record(context: &Context, issuance: &mut Issuance, changes: &[Change]) -> Result<(), Error> {
    let api = context.issuances(&issuance.namespace().unwrap_or_default());
    let (name, uid) = (issuance.name_any(), issuance.uid().unwrap_or_default());
    let kept = context.unwritten.of(&uid);
    // A copy that shows what was kept is not what is stored.
    let mut as_stored = kept.is_empty();
    for _ in 0..TRIES {
        let mut next = issuance.clone();
        let mut status = next.status.take().unwrap_or_default();
        for change in kept.iter().chain(changes) {
            record::apply(&next.spec, &mut status, change, context.machine_now());
        }
        if as_stored && Some(&status) == issuance.status.as_ref() {
            return Ok(());
        }
        if let Err(violation) = invariants::forward(&issuance.status.clone().unwrap_or_default(), &status) {
            error!(%violation, ?changes, "a defect of Evercert: please report it");
        }
        next.status = Some(status);
        match kube("record an outcome", api.replace_status(&name, &PostParams::default(), &next)).await {
            Ok(stored) => {
                context.own_issuances.remember(&stored);
                context.unwritten.written(&uid);
                context.metrics.recorded(issuance.status.as_ref(), &stored);
                *issuance = stored;
                return Ok(());
            }
            Err(Error::Conflict { .. }) => {
                *issuance = kube("read an Issuance", api.get(&name)).await?;
                as_stored = true;
            }
            Err(error) => return Err(error),
        }
    }
    Err(Error::Conflict { call: "record an outcome" })
}
