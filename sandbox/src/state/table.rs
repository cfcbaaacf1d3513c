//! Rows by id that know which of them changed.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    dnsimple,
    records::{Account, ApiKey, Certificate, Domain, Operation, Order, Organization, Request},
    scm,
};

pub trait Row: Clone {
    fn id(&self) -> u64;
}

macro_rules! rows {
    ($($record:ty),*) => {
        $(impl Row for $record {
            fn id(&self) -> u64 {
                self.id
            }
        })*
    };
}
rows!(Account, ApiKey, Organization, Domain, Order, Certificate, Request, Operation);
rows!(scm::Customer, scm::Organization, scm::Profile, scm::Domain, scm::Ssl, scm::CustomField);
rows!(dnsimple::Account, dnsimple::Token, dnsimple::Domain, dnsimple::Record, dnsimple::Certificate);
rows!(dnsimple::Renewal, dnsimple::Webhook, dnsimple::Delivery);

pub struct Table<T> {
    rows: BTreeMap<u64, T>,
    changed: BTreeSet<u64>,
    removed: Vec<u64>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), changed: BTreeSet::new(), removed: Vec::new() }
    }
}

impl<T: Row> Table<T> {
    pub fn get(&self, id: u64) -> Option<&T> {
        self.rows.get(&id)
    }

    /// Takes the row to change it; it counts as changed from here on.
    pub fn edit(&mut self, id: u64) -> Option<&mut T> {
        let row = self.rows.get_mut(&id)?;
        self.changed.insert(id);
        Some(row)
    }

    pub fn insert(&mut self, row: T) {
        self.changed.insert(row.id());
        self.rows.insert(row.id(), row);
    }

    pub fn remove(&mut self, id: u64) {
        if self.rows.remove(&id).is_some() {
            self.removed.push(id);
        }
    }

    /// Rows in ascending order of id.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.values()
    }

    pub(super) fn unload(&mut self, id: u64) {
        self.rows.remove(&id);
    }

    pub(super) fn load(&mut self, row: T) -> u64 {
        let id = row.id();
        self.rows.insert(id, row);
        id
    }

    pub(super) fn changes(&mut self) -> impl Iterator<Item = T> {
        std::mem::take(&mut self.changed).into_iter().filter_map(|id| self.rows.get(&id).cloned())
    }

    pub(super) fn removals(&mut self) -> impl Iterator<Item = u64> {
        std::mem::take(&mut self.removed).into_iter()
    }
}
