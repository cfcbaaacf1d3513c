//! Everything there is: what the API server stores, what the CA knows, what each process remembers, and the time.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use super::ca::Ca;
use crate::{
    api::{Certificate, Issuance, IssuanceSpec, issuance::State, issuer::Reservation},
    lifecycle::{
        certificate::{CsrView, SecretView},
        invariants::{self, Violation},
        issuance::{Seen, Wish},
        lineage,
        plan::StoredKey,
        record::{self, Change},
        testing::CertificateCase,
    },
    provider::{Accepted, CallError, Found},
};

/// An object and its version, as somebody has read it.
#[derive(Debug, Clone)]
pub struct Copy<T> {
    pub object: Arc<T>,
    pub version: u32,
    digest: u64,
}

impl<T: std::fmt::Debug> Copy<T> {
    pub fn new(object: T, version: u32) -> Self {
        Self { digest: digest(&object), object: Arc::new(object), version }
    }
}

/// The newest copy and the one before, which a cache may still show.
#[derive(Debug, Clone)]
pub struct Stored<T> {
    pub newest: Copy<T>,
    pub before: Option<Copy<T>>,
}

/// Versions are told apart and never compared otherwise: they need no number to be known by.
impl<T> Hash for Stored<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.newest.digest, self.before.as_ref().map(|before| before.digest)).hash(state);
    }
}

impl<T: std::fmt::Debug> Stored<T> {
    pub fn new(object: T) -> Self {
        Self { newest: Copy::new(object, 1), before: None }
    }

    pub fn write(&mut self, object: T) {
        let next = Copy::new(object, self.newest.version + 1);
        self.before = Some(std::mem::replace(&mut self.newest, next));
    }
}

/// A value that is hashed by its text.
#[derive(Debug, Clone)]
pub struct Told<T> {
    pub value: Arc<T>,
    digest: u64,
}

impl<T: std::fmt::Debug> Told<T> {
    pub fn new(value: T) -> Self {
        Self { digest: digest(&value), value: Arc::new(value) }
    }
}

impl<T> Hash for Told<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

fn digest(value: &impl std::fmt::Debug) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{value:?}").hash(&mut hasher);
    hasher.finish()
}

#[derive(Debug, Clone, Hash)]
pub struct World {
    pub now: Timestamp,
    pub certificate: Stored<Certificate>,
    pub issuances: BTreeMap<i64, Stored<Issuance>>,
    /// Deleted for their number.
    pub forgotten: Vec<Stored<Issuance>>,
    pub secret: Told<SecretView>,
    /// In the user's Secret, where the key is held elsewhere.
    pub csr: Told<CsrView>,
    /// Waiting keys, by revision.
    pub keys: BTreeMap<i64, Told<StoredKey>>,
    /// Keys and Issuances made so far: each is another one.
    pub made: u32,
    pub lost_ledger: bool,
    /// In the issuer's status.
    pub reservations: Told<Vec<Reservation>>,
    pub ca: Ca,
    /// The first holds the lease; the others have lost it and do not know yet.
    pub processes: Vec<Process>,
    pub started: u32,
    /// A call that is on its way.
    pub flight: Option<Flight>,
    /// The account answers with errors and is not called.
    pub outage: bool,
    pub budget: Budget,
}

/// How many of each disturbance may still happen.
#[derive(Debug, Clone, Copy, Hash, Default)]
pub struct Budget {
    pub crashes: u8,
    pub handovers: u8,
    pub stale: u8,
    pub stalls: u8,
    /// Lost or bad answers of the CA.
    pub answers: u8,
    /// Times that the account is not called.
    pub outages: u8,
    /// Calls whose effect is hidden for a while.
    pub lags: u8,
    pub deleted_secrets: u8,
    pub edits: u8,
    pub suspensions: u8,
    pub tokens: u8,
    /// New CSRs from the holder of the key.
    pub csrs: u8,
    /// The ledger and the waiting keys are deleted, but not the Certificate.
    pub lost_ledgers: u8,
    /// All of the above together.
    pub all: u8,
}

#[derive(Debug, Clone, Hash)]
pub struct Flight {
    pub process: u32,
    pub revision: i64,
    pub n: i32,
}

/// One process of the operator: what is lost when it dies.
#[derive(Debug, Clone, Hash)]
pub struct Process {
    pub number: u32,
    pub lease: bool,
    /// Stopped in the middle of whatever it did, as a machine may be.
    pub frozen: bool,
    /// Submissions recorded and not yet called, by revision.
    pub intents: BTreeMap<i64, i32>,
    pub next_poll: Timestamp,
    /// Reconciles of Issuances that are not at their end, by revision.
    pub runs: BTreeMap<i64, Run>,
}

impl Process {
    pub fn new(number: u32, lease: bool) -> Self {
        Self {
            number,
            lease,
            frozen: false,
            intents: BTreeMap::new(),
            next_poll: Timestamp::MIN,
            runs: BTreeMap::new(),
        }
    }

    pub fn holder(&self) -> String {
        format!("process {}", self.number)
    }
}

/// One reconcile of an Issuance.
#[derive(Debug, Clone)]
pub struct Run {
    pub issuance: Copy<Issuance>,
    pub seen: Told<Seen>,
    /// Done, and not yet written.
    pub unwritten: Option<Told<Unwritten>>,
    /// As the Certificate said when it was looked at last.
    pub wish: Wish,
}

impl Hash for Run {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.issuance.digest, &self.seen, &self.unwritten).hash(state);
    }
}

#[derive(Debug, Clone)]
pub enum Unwritten {
    Appended,
    Looked(i32, Found),
    /// On its way; comes back as an answer.
    Called,
    Answered(i32, Result<Option<Accepted>, CallError>),
}

impl World {
    /// Never issued.
    pub fn new(case: CertificateCase) -> Self {
        let began = !case.issuances.is_empty() || case.certificate.spec.adopt.is_some();
        Self {
            now: case.now,
            certificate: Stored::new(case.certificate),
            issuances: case
                .issuances
                .iter()
                .map(|issuance| (issuance.spec.revision, Stored::new(issuance.as_ref().clone())))
                .collect(),
            forgotten: Vec::new(),
            secret: Told::new(case.secret),
            csr: Told::new(case.csr),
            keys: Default::default(),
            made: 0,
            lost_ledger: false,
            reservations: Told::new(Vec::new()),
            ca: Ca { began, ..Default::default() },
            processes: vec![Process::new(0, true)],
            started: 0,
            flight: None,
            outage: false,
            budget: Default::default(),
        }
    }

    pub fn objects(&self) -> Vec<Arc<Issuance>> {
        self.issuances.values().map(|stored| stored.newest.object.clone()).collect()
    }

    pub fn earlier(&self, operation: &IssuanceSpec) -> BTreeSet<String> {
        lineage::earlier(&self.objects(), operation)
    }

    pub fn unresolved(&self) -> Option<&Arc<Issuance>> {
        self.issuances.values().map(|stored| &stored.newest.object).find(|issuance| !ended(issuance))
    }

    pub fn state(&self) -> Option<State> {
        self.unresolved()?.status.as_ref()?.state
    }

    /// Applied to the newest copy, as the ledger does. Whether it was written: not when it says nothing new.
    pub fn record(&mut self, revision: i64, changes: &[Change]) -> Result<bool, Violation> {
        let now = self.now;
        let Some(stored) = self.issuances.get_mut(&revision) else { return Ok(false) };
        let mut next = stored.newest.object.as_ref().clone();
        let before = next.status.clone().unwrap_or_default();
        let mut after = before.clone();
        for change in changes {
            record::apply(&next.spec, &mut after, change, now);
        }
        invariants::forward(&before, &after)?;
        let changed = after != before;
        if changed {
            next.status = Some(after);
            stored.write(next);
        }
        Ok(changed)
    }

    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        // Whether a run's copy is the newest decides whether it may write.
        for process in &self.processes {
            for (revision, run) in &process.runs {
                let newest = self.issuances.get(revision).map(|stored| stored.newest.version);
                (newest == Some(run.issuance.version)).hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    pub fn later(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }
}

pub fn ended(issuance: &Issuance) -> bool {
    issuance.status.as_ref().and_then(|status| status.state).is_some_and(State::is_final)
}
