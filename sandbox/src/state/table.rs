//! Rows by id that know which of them changed.

use std::collections::{BTreeMap, BTreeSet};

use super::records::{Account, ApiKey, Certificate, Domain, Operation, Order, Organization, Request};

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

pub struct Table<T> {
    rows: BTreeMap<u64, T>,
    changed: BTreeSet<u64>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), changed: BTreeSet::new() }
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

    /// Rows in ascending order of id.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.values()
    }

    pub(super) fn load(&mut self, row: T) -> u64 {
        let id = row.id();
        self.rows.insert(id, row);
        id
    }

    pub(super) fn changes(&mut self) -> impl Iterator<Item = T> {
        std::mem::take(&mut self.changed).into_iter().filter_map(|id| self.rows.get(&id).cloned())
    }
}
