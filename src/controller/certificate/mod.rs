//! Compares a Certificate with its Secret and its order, records the operation that is due, and installs its
//! result.

mod adopt;
mod csr;
mod deletion;
mod execute;
mod location;
mod orders;
mod restart;
mod secret;
mod wants;
mod write;

use std::{cmp::Ordering, collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::{ResourceExt, api::PostParams, core::PartialObjectMeta};
use tracing::debug;

use wants::Wants;

use super::{
    context::Context,
    driver::{Action, MAX_STEPS, Reconciler},
    error::{Error, kube},
    keys, ledger,
};
use crate::{
    api::{Certificate, CertificateStatus, Issuance, issuance::State, meta},
    lifecycle::{
        Step,
        certificate::{
            CsrView, Effect, Hindrance, IssuerView, KeyView, Observed, OrderView, Preflight, SecretView, decide,
        },
        location::{self as place, Told},
        present,
        restart::Restarts,
    },
    provider::{OrderFacts, Permit},
};

pub struct CertificateReconciler {
    pub context: Arc<Context>,
}

#[async_trait]
impl Reconciler<Certificate> for CertificateReconciler {
    const NAME: &'static str = "certificate";

    async fn reconcile(&self, object: Arc<Certificate>) -> Result<Action, Error> {
        let context = self.context.clone();
        let namespace = object.namespace().unwrap_or_default();
        let work = Work {
            issuances: context.issuances_of(&namespace, &object.name_any()),
            issuer: context
                .stores
                .issuer(&object.spec.issuer_ref, &namespace)
                .map_or(IssuerView::Missing, |issuer| issuer.view()),
            secret: SecretView::Unread,
            read: None,
            unwritable: None,
            wants: None,
            key: KeyView::Unread,
            csr: CsrView::Unread,
            uncollectable: false,
            preflight: Preflight::Unasked,
            order: OrderView::Unread,
            renewal_stays: None,
            restarts: Restarts::Untried,
            told: Vec::new(),
            existing: None,
            removed: BTreeSet::new(),
            permit: None,
            certificate: context.own_certificates.newest(object).as_ref().clone(),
            namespace,
            context,
        };
        work.run().await
    }
}

/// One reconcile of one Certificate.
struct Work {
    context: Arc<Context>,
    namespace: String,
    certificate: Certificate,
    issuer: IssuerView,
    issuances: Vec<Arc<Issuance>>,
    secret: SecretView,
    /// As it was read first, until something is made of it.
    read: Option<Option<Secret>>,
    unwritable: Option<String>,
    /// Read once, with the passwords of keystores.
    wants: Option<Wants>,
    key: KeyView,
    csr: CsrView,
    /// What the Secret has lost is not given again.
    uncollectable: bool,
    preflight: Preflight,
    order: OrderView,
    /// Why the provider could not be kept from renewing it by itself.
    renewal_stays: Option<String>,
    restarts: Restarts,
    told: Vec<Told>,
    /// Orders of exactly the names wanted, once they were looked for.
    existing: Option<Vec<OrderFacts>>,
    /// Secrets that this reconcile has removed, or found to be other than the watch says.
    removed: BTreeSet<String>,
    /// Room in the rate limit, waited for before the budget was asked.
    permit: Option<Permit>,
}

impl Work {
    async fn run(mut self) -> Result<Action, Error> {
        for _ in 0..MAX_STEPS {
            let (decided, status) = self.decide();
            match decided {
                Ok(Step::Do(effect)) => {
                    debug!(?effect, "step");
                    // An object without conditions looks finished to kubectl wait, and a key takes its time.
                    let first = matches!(effect, Effect::StoreKey(_)) && self.certificate.status.is_none();
                    // What is told to an inventory can be taken back only as long as it is known, and nobody waits for it.
                    if first || matches!(effect, Effect::Location(place::Effect::Record(_))) {
                        self.write(status).await?;
                    }
                    self.execute(effect).await?;
                }
                Ok(Step::Wait(pause)) => return self.rest(status, Some(pause)).await,
                Ok(Step::Done) => return self.rest(status, None).await,
                Err(hindrance) => return self.rest(status, hindrance.again).await,
            }
        }
        Ok(Action::requeue(Duration::from_secs(1)))
    }

    /// What to do, and what the user sees of it.
    fn decide(&self) -> (Result<Step<Effect>, Hindrance>, CertificateStatus) {
        let labels = self.context.stores.namespace_labels(&self.namespace);
        let rival = self.rival();
        let spent_keys = self.spent_keys();
        let elsewhere = self.elsewhere();
        let revoked = self.context.revocations.of(self.certificate.metadata.uid.as_deref().unwrap_or_default());
        let (source, shared_orders) = (self.source(), self.shared_orders());
        let (claims, mark) = (self.claims(), ledger::mark(&self.context.installation));
        let observed = Observed {
            certificate: &self.certificate,
            issuer: &self.issuer,
            outage: self.outage(),
            namespace_labels: labels.as_ref(),
            secret: &self.secret,
            unwritable: self.unwritable.as_deref(),
            rival: rival.as_deref(),
            issuances: &self.issuances,
            installation: &self.context.installation,
            key: &self.key,
            csr: &self.csr,
            uncollectable: self.uncollectable,
            preflight: &self.preflight,
            spent_keys: &spent_keys,
            elsewhere: elsewhere.as_deref(),
            order: &self.order,
            renewal_stays: self.renewal_stays.as_deref(),
            revoked: revoked.as_ref(),
            source: &source,
            shared_orders: &shared_orders,
            times: self.context.times,
            restarts: &self.restarts,
            told: &self.told,
            existing: self.existing.as_deref(),
            claims: &claims,
            mark: &mark,
            now: self.context.clock.now(),
            machine_now: self.context.machine_now(),
        };
        let decided = decide(&observed);
        let status = present::status(&observed, &decided);
        (decided, status)
    }

    async fn rest(mut self, status: CertificateStatus, again: Option<Duration>) -> Result<Action, Error> {
        let gone = self.certificate.metadata.deletion_timestamp.is_some();
        let ours = [meta::REVOKE_FINALIZER, meta::LOCATION_FINALIZER];
        if !gone || self.certificate.finalizers().iter().any(|finalizer| ours.contains(&finalizer.as_str())) {
            self.write(status).await?;
        }
        Ok(again.map_or_else(Action::await_change, |again| Action::requeue(again.max(Duration::from_millis(200)))))
    }

    fn outage(&self) -> Option<Timestamp> {
        let issuer = self.context.stores.issuer(&self.certificate.spec.issuer_ref, &self.namespace)?;
        self.context.accounts.outage(&issuer.uid).map(|outage| outage.since)
    }

    /// Written only when it says something else than before.
    async fn write(&mut self, status: CertificateStatus) -> Result<(), Error> {
        if self.certificate.status.as_ref() == Some(&status) {
            return Ok(());
        }
        let mut next = self.certificate.clone();
        next.status = Some(status);
        let api = self.context.certificates(&self.namespace);
        let name = self.certificate.name_any();
        let stored =
            kube("write a Certificate's status", api.replace_status(&name, &PostParams::default(), &next)).await?;
        self.context.own_certificates.remember(&stored);
        let before = std::mem::replace(&mut self.certificate, stored);
        self.tell_revoked(&before).await;
        Ok(())
    }

    /// Once for each finding, since the status keeps it.
    async fn tell_revoked(&self, before: &Certificate) {
        let of = |status: Option<&CertificateStatus>| status.and_then(|status| status.revoked.clone());
        let known = of(before.status.as_ref()).map(|revoked| revoked.serial_number);
        if let Some(revoked) = of(self.certificate.status.as_ref())
            && known.as_ref() != Some(&revoked.serial_number)
        {
            let note = present::say_revoked(&revoked);
            self.context.events.about(&self.certificate, "Watch", "FoundRevoked", note).await;
        }
    }

    /// An older Certificate that names the same Secret; of two of one age, the first by name.
    fn rival(&self) -> Option<String> {
        let age = |certificate: &Certificate| (certificate.creation_timestamp(), certificate.name_any());
        let mine = age(&self.certificate);
        let alike = self.context.stores.certificates.of(&self.namespace, &self.certificate.spec.secret_name);
        let rivals = alike.into_iter().filter(|other| {
            other.uid() != self.certificate.uid()
                && other.spec.secret_name == self.certificate.spec.secret_name
                && other.metadata.deletion_timestamp.is_none()
                && age(other).cmp(&mine) == Ordering::Less
        });
        rivals.min_by_key(|other| age(other)).map(|other| other.name_any())
    }

    /// The Secret that was named before, as long as it holds what was installed last.
    fn elsewhere(&self) -> Option<String> {
        let installed = self
            .issuances
            .iter()
            .rev()
            .find(|issuance| issuance.status.as_ref().and_then(|status| status.state) == Some(State::Installed))?;
        let holds = |secret: &Arc<PartialObjectMeta<Secret>>| {
            let note = |key: &str| secret.annotations().get(key).map(String::as_str);
            note(meta::secret::CERTIFICATE) == Some(self.certificate.name_any().as_str())
                && note(meta::secret::PUBLIC_KEY_SHA256) == Some(installed.public_key_sha256())
                && secret.name_any() != self.certificate.spec.secret_name
        };
        let mut ours = self.context.stores.secrets.of(&self.namespace, &self.certificate.name_any()).into_iter();
        ours.find(holds).map(|secret| secret.name_any()).filter(|name| !self.removed.contains(name))
    }

    /// Key Secrets whose Issuance has ended. One without an Issuance may be about to get it.
    fn spent_keys(&self) -> Vec<String> {
        let certificate = self.certificate.name_any();
        let secrets = self.context.stores.secrets.of(&self.namespace, &keys::label_of(&certificate));
        let waiting = secrets.iter().filter(|secret| keys::is_for(secret.as_ref(), &certificate));
        let names = waiting.map(|secret| secret.name_any()).filter(|name| !self.removed.contains(name));
        names
            .filter(|name| {
                let issuance = keys::issuance_of(name);
                self.issuances.iter().any(|known| {
                    let ended = known.status.as_ref().and_then(|status| status.state).is_some_and(State::is_final);
                    Some(known.name_any().as_str()) == issuance && ended
                })
            })
            .collect()
    }
}
