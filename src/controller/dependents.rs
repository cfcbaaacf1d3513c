//! Certificates that wait for what another one obtains, so that they are woken when it is there. In memory only: after a
//! restart everything is looked at anyway.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use kube::runtime::reflector::ObjectRef;

use super::watch::{Queue, Woken};
use crate::api::Certificate;

pub struct Dependents {
    queue: Queue<Certificate>,
    /// By namespace and name of the one that is waited for.
    waiting: Mutex<HashMap<(String, String), BTreeSet<String>>>,
}

impl Dependents {
    pub fn new(queue: Queue<Certificate>) -> Self {
        Self { queue, waiting: Mutex::default() }
    }

    pub fn wait(&self, namespace: &str, source: &str, dependent: &str) {
        let mut waiting = self.lock();
        waiting.entry((namespace.to_owned(), source.to_owned())).or_default().insert(dependent.to_owned());
    }

    /// A queue whose reader is gone belongs to a process that ends.
    pub fn wake(&self, namespace: &str, source: &str) {
        let woken = self.lock().remove(&(namespace.to_owned(), source.to_owned()));
        for name in woken.unwrap_or_default() {
            let name = ObjectRef::new(&name).within(namespace);
            let _ = self.queue.send(Woken::now(name));
        }
    }

    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), BTreeSet<String>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
