//! Faults: rules, set by a test, that make chosen requests go wrong.

mod layer;
mod rule;

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::state::records::Quirk;
pub use layer::inject;
pub use rule::{Fault, FaultKind, Subject};

/// What faults do to the operation itself, handed to its handler.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    pub quirks: Vec<Quirk>,
    /// Real seconds for which look-ups do not show what this request makes.
    pub lag_seconds: Option<i64>,
}

impl Effects {
    /// Real time until which what this request makes is hidden.
    pub fn hidden_until(&self) -> Option<Timestamp> {
        let lag = SignedDuration::from_secs(self.lag_seconds?);
        Some(Timestamp::now().checked_add(lag).unwrap_or(Timestamp::MAX))
    }
}

/// Look-up lag is real time: the clock of certificates has no part in it.
pub fn visible(hidden_until: Option<Timestamp>) -> bool {
    hidden_until.is_none_or(|until| until <= Timestamp::now())
}

/// The rules in force, in the order they were set.
#[derive(Default)]
pub struct Faults(Mutex<Rules>);

#[derive(Default)]
struct Rules {
    last_id: u64,
    faults: Vec<Fault>,
}

impl Faults {
    /// Adds a rule and returns it with its id.
    pub fn add(&self, mut fault: Fault) -> Fault {
        let mut rules = self.lock();
        rules.last_id += 1;
        fault.id = rules.last_id;
        fault.hits = 0;
        rules.faults.push(fault.clone());
        fault
    }

    pub fn list(&self) -> Vec<Fault> {
        self.lock().faults.clone()
    }

    pub fn clear(&self) {
        self.lock().faults.clear();
    }

    pub fn remove(&self, id: u64) -> bool {
        let mut rules = self.lock();
        let before = rules.faults.len();
        rules.faults.retain(|fault| fault.id != id);
        rules.faults.len() < before
    }

    /// Takes one hit of every rule that wants this request and is of the asked sort.
    fn take(&self, subject: &Subject<'_>, sort: fn(&FaultKind) -> bool) -> Vec<(u64, FaultKind)> {
        let mut rules = self.lock();
        let due = rules.faults.iter_mut().filter(|fault| fault.wants(subject) && sort(&fault.kind));
        due.map(|fault| {
            fault.hits += 1;
            (fault.id, fault.kind.clone())
        })
        .collect()
    }

    /// Takes one hit of the first such rule only: an answer can be destroyed once.
    fn take_one(&self, subject: &Subject<'_>, sort: fn(&FaultKind) -> bool) -> Option<FaultKind> {
        let mut rules = self.lock();
        let fault = rules.faults.iter_mut().find(|fault| fault.wants(subject) && sort(&fault.kind))?;
        fault.hits += 1;
        Some(fault.kind.clone())
    }

    /// The request was refused, so these did not happen after all.
    fn give_back(&self, taken: &[(u64, FaultKind)]) {
        let mut rules = self.lock();
        for (id, _) in taken {
            if let Some(fault) = rules.faults.iter_mut().find(|fault| fault.id == *id) {
                fault.hits = fault.hits.saturating_sub(1);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Rules> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
