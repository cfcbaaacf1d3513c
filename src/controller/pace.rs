//! When a provider may be asked again about an Issuance. In memory only: a restart asks once too often at most.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::lifecycle::{backoff, polling};

/// Until the first call for a whole account is answered after a start.
const FIRST_ANSWER: Duration = Duration::from_secs(30);

#[derive(Default)]
pub struct Paces {
    /// By uid.
    paces: Mutex<HashMap<String, Pace>>,
}

#[derive(Default)]
struct Pace {
    polls: u32,
    last: Option<Instant>,
    /// Of the next poll, when nothing else tells of changes.
    next: Option<Instant>,
    /// The same when an answer for the whole account would.
    unnamed: Option<Instant>,
    /// What is waited for will be named by such an answer.
    quiet: bool,
    unbelieved: u32,
    asks: u32,
    next_ask: Option<Instant>,
}

impl Paces {
    /// Until the next poll; zero when it is due. `told`: the account is asked as a whole, and answers.
    pub fn until_poll(&self, uid: &str, told: bool) -> Duration {
        let paces = self.lock();
        let Some(pace) = paces.get(uid) else { return Duration::ZERO };
        let rests = told && pace.quiet && pace.unbelieved == 0;
        left(if rests { pace.unnamed } else { pace.next })
    }

    /// What was found to wait for the provider before a restart goes on waiting.
    pub fn resume(&self, uid: &str) {
        let now = Instant::now();
        self.lock().entry(uid.to_owned()).or_insert_with(|| Pace {
            next: Some(now + FIRST_ANSWER),
            unnamed: Some(now + FIRST_ANSWER + polling::unnamed_after_restart(uid)),
            quiet: true,
            ..Pace::default()
        });
    }

    pub fn polled(&self, uid: &str) {
        let mut paces = self.lock();
        let pace = paces.entry(uid.to_owned()).or_default();
        let now = Instant::now();
        pace.last = Some(now);
        pace.next = Some(now + backoff::poll(pace.polls, uid));
        pace.unnamed = Some(now + polling::unnamed(uid));
        pace.polls = pace.polls.saturating_add(1);
        pace.quiet = false;
    }

    /// The last poll has found it waiting for what an answer for the whole account will name.
    pub fn quiet(&self, uid: &str) {
        if let Some(pace) = self.lock().get_mut(uid) {
            pace.quiet = true;
        }
    }

    /// Something was done at the provider: poll soon again.
    pub fn hurry(&self, uid: &str) {
        if let Some(pace) = self.lock().get_mut(uid) {
            pace.quiet = false;
        }
        self.expect(uid);
    }

    /// The provider may soon see something: poll soon again, unless an answer for the whole account would tell.
    pub fn expect(&self, uid: &str) {
        if let Some(pace) = self.lock().get_mut(uid) {
            pace.polls = 0;
            pace.next = Some(Instant::now() + backoff::poll(0, uid));
        }
    }

    /// An answer for the whole account names it; `anew`: not as the one before did.
    pub fn named(&self, uid: &str, anew: bool) {
        if let Some(pace) = self.lock().get_mut(uid) {
            pace.quiet = false;
            if anew {
                pace.polls = 0;
                pace.next = pace.last.map(|last| last + backoff::poll(0, uid));
            }
        }
    }

    /// Until the provider may be asked to look at the published records.
    pub fn until_ask(&self, uid: &str) -> Duration {
        left(self.lock().get(uid).and_then(|pace| pace.next_ask))
    }

    pub fn asked(&self, uid: &str) {
        let mut paces = self.lock();
        let pace = paces.entry(uid.to_owned()).or_default();
        pace.asks = pace.asks.saturating_add(1);
        pace.next_ask = Some(Instant::now() + backoff::ask(pace.asks));
    }

    /// A record has become visible: worth asking at once.
    pub fn visible(&self, uid: &str) {
        if let Some(pace) = self.lock().get_mut(uid) {
            (pace.asks, pace.next_ask) = (0, None);
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

    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Pace>> {
        self.paces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn left(until: Option<Instant>) -> Duration {
    until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
}
