//! The certificate controller: reads as much as it needs, writes once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    house::{Broken, House, Result, SOON, Turn, at_rest_nothing_is_asked_for, submission},
    world::{Copy, Stored, Told, World, ended},
};
use crate::{
    api::{
        Certificate, CertificateStatus, Issuance, IssuanceSpec,
        conditions::reason,
        issuance::{CertificateRef, Cost, FailureClass, KeyOrigin, Operation},
    },
    lifecycle::{
        Step,
        certificate::{self, Adoption, CsrView, Held, KeyView, OrderView, Outputs, Preflight, SecretView},
        csr::Key,
        install, invariants,
        lineage::Lineage,
        names,
        plan::{KeyChoice, Plan, StoredKey},
        present,
        record::Change,
        restart::Restarts,
        testing,
        trigger::{self, Due},
    },
    pki::Leaf,
    provider::{AutoRenewal, OrderFacts},
};

impl House {
    /// A turn of the certificate controller of one process, perhaps on old copies: reads as much as it needs, writes
    /// once.
    pub fn certificate(&self, world: &mut World, process: usize, stale: bool) -> Result<Turn> {
        let mut copies = Copies::read(world, stale);
        loop {
            let decided = self.observe(world, &copies, certificate::decide);
            let Ok(Step::Do(effect)) = decided else {
                let status = self.status.then(|| self.observe(world, &copies, |o| present::status(o, &decided)));
                let pause = match decided {
                    Ok(Step::Wait(pause)) => Some(pause),
                    Err(hindrance) => hindrance.again,
                    _ => None,
                };
                let certificate = copies.certificate.clone();
                return Ok(rest(world, &certificate, status, pause));
            };
            let acted = match effect {
                certificate::Effect::ReadSecret => {
                    copies.secret = world.secret.value.as_ref().clone();
                    continue;
                }
                certificate::Effect::ReadOrder { order_id } => {
                    let mut read = world.ca.order(&order_id, world.now);
                    if self.breaks(Broken::BoughtBeside) {
                        read = read.map(|order| OrderFacts { auto_renew: AutoRenewal::Off, ..order });
                    }
                    copies.order = read.map_or(OrderView::Absent, OrderView::Read);
                    continue;
                }
                certificate::Effect::ReadKey { issuance } => {
                    let stored = world.keys.get(&revision_of(&issuance));
                    copies.key = stored.map_or(KeyView::Absent, |key| KeyView::Stored(key.value.as_ref().clone()));
                    continue;
                }
                certificate::Effect::ReadCsr => {
                    copies.csr = world.csr.value.as_ref().clone();
                    continue;
                }
                certificate::Effect::Preflight(..) => {
                    copies.preflight = Preflight::Passed;
                    continue;
                }
                certificate::Effect::StoreKey(plan) => store_key(world, &plan),
                certificate::Effect::DeleteKey { secret } => {
                    world.keys.remove(&revision_of(&secret)).map(|_| "a key is removed")
                }
                certificate::Effect::Reserve { claim, .. } => self.reserve(world, &claim),
                certificate::Effect::RecordIntent(plan, key) => {
                    self.record_intent(world, process, &copies, &plan, &key)?
                }
                certificate::Effect::StopAutoRenewal { .. } => {
                    world.ca.renews_itself = false;
                    Some("the provider is kept from renewing by itself")
                }
                certificate::Effect::FindExisting { .. } => unreachable!("only what a Certificate names is adopted"),
                certificate::Effect::RecordAdoption(adoption) => record_adoption(world, process, &copies, &adoption),
                certificate::Effect::Collect { issuance } => self.collect(world, &copies, revision_of(&issuance))?,
                certificate::Effect::Install { issuance } => self.install(world, &copies, revision_of(&issuance))?,
                certificate::Effect::Forget { issuance } => {
                    let forgotten = world.issuances.remove(&revision_of(&issuance));
                    world.forgotten.extend(forgotten);
                    Some("an Issuance is deleted")
                }
                certificate::Effect::Copy { .. } => unreachable!("the Secret keeps its name"),
                certificate::Effect::Rewrite => unreachable!("only the pair is in the Secret"),
                certificate::Effect::ResendEmails { .. } => unreachable!("nothing is validated here"),
                certificate::Effect::Deletion(_) => unreachable!("nobody deletes the Certificate"),
                certificate::Effect::Restart { .. } => unreachable!("no workload is named"),
                certificate::Effect::Location(_) => unreachable!("no inventory is kept"),
                certificate::Effect::NoteCompromise { issuance, token } => world
                    .record(revision_of(&issuance), &[Change::Compromised(token)])?
                    .then_some("the replaced key is noted as compromised"),
                certificate::Effect::Supersede { issuance } => {
                    world.record(revision_of(&issuance), &[Change::Superseded])?.then_some("what waits is taken back")
                }
                certificate::Effect::MakeWay { issuance } => world
                    .record(revision_of(&issuance), &[Change::MadeWay])?
                    .then_some("what is to be amended makes way"),
                certificate::Effect::MarkInstalled { issuance } => {
                    world.record(revision_of(&issuance), &[Change::Installed])?.then_some("marked as installed")
                }
            };
            // A conflict, or nothing to write after all: observed again.
            return Ok(acted.map_or(Turn::Rests(world.now + SOON), Turn::Acted));
        }
    }

    fn observe<T>(&self, world: &World, copies: &Copies, look: impl FnOnce(&certificate::Observed) -> T) -> T {
        let issuances: Vec<Arc<Issuance>> = copies.issuances.iter().map(|copy| copy.object.clone()).collect();
        let issuer = self.seen_issuer(world);
        look(&certificate::Observed {
            certificate: &copies.certificate.object,
            issuer: &issuer,
            outage: world.outage.then_some(Timestamp::UNIX_EPOCH),
            namespace_labels: Some(&BTreeMap::new()),
            secret: &copies.secret,
            unwritable: None,
            rival: None,
            elsewhere: None,
            issuances: &issuances,
            installation: testing::INSTALLATION,
            key: &copies.key,
            csr: &copies.csr,
            uncollectable: false,
            preflight: &copies.preflight,
            spent_keys: &copies.spent_keys(world),
            order: &copies.order,
            renewal_stays: None,
            revoked: None,
            source: &self.source,
            shared_orders: &BTreeSet::new(),
            times: self.times,
            restarts: &Restarts::Untried,
            told: &[],
            existing: None,
            claims: &BTreeMap::new(),
            mark: testing::MARK,
            now: world.now,
            machine_now: world.now,
        })
    }

    /// When something is due next, told by everything there is.
    pub fn due(&self, world: &World) -> Due {
        self.observe(world, &Copies::all(world), |o| trigger::due(o, &Lineage::of(o, certificate::account(o))))
    }

    /// Whether the holder of the key is asked for a new CSR.
    pub fn needs_csr(&self, world: &World) -> bool {
        let elsewhere = world.certificate.newest.object.spec.csr_secret_ref.is_some();
        let decided = || self.observe(world, &Copies::all(world), certificate::decide);
        elsewhere && decided().is_err_and(|hindrance| hindrance.reason == reason::NEW_CSR_REQUIRED)
    }

    /// Guarded by what is read right before.
    fn record_intent(
        &self,
        world: &mut World,
        process: usize,
        copies: &Copies,
        plan: &Plan,
        key: &StoredKey,
    ) -> Result<Option<&'static str>> {
        if !confirmed(world, process, copies) || world.issuances.contains_key(&plan.revision) {
            return Ok(None);
        }
        let now = &world.certificate.newest.object;
        let stored: Vec<&str> = world.keys.values().map(|key| key.value.public_key_sha256.as_str()).collect();
        if key.origin != KeyOrigin::Provider {
            invariants::key_first(&key.public_key_sha256, &stored)?;
        }
        invariants::no_bad_key(plan.trigger, plan.supersedes.as_ref(), &key.public_key_sha256)?;
        at_rest_nothing_is_asked_for(now)?;
        let first = (!plan.awaits_approval).then(|| submission(world, process, 1));
        if first.is_some() {
            world.processes[process].intents.insert(plan.revision, 1);
        }
        let spec = IssuanceSpec {
            certificate_ref: CertificateRef { name: "shop".to_owned(), uid: "uid".to_owned() },
            issuer_ref: now.spec.issuer_ref.clone(),
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
            idempotency_key: format!("{}-{}-{:?}", testing::MARK, plan.revision, plan.operation),
            submissions: first.into_iter().collect(),
        };
        let mut issuance = Issuance::new(&plan.issuance_name(), spec);
        world.made += 1;
        issuance.metadata.uid = Some(format!("uid-{}", world.made));
        world.issuances.insert(plan.revision, Stored::new(issuance));
        Ok(Some("an intent is recorded"))
    }

    fn install(&self, world: &mut World, copies: &Copies, revision: i64) -> Result<Option<&'static str>> {
        let Some(copy) = copies.issuances.iter().find(|copy| copy.object.spec.revision == revision) else {
            return Ok(None);
        };
        let issuance = copy.object.as_ref();
        let spec = &issuance.spec;
        let fail = |class, message: String| Some(Change::Failed(class, message));
        let key = match spec.operation {
            _ if copies.certificate.object.spec.csr_secret_ref.is_some() => {
                Some(spec.request.public_key_sha256.clone())
            }
            Operation::Adopt => leaf_of(&world.secret.value).map(|leaf| leaf.public_key_sha256.clone()),
            _ => world.keys.get(&revision).map(|key| key.value.public_key_sha256.clone()),
        };
        let served = leaf_of(&world.secret.value);
        let wanted = names::wanted(&copies.certificate.object.spec);
        let id = issuance.status.as_ref().and_then(|status| status.certificate_id.as_deref());
        let Some(offered) = id.and_then(|id| world.ca.certificate(id)) else { return Ok(None) };
        let change = match key.filter(|key| key == issuance.public_key_sha256()) {
            None => fail(FailureClass::KeyMissing, "the key is gone".to_owned()),
            Some(key) => match install::judge(&offered, &key, spec.reason, served, &wanted, world.now) {
                _ if self.breaks(Broken::AnythingInstalled) => None,
                install::Verdict::Refused(why) => fail(FailureClass::InvalidCertificate, why),
                install::Verdict::Superseded(_) => Some(Change::Superseded),
                install::Verdict::Install => None,
            },
        };
        if let Some(change) = change {
            return Ok(world.record(revision, &[change])?.then_some("not installed"));
        }
        invariants::served_well(served, &offered, issuance.public_key_sha256(), spec.reason, &wanted, world.now)?;
        world.secret = Told::new(filled(&copies.certificate.object, issuance, offered));
        Ok(Some("installed"))
    }

    /// A certificate that the Secret has lost and whose key is held elsewhere, or at the provider.
    fn collect(&self, world: &mut World, copies: &Copies, revision: i64) -> Result<Option<&'static str>> {
        let copy = copies.issuances.iter().find(|copy| copy.object.spec.revision == revision);
        let Some(issuance) = copy.map(|copy| copy.object.as_ref()) else { return Ok(None) };
        let id = issuance.status.as_ref().and_then(|status| status.certificate_id.as_deref());
        let Some(leaf) = id.and_then(|id| world.ca.certificate(id)) else { return Ok(None) };
        let (served, wanted) = (leaf_of(&world.secret.value), names::wanted(&copies.certificate.object.spec));
        let key = issuance.public_key_sha256();
        invariants::served_well(served, &leaf, key, issuance.spec.reason, &wanted, world.now)?;
        world.secret = Told::new(filled(&copies.certificate.object, issuance, leaf));
        Ok(Some("downloaded again"))
    }
}

/// Whether what was decided on is what there is.
fn confirmed(world: &World, process: usize, copies: &Copies) -> bool {
    let (now, then) = (&world.certificate.newest.object, &copies.certificate.object);
    let known: Vec<u32> = world.issuances.values().map(|stored| stored.newest.version).collect();
    world.processes[process].lease
        && now.metadata.generation == then.metadata.generation
        && now.metadata.annotations == then.metadata.annotations
        && copies.issuances.iter().map(|copy| copy.version).eq(known)
}

fn record_adoption(world: &mut World, process: usize, copies: &Copies, adoption: &Adoption) -> Option<&'static str> {
    if !confirmed(world, process, copies) || world.issuances.contains_key(&adoption.revision) {
        return None;
    }
    let spec = IssuanceSpec {
        revision: adoption.revision,
        cost: Cost::Free,
        reason: adoption.trigger,
        request: adoption.request.clone(),
        parent: Some(adoption.parent.clone()),
        adopt: adoption.asked.clone(),
        idempotency_key: format!("{}-{}-adopt", testing::MARK, adoption.revision),
        submissions: Vec::new(),
        ..testing::issuance_spec(Operation::Adopt)
    };
    let mut issuance = Issuance::new(&adoption.issuance_name(), spec);
    world.made += 1;
    issuance.metadata.uid = Some(format!("uid-{}", world.made));
    world.issuances.insert(adoption.revision, Stored::new(issuance));
    Some("an adoption is recorded")
}

/// What one reconcile of the Certificate has read.
struct Copies {
    certificate: Copy<Certificate>,
    issuances: Vec<Copy<Issuance>>,
    secret: SecretView,
    key: KeyView,
    csr: CsrView,
    preflight: Preflight,
    order: OrderView,
}

impl Copies {
    /// A stale cache shows each object as it was before, and no new one.
    fn read(world: &World, stale: bool) -> Self {
        let issuance = |stored: &Stored<Issuance>| match stale {
            true => stored.before.clone(),
            false => Some(stored.newest.clone()),
        };
        let certificate = world.certificate.before.clone().filter(|_| stale);
        Self {
            certificate: certificate.unwrap_or_else(|| world.certificate.newest.clone()),
            issuances: world.issuances.values().filter_map(issuance).collect(),
            secret: SecretView::Unread,
            key: KeyView::Unread,
            csr: CsrView::Unread,
            preflight: Preflight::Unasked,
            order: OrderView::Unread,
        }
    }

    /// Everything there is.
    fn all(world: &World) -> Self {
        let (secret, csr) = (world.secret.value.as_ref().clone(), world.csr.value.as_ref().clone());
        Self { secret, csr, ..Self::read(world, false) }
    }

    fn spent_keys(&self, world: &World) -> Vec<String> {
        let over = self.issuances.iter().filter(|copy| ended(&copy.object)).map(|copy| copy.object.spec.revision);
        over.filter(|revision| world.keys.contains_key(revision))
            .map(|revision| format!("evercert-key-shop-{revision}"))
            .collect()
    }
}

/// The status as far as later decisions read it.
fn rest(
    world: &mut World,
    certificate: &Copy<Certificate>,
    status: Option<CertificateStatus>,
    pause: Option<Duration>,
) -> Turn {
    let kept = status.map(|status| CertificateStatus {
        revision: status.revision,
        order: status.order,
        issuance: status.issuance,
        last_handled_reissue_request: status.last_handled_reissue_request,
        ..CertificateStatus::default()
    });
    let current = certificate.version == world.certificate.newest.version;
    if current && certificate.object.status != kept && kept.is_some() {
        let mut next = certificate.object.as_ref().clone();
        next.status = kept;
        world.certificate.write(next);
        return Turn::Acted("the status is written");
    }
    let pause = pause.and_then(|pause| SignedDuration::try_from(pause).ok());
    Turn::Rests(pause.and_then(|pause| world.now.checked_add(pause).ok()).unwrap_or(Timestamp::MAX))
}

/// A create: refused when there is one.
fn store_key(world: &mut World, plan: &Plan) -> Option<&'static str> {
    if world.keys.contains_key(&plan.revision) {
        return None;
    }
    world.made += 1;
    let (csr, public_key_sha256) = match (&plan.key, &plan.wanted.key) {
        (KeyChoice::Elsewhere, Key::Elsewhere(csr)) => csr.clone().map(|csr| (csr.pem, csr.public_key_sha256))?,
        (KeyChoice::Again(key), _) => ("csr".to_owned(), key.clone()),
        _ => ("csr".to_owned(), format!("key-{}", world.made)),
    };
    let key = StoredKey {
        csr,
        public_key_sha256,
        origin: if plan.key == KeyChoice::Elsewhere { KeyOrigin::Elsewhere } else { KeyOrigin::Ours },
        common_name: plan.wanted.common_name.clone(),
        dns_names: plan.wanted.dns_names.clone(),
        kind: plan.wanted.key.kind()?,
    };
    world.keys.insert(plan.revision, Told::new(key));
    Some("a key is stored")
}

fn filled(certificate: &Certificate, issuance: &Issuance, leaf: Leaf) -> SecretView {
    let status = issuance.status.clone().unwrap_or_default();
    let before = certificate.status.as_ref().and_then(|status| status.last_handled_reissue_request.clone());
    let key_is_there = certificate.spec.csr_secret_ref.is_none();
    SecretView::Ours(Box::new(Held {
        public_key_sha256: key_is_there.then(|| leaf.public_key_sha256.clone()),
        pair: Some(leaf),
        problem: None,
        outputs: Outputs::AsWanted,
        order_id: status.order_id,
        certificate_id: status.certificate_id,
        revision: Some(issuance.spec.revision),
        handled_token: issuance.spec.request_token.clone().or(before),
    }))
}

fn revision_of(name: &str) -> i64 {
    name.rsplit('-').next().and_then(|revision| revision.parse().ok()).unwrap_or(0)
}

pub fn leaf_of(secret: &SecretView) -> Option<&Leaf> {
    match secret {
        SecretView::Ours(held) => held.pair.as_ref(),
        _ => None,
    }
}
