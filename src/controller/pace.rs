//! When a provider may be polled again for an Issuance. In memory only: a restart polls once too often at most.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::lifecycle::backoff;

#[derive(Default)]
pub struct Paces {
    /// By uid.
    paces: Mutex<HashMap<String, Pace>>,
}

#[derive(Default)]
struct Pace {
    polls: u32,
    next: Option<Instant>,
    unbelieved: u32,
}

impl Paces {
    /// Until the next poll; zero when it is due.
    pub fn until_poll(&self, uid: &str) -> Duration {
        let next = self.lock().get(uid).and_then(|pace| pace.next);
        next.map_or(Duration::ZERO, |next| next.saturating_duration_since(Instant::now()))
    }

    pub fn polled(&self, uid: &str) {
        let mut paces = self.lock();
        let pace = paces.entry(uid.to_owned()).or_default();
        pace.next = Some(Instant::now() + backoff::poll(pace.polls, uid));
        pace.polls = pace.polls.saturating_add(1);
    }

    /// Something changed that the provider will see: poll soon again.
    pub fn hurry(&self, uid: &str) {
        if let Some(pace) = self.lock().get_mut(uid) {
            pace.polls = 0;
            pace.next = Some(Instant::now() + backoff::poll(0, uid));
        }
    }

    /// Counts a download that was not believed; returns how many in a row.
    pub fn unbelieved(&self, uid: &str) -> u32 {
        let mut paces = self.lock();
        let pace = paces.entry(uid.to_owned()).or_default();
        pace.unbelieved = pace.unbelieved.saturating_add(1);
        pace.unbelieved
    }

    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Pace>> {
        self.paces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
