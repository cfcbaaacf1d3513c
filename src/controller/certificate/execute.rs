//! The effects of a certificate, one at a time.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, PostParams, Preconditions},
    runtime::reflector::ObjectRef,
};
use tracing::info;

use super::{
    Work, secret,
    wants::{self, Wants},
};
use crate::{
    api::{
        Certificate, Issuance,
        issuance::{FailureClass, Operation},
        meta,
    },
    controller::{
        error::{Error, kube},
        fault,
        issuance::request,
        keys, ledger,
    },
    lifecycle::{
        budget::Claim,
        certificate::{Effect, KeyView, Preflight, SecretView},
        install::{self, Verdict},
        names,
        plan::{KeyChoice, Plan, REVOKES, StoredKey},
        record::Change,
    },
    pki::{Chain, Expect, PrivateKey},
    provider::{CallError, Provider, Urgency},
};

impl Work {
    pub(super) async fn execute(&mut self, effect: Effect) -> Result<(), Error> {
        match effect {
            Effect::ReadSecret => {
                self.read = Some(self.read_secret().await?);
                Ok(())
            }
            Effect::ReadOrder { order_id } => self.read_order(&order_id).await,
            Effect::ReadKey { issuance } => self.find_key(&issuance).await,
            Effect::ReadCsr => self.read_csr().await,
            Effect::StoreKey(plan) => self.store_key(*plan).await,
            Effect::DeleteKey { secret } => self.delete_key(&secret).await,
            Effect::Reserve { rule, claim, urgency } => self.reserve(rule, claim, urgency).await,
            Effect::Preflight(plan, key) => self.preflight(&plan, &key).await,
            Effect::RecordIntent(plan, key) => self.record_intent(&plan, &key).await,
            Effect::StopAutoRenewal { order_id } => self.stop_auto_renewal(order_id).await,
            Effect::FindExisting { names } => self.find_existing(names).await,
            Effect::RecordAdoption(adoption) => self.record_adoption(&adoption).await,
            Effect::Copy { from } => self.copy(&from).await,
            Effect::Collect { issuance } => self.collect(&issuance).await,
            Effect::Install { issuance } => self.install(&issuance).await,
            Effect::NoteCompromise { issuance, token } => self.change(&issuance, Change::Compromised(token)).await,
            Effect::Supersede { issuance } => self.change(&issuance, Change::Superseded).await,
            Effect::MakeWay { issuance } => self.change(&issuance, Change::MadeWay).await,
            Effect::MarkInstalled { issuance } => self.mark_installed(&issuance).await,
            Effect::Forget { issuance } => self.forget(&issuance).await,
            Effect::Rewrite => self.rewrite().await,
            Effect::ResendEmails { issuance, token } => self.resend_emails(&issuance, token).await,
            Effect::Deletion(effect) => self.deletion(effect).await,
            Effect::Location(effect) => self.location(effect).await,
            Effect::Restart { fingerprint } => {
                self.restart(&fingerprint).await;
                Ok(())
            }
        }
    }

    pub(super) async fn read_secret(&mut self) -> Result<Option<Secret>, Error> {
        self.read = None;
        let api = self.context.secrets(&self.namespace);
        let secret = kube("read a Secret", api.get_opt(&self.certificate.spec.secret_name)).await?;
        self.judge(secret.as_ref()).await?;
        if let (SecretView::Ours(held), Some(secret)) = (&self.secret, &secret)
            && let Some(leaf) = &held.pair
        {
            let tls_crt = wants::value(secret, "tls.crt").unwrap_or_default();
            let (world, machine) = (self.context.clock.now(), self.context.machine_now());
            self.context.revocations.watch(&self.certificate, leaf, tls_crt, world, machine);
        }
        Ok(secret)
    }

    /// What the watch does not show is taken to be absent: a key that is there all the same is found when one is stored.
    async fn find_key(&mut self, issuance: &str) -> Result<(), Error> {
        let name = ObjectRef::new(&meta::key_secret_name(issuance)).within(&self.namespace);
        if self.context.stores.secrets.get(&name).is_none() {
            self.key = KeyView::Absent;
            return Ok(());
        }
        self.read_key(issuance).await
    }

    async fn read_key(&mut self, issuance: &str) -> Result<(), Error> {
        let api = self.context.secrets(&self.namespace);
        let secret = kube("read a waiting key", api.get_opt(&meta::key_secret_name(issuance))).await?;
        self.key = match &secret {
            None => KeyView::Absent,
            Some(secret) => keys::stored(secret).map_or(KeyView::Foreign, KeyView::Stored),
        };
        Ok(())
    }

    async fn store_key(&mut self, plan: Plan) -> Result<(), Error> {
        let issuance = plan.issuance_name();
        let again = match &plan.key {
            KeyChoice::New { .. } | KeyChoice::Elsewhere | KeyChoice::Provider => None,
            KeyChoice::Again(public_key) => {
                let held = self.read_secret().await?.as_ref().and_then(secret::key);
                let key = held.filter(|key| key.public_key_sha256() == *public_key);
                Some(key.ok_or(Error::Conflict { call: "use a key again" })?)
            }
        };
        let secret = {
            let _thread = self.context.keygen.acquire().await;
            tokio::task::spawn_blocking(move || keys::make(&plan, again)).await.map_err(|_| Error::Panicked)??
        };
        let api = self.context.secrets(&self.namespace);
        let stored = match kube("store a key", api.create(&PostParams::default(), &secret)).await {
            Err(Error::Conflict { .. }) => return self.read_key(&issuance).await,
            stored => stored?,
        };
        fault::point("key.after", &issuance);
        self.key = keys::stored(&stored).map_or(KeyView::Foreign, KeyView::Stored);
        Ok(())
    }

    async fn delete_key(&mut self, name: &str) -> Result<(), Error> {
        let api = self.context.secrets(&self.namespace);
        match kube("remove a key", api.delete(name, &DeleteParams::default())).await {
            Ok(_) => {}
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
        self.removed.insert(name.to_owned());
        self.key = KeyView::Unread;
        Ok(())
    }

    /// The wait for the rate limit comes first: a reservation is for a call that is made soon.
    async fn reserve(&mut self, rule: String, claim: Claim, urgency: Urgency) -> Result<(), Error> {
        let issuance = claim.issuance.rsplit('/').next().unwrap_or_default().to_owned();
        if self.permit.is_none() {
            self.permit = Some(self.provider().await?.permit(urgency).await?);
        }
        let (reference, namespace) = (&self.certificate.spec.issuer_ref, &self.namespace);
        let reserve = self.context.reservations.reserve(&self.context, reference, namespace, rule, claim);
        self.issuer = reserve.await?.view();
        fault::point("reserve.after", &issuance);
        Ok(())
    }

    /// What only a person can change is told, and nothing is recorded.
    async fn preflight(&mut self, plan: &Plan, key: &StoredKey) -> Result<(), Error> {
        let operation = request::on(plan.operation, plan.parent.as_ref());
        let asked = request::request(&plan.request(key), operation, "")?;
        self.preflight = match self.provider().await?.preflight(&asked).await {
            Ok(()) => Preflight::Passed,
            Err(CallError::Blocked { message, action, .. }) => Preflight::Refused(format!("{message}. {action}")),
            Err(error) => return Err(error.into()),
        };
        Ok(())
    }

    /// Decided on copies; confirmed by quorum reads before anything is recorded that leads to a paid call.
    async fn record_intent(&mut self, plan: &Plan, key: &StoredKey) -> Result<(), Error> {
        // The wait comes first: nothing may change between what is confirmed now and the record.
        let permit = match self.permit.take() {
            // Nothing is called before somebody has approved it, nor for what is only followed.
            _ if plan.awaits_approval || plan.operation.only_follows() => None,
            Some(permit) => Some(permit),
            None => Some(self.provider().await?.permit(plan.urgency).await?),
        };
        self.context.intents.room().await;
        let now = self.confirmed("record an intent").await?;
        let created = ledger::create(&self.context, permit, &now, plan, key).await?;
        if !plan.removes.is_empty() {
            let note = format!("{} will be reissued without {}: {REVOKES}", plan.certificate, plan.removes.join(", "));
            self.context.events.warning(&created, "Issue", "NamesRemoved", note).await;
        }
        if !plan.unasked.is_empty() {
            let note = format!(
                "the CSR names {}, which dnsNames does not: the certificate is for the names of the spec",
                plan.unasked.join(", ")
            );
            self.context.events.warning(&created, "Issue", "CsrNamesIgnored", note).await;
        }
        self.issuances.push(Arc::new(created));
        Ok(())
    }

    /// The Certificate as it is now, unless it or its Issuances are other than what was decided on.
    pub(super) async fn confirmed(&self, call: &'static str) -> Result<Certificate, Error> {
        let name = self.certificate.name_any();
        let now = kube("read a Certificate", self.context.certificates(&self.namespace).get(&name)).await?;
        let same = now.uid() == self.certificate.uid()
            && now.metadata.generation == self.certificate.metadata.generation
            && now.annotations() == self.certificate.annotations()
            && now.metadata.deletion_timestamp.is_none();
        let api = self.context.issuances(&self.namespace);
        let of_this = ListParams::default().fields(&format!("spec.certificateRef.name={name}"));
        let known = kube("list Issuances", api.list(&of_this)).await?.items;
        let versions = |issuances: &mut dyn Iterator<Item = &Issuance>| -> BTreeSet<(Option<String>, Option<String>)> {
            issuances.map(|issuance| (issuance.uid(), issuance.resource_version())).collect()
        };
        if !same || versions(&mut known.iter()) != versions(&mut self.issuances.iter().map(Arc::as_ref)) {
            return Err(Error::Conflict { call });
        }
        Ok(now)
    }

    /// No call to the CA: the pair is verified as any other Secret's, and the old Secret stays for who still uses it.
    async fn copy(&mut self, from: &str) -> Result<(), Error> {
        let api = self.context.secrets(&self.namespace);
        let source = kube("read a Secret", api.get_opt(from)).await?;
        let wants = Wants { key_elsewhere: self.certificate.spec.csr_secret_ref.is_some(), ..Wants::default() };
        let whole = matches!(
            secret::judge(source.as_ref(), &self.certificate.name_any(), &wants),
            SecretView::Ours(held) if held.pair.is_some()
        );
        let Some((source, key)) = source.filter(|_| whole).and_then(|source| self.with_its_key(source)) else {
            self.removed.insert(from.to_owned());
            return Ok(());
        };
        let copy = secret::copied(&source, &self.certificate.spec);
        self.dress_and_write(None, copy, key).await
    }

    async fn install(&mut self, name: &str) -> Result<(), Error> {
        let issuance = self.issuance(name)?;
        // The write is guarded by what was read, so that the read of this reconcile is as good as another.
        let before = match self.read.take() {
            Some(read) => read,
            None => self.read_secret().await?,
        };
        let may_write = match &self.secret {
            SecretView::Absent | SecretView::Ours(_) => true,
            SecretView::Foreign { .. } => self.certificate.spec.take_over_secret == Some(true),
            SecretView::OwnedBy(_) | SecretView::Unread => false,
        };
        if !may_write {
            return Err(Error::Conflict { call: "install a certificate" });
        }
        let elsewhere = self.certificate.spec.csr_secret_ref.is_some();
        let key = match issuance.spec.operation {
            _ if elsewhere => None,
            Operation::Adopt => before.as_ref().and_then(secret::key),
            _ => self.waiting_key(name).await?,
        };
        let key = key.filter(|key| key.public_key_sha256() == issuance.public_key_sha256());
        if key.is_none() && !elsewhere {
            if issuance.spec.operation == Operation::Adopt {
                return Err(Error::Conflict { call: "install a certificate" });
            }
            let message = format!("the key in Secret {} is gone or is another one", meta::key_secret_name(name));
            return self.change(name, Change::Failed(FailureClass::KeyMissing, message)).await;
        }
        let chain = match self.verified(&issuance) {
            Ok(chain) => chain,
            Err(change) => return self.change(name, *change).await,
        };
        let filled = secret::filled(before.as_ref(), &self.certificate, &issuance, &chain, key.as_ref());
        fault::point("install.before", name);
        self.dress_and_write(before, filled, key).await?;
        fault::point("install.after", name);
        Ok(())
    }

    /// Exactly the one that was decided on.
    async fn forget(&mut self, name: &str) -> Result<(), Error> {
        let known = self.issuance(name)?;
        let preconditions = Preconditions { uid: known.uid(), resource_version: known.resource_version() };
        let exactly = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        let api = self.context.issuances(&self.namespace);
        match kube("delete an Issuance", api.delete(name, &exactly)).await {
            Ok(_) => info!(issuance = name, "beyond the history's limit: deleted"),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
        self.context.own_issuances.forget(&known);
        self.issuances.retain(|issuance| issuance.name_any() != name);
        Ok(())
    }

    async fn waiting_key(&self, issuance: &str) -> Result<Option<PrivateKey>, Error> {
        let api = self.context.secrets(&self.namespace);
        let waiting = kube("read a waiting key", api.get_opt(&meta::key_secret_name(issuance))).await?;
        Ok(waiting.as_ref().and_then(keys::private_key))
    }

    /// Checked again right before it is served; else what becomes of the Issuance.
    pub(super) fn verified(&self, issuance: &Issuance) -> Result<Chain, Box<Change>> {
        let refused = |message: String| Box::new(Change::Failed(FailureClass::InvalidCertificate, message));
        let asked = &issuance.spec.request;
        let pem = issuance.status.as_ref().and_then(|status| status.chain.clone()).unwrap_or_default();
        let names: BTreeSet<String> = asked.dns_names.iter().cloned().collect();
        let now = self.context.clock.now();
        let preferred = asked.digicert.as_ref().and_then(|asked| asked.options.preferred_chain.as_deref());
        let public_key_sha256 = issuance.public_key_sha256();
        let expect = Expect { public_key_sha256, dns_names: &names, preferred, now };
        let chain = Chain::verify(&pem, &expect).map_err(|error| refused(error.to_string()))?;
        let served = match &self.secret {
            SecretView::Ours(held) => held.pair.as_ref(),
            _ => None,
        };
        let wanted = names::wanted(&self.certificate.spec);
        match install::judge(&chain.leaf, public_key_sha256, issuance.spec.reason, served, &wanted, now) {
            Verdict::Install => Ok(chain),
            Verdict::Superseded(why) => {
                info!(issuance = issuance.name_any(), why, "not installed");
                Err(Box::new(Change::Superseded))
            }
            Verdict::Refused(why) => Err(refused(why)),
        }
    }

    async fn resend_emails(&mut self, name: &str, token: String) -> Result<(), Error> {
        let issuance = self.issuance(name)?;
        let order = issuance.status.as_ref().and_then(|status| status.order_id.clone()).unwrap_or_default();
        self.provider().await?.resend_dcv_emails(&order).await?;
        self.change(name, Change::EmailsResent(token)).await?;
        let note = format!("order {order}: validation mails sent again");
        self.context.events.normal(&issuance, "Validate", "EmailsResent", note).await;
        Ok(())
    }

    async fn mark_installed(&mut self, name: &str) -> Result<(), Error> {
        self.change(name, Change::Installed).await?;
        self.context.dependents.wake(&self.namespace, &self.certificate.name_any());
        let issuance = self.issuance(name)?;
        let status = issuance.status.clone().unwrap_or_default();
        let (order, secret) = (status.order_id.unwrap_or_default(), &self.certificate.spec.secret_name);
        let key = issuance.public_key_sha256();
        let (reason, note) = match &self.secret {
            SecretView::Ours(held) if held.pair.as_ref().is_some_and(|leaf| leaf.public_key_sha256 == key) => {
                let serial = status.serial_number.unwrap_or_default();
                let end = status.not_after.map(|time| time.0.to_string()).unwrap_or_default();
                let note =
                    format!("order {order}: certificate {serial}, valid until {end}, installed in Secret {secret}");
                ("Installed", note)
            }
            _ => ("NotInstalled", format!("order {order}: Secret {secret} does not hold its key, so it is reissued")),
        };
        self.context.events.normal(&issuance, "Install", reason, note).await;
        Ok(())
    }

    pub(super) async fn change(&mut self, name: &str, change: Change) -> Result<(), Error> {
        let mut issuance = self.issuance(name)?.as_ref().clone();
        ledger::record(&self.context, &mut issuance, &[change]).await?;
        let changed = Arc::new(issuance);
        for known in &mut self.issuances {
            if known.name_any() == name {
                *known = changed.clone();
            }
        }
        Ok(())
    }

    pub(super) fn issuance(&self, name: &str) -> Result<Arc<Issuance>, Error> {
        let found = self.issuances.iter().find(|issuance| issuance.name_any() == name);
        found.cloned().ok_or(Error::Conflict { call: "find an Issuance" })
    }

    pub(super) async fn provider(&self) -> Result<Arc<dyn Provider>, Error> {
        let reference = &self.certificate.spec.issuer_ref;
        let issuer = self
            .context
            .stores
            .issuer(reference, &self.namespace)
            .ok_or_else(|| Error::Issuer(format!("{reference} does not exist")))?;
        let provider = self.context.accounts.provider(&issuer).await?;
        provider.map_err(|why| Error::Issuer(format!("{reference}: {}", why.message)))
    }
}
