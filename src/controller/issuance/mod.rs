//! Drives one Issuance from its recorded intent to a verified chain, its domain validations included.

mod by_hand;
mod dcv;
mod execute;
mod fence;
mod follow;
mod look;
pub(super) mod neighbours;
mod publishers;
pub(super) mod request;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use kube::{ResourceExt, runtime::reflector::ObjectRef};
use tracing::{debug, info};

use super::{
    any_issuer::AnyIssuer,
    context::Context,
    driver::{Action, MAX_STEPS, Reconciler},
    error::Error,
    ledger,
};
use crate::{
    api::{Issuance, issuer::SelfCheck},
    lifecycle::{
        Step,
        certificate::IssuerView,
        issuance::{Effect, Observed, Seen, Wish, decide, wish},
        lineage, polling,
        record::Change,
    },
    provider::{Permit, Provider},
};

/// Keeps an Issuance until its records are out of the DNS.
pub const FINALIZER: &str = "evercert.dev/dcv-records";

pub struct IssuanceReconciler {
    pub context: Arc<Context>,
}

#[async_trait]
impl Reconciler<Issuance> for IssuanceReconciler {
    const NAME: &'static str = "issuance";

    async fn reconcile(&self, object: Arc<Issuance>) -> Result<Action, Error> {
        let namespace = object.namespace().unwrap_or_default();
        self.context.intents.created(&namespace, &object.name_any()).await;
        let newest = self.context.own_issuances.newest(object);
        let issuance = self.context.unwritten.shown(newest, self.context.machine_now());
        let issuer = self.context.stores.issuer(&issuance.spec.issuer_ref, &namespace);
        Work {
            context: self.context.clone(),
            issuance: Arc::unwrap_or_clone(issuance),
            view: issuer.as_ref().map_or(IssuerView::Missing, AnyIssuer::view),
            issuer,
            permit: None,
            provider: None,
            seen: Seen::default(),
            unwritten: Vec::new(),
        }
        .run()
        .await
    }
}

/// One reconcile of one Issuance.
struct Work {
    context: Arc<Context>,
    /// The newest copy this reconcile has read or written.
    issuance: Issuance,
    issuer: Option<AnyIssuer>,
    view: IssuerView,
    /// Room in the rate limit, waited for before the budget was asked.
    permit: Option<Permit>,
    provider: Option<Arc<dyn Provider>>,
    seen: Seen,
    /// What the next write of this reconcile will hold as well.
    unwritten: Vec<Change>,
}

impl Work {
    async fn run(mut self) -> Result<Action, Error> {
        let uid = self.issuance.uid().unwrap_or_default();
        for _ in 0..MAX_STEPS {
            let pause = match self.decide() {
                Step::Do(effect) => {
                    debug!(?effect, "step");
                    self.execute(effect).await?;
                    continue;
                }
                Step::Wait(pause) => Some(pause.max(Duration::from_millis(200))),
                Step::Done => {
                    self.context.paces.forget(&uid);
                    None
                }
            };
            let due = self.context.unwritten.until_due(&uid);
            if due.is_some_and(|due| due.is_zero()) {
                self.write_down().await?;
                continue;
            }
            let pause = [pause, due].into_iter().flatten().min();
            return Ok(pause.map_or_else(Action::await_change, Action::requeue));
        }
        info!("more than {MAX_STEPS} steps, going on in the next reconcile");
        Ok(Action::requeue(Duration::from_secs(1)))
    }

    fn decide(&self) -> Step<Effect> {
        let uid = self.issuance.metadata.uid.as_deref().unwrap_or_default();
        let last = self.issuance.spec.submissions.last().map_or(0, |last| last.n);
        let policy = self.issuer.as_ref().and_then(|issuer| issuer.spec.policy.as_ref());
        let status = self.issuance.status.clone().unwrap_or_default();
        self.context.changes.note(&self.issuance);
        let told = self.issuer.as_ref().is_some_and(|issuer| self.context.changes.tell(&issuer.uid));
        if polling::was_quiet(&status) {
            self.context.paces.resume(uid);
        }
        let namespace = self.issuance.namespace().unwrap_or_default();
        let labels = self.context.stores.namespace_labels(&namespace);
        let outage = self.issuer.as_ref().and_then(|issuer| self.context.accounts.outage(&issuer.uid));
        decide(&Observed {
            spec: &self.issuance.spec,
            status: &status,
            deleted: self.issuance.metadata.deletion_timestamp.as_ref().map(|since| since.0),
            finalizer: self.issuance.finalizers().iter().any(|finalizer| finalizer == FINALIZER),
            fresh: self.context.intents.is_fresh(uid, last),
            holder: self.context.lease.holder(),
            installation: &self.context.installation,
            mark: &ledger::mark(&self.context.installation),
            ambiguous_paid: policy.and_then(|policy| policy.ambiguous_paid).unwrap_or_default(),
            self_check: self.mode() != SelfCheck::None,
            wish: self.wish(),
            seen: &self.seen,
            next_poll: self.context.paces.until_poll(uid, told),
            next_ask: self.context.paces.until_ask(uid),
            namespace: &namespace,
            namespace_labels: labels.as_ref(),
            issuer: &self.view,
            outage: outage.map(|outage| outage.since),
            now: self.context.machine_now(),
            world_now: self.context.clock.now(),
            times: self.context.times,
        })
    }

    fn wish(&self) -> Wish {
        let namespace = self.issuance.namespace().unwrap_or_default();
        let named = ObjectRef::new(&self.issuance.spec.certificate_ref.name).within(&namespace);
        let certificate = self.context.stores.certificates.get(&named);
        let certificate = certificate.map(|watched| self.context.own_certificates.newest(watched));
        let issuer = self.issuer.as_ref().map(|issuer| &issuer.spec);
        let status = self.issuance.status.clone().unwrap_or_default();
        wish(certificate.as_deref(), issuer, &self.issuance.spec, &status)
    }

    /// Stores what became of an effect, with what was kept for this write.
    async fn record(&mut self, change: Change) -> Result<(), Error> {
        let mut changes = std::mem::take(&mut self.unwritten);
        changes.push(change);
        ledger::record(&self.context, &mut self.issuance, &changes).await
    }

    /// Certificates there were before this operation, some of them perhaps for the same key.
    fn earlier(&self) -> BTreeSet<String> {
        let spec = &self.issuance.spec;
        let namespace = self.issuance.namespace().unwrap_or_default();
        lineage::earlier(&self.context.issuances_of(&namespace, &spec.certificate_ref.name), spec)
    }
}
