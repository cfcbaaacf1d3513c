//! The world behind the API: tables of records under one lock, journalled before the lock is released.

pub mod dnsimple;
mod journal;
pub mod records;
pub mod scm;
mod table;

use std::{
    ops::{Deref, DerefMut},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use crate::clock::Clock;
use journal::{Entry, Journal};
use records::{Account, ApiKey, Certificate, Domain, Operation, Order, Organization, Request, Settings};
pub use table::Table;

/// Ids begin here, so that one id never looks like a count.
const FIRST_ID: u64 = 100_001;

#[derive(Default)]
pub struct World {
    pub clock: Clock,
    pub accounts: Table<Account>,
    pub api_keys: Table<ApiKey>,
    pub organizations: Table<Organization>,
    pub domains: Table<Domain>,
    pub orders: Table<Order>,
    pub certificates: Table<Certificate>,
    pub requests: Table<Request>,
    pub ledger: Table<Operation>,
    pub scm: scm::Scm,
    pub dnsimple: dnsimple::DNSimple,
    last_id: u64,
    clock_written: i64,
}

impl World {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn settings(&self, account: u64) -> Settings {
        self.accounts.get(account).map(|account| account.settings).unwrap_or_default()
    }

    /// One sequence for all kinds: an id used for the wrong kind finds nothing.
    pub fn next_id(&mut self) -> u64 {
        self.last_id = (self.last_id + 1).max(FIRST_ID);
        self.last_id
    }

    /// Everything that changed since the last call, as journal entries.
    fn changes(&mut self) -> Vec<Entry> {
        let mut entries = Vec::new();
        if self.clock.offset_seconds != self.clock_written {
            self.clock_written = self.clock.offset_seconds;
            entries.push(Entry::Clock(self.clock_written));
        }
        entries.extend(self.accounts.changes().map(Entry::Account));
        entries.extend(self.api_keys.changes().map(Entry::ApiKey));
        entries.extend(self.organizations.changes().map(Entry::Organization));
        entries.extend(self.domains.changes().map(Entry::Domain));
        entries.extend(self.orders.changes().map(Entry::Order));
        entries.extend(self.certificates.changes().map(Entry::Certificate));
        entries.extend(self.requests.changes().map(Entry::Request));
        entries.extend(self.ledger.changes().map(Entry::Operation));
        entries.extend(self.scm.customers.changes().map(Entry::ScmCustomer));
        entries.extend(self.scm.organizations.changes().map(Entry::ScmOrganization));
        entries.extend(self.scm.profiles.changes().map(Entry::ScmProfile));
        entries.extend(self.scm.domains.changes().map(Entry::ScmDomain));
        entries.extend(self.scm.certificates.changes().map(Entry::ScmSsl));
        entries.extend(self.scm.fields.changes().map(Entry::ScmField));
        entries.extend(self.scm.certificates.removals().map(Entry::Removed));
        entries.extend(self.scm.organizations.removals().map(Entry::Removed));
        entries.extend(self.scm.domains.removals().map(Entry::Removed));
        entries.extend(self.dnsimple.changes().into_iter().map(Entry::Dnsimple));
        entries
    }

    fn apply(&mut self, entry: Entry) {
        let id = match entry {
            Entry::Clock(offset) => {
                self.clock.offset_seconds = offset;
                self.clock_written = offset;
                0
            }
            Entry::Account(row) => self.accounts.load(row),
            Entry::ApiKey(row) => self.api_keys.load(row),
            Entry::Organization(row) => self.organizations.load(row),
            Entry::Domain(row) => self.domains.load(row),
            Entry::Order(row) => self.orders.load(row),
            Entry::Certificate(row) => self.certificates.load(row),
            Entry::Request(row) => self.requests.load(row),
            Entry::Operation(row) => self.ledger.load(row),
            Entry::ScmCustomer(row) => self.scm.customers.load(row),
            Entry::ScmOrganization(row) => self.scm.organizations.load(row),
            Entry::ScmProfile(row) => self.scm.profiles.load(row),
            Entry::ScmDomain(row) => self.scm.domains.load(row),
            Entry::ScmSsl(row) => self.scm.certificates.load(row),
            Entry::ScmField(row) => self.scm.fields.load(row),
            Entry::Dnsimple(row) => self.dnsimple.load(row),
            Entry::Removed(id) => {
                self.scm.certificates.unload(id);
                self.scm.organizations.unload(id);
                self.scm.domains.unload(id);
                id
            }
        };
        self.last_id = self.last_id.max(id);
    }
}

struct Inner {
    world: World,
    journal: Journal,
}

pub struct Store(Mutex<Inner>);

impl Store {
    /// Replays the journal of `dir`.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        let mut world = World::default();
        let journal = Journal::open(&dir.join("journal.jsonl"), |entry| world.apply(entry))?;
        Ok(Self(Mutex::new(Inner { world, journal })))
    }

    pub fn lock(&self) -> Guard<'_> {
        Guard(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The locked world. Dropping it writes what changed: no answer leaves before its change is on disk.
pub struct Guard<'a>(MutexGuard<'a, Inner>);

impl Deref for Guard<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0.world
    }
}

impl DerefMut for Guard<'_> {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.0.world
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let inner = &mut *self.0;
        let changes = inner.world.changes();
        if !changes.is_empty()
            && let Err(error) = inner.journal.append(&changes)
        {
            tracing::error!(%error, "the journal cannot be written");
        }
    }
}
