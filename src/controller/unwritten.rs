//! What is known of an Issuance and goes with its next write: a certificate that arrives is mostly in its Secret a
//! moment later, and one write tells both. In memory only: a loss costs one more look and download, which are free.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;

use crate::{
    api::Issuance,
    lifecycle::record::{self, Change},
};

/// What nothing else has written by then is written on its own.
const PATIENCE: Duration = Duration::from_secs(5);
/// Its Issuance was deleted in between.
const FORGOTTEN: Duration = Duration::from_secs(300);

#[derive(Default)]
pub struct Unwritten {
    /// By uid.
    kept: Mutex<HashMap<String, Kept>>,
}

struct Kept {
    since: Instant,
    changes: Vec<Change>,
}

impl Unwritten {
    pub fn keep(&self, uid: String, changes: Vec<Change>) {
        let mut kept = self.lock();
        kept.retain(|_, kept| kept.since.elapsed() < FORGOTTEN);
        kept.insert(uid, Kept { since: Instant::now(), changes });
    }

    pub fn of(&self, uid: &str) -> Vec<Change> {
        self.lock().get(uid).map(|kept| kept.changes.clone()).unwrap_or_default()
    }

    /// To be called only after the API server has stored them.
    pub fn written(&self, uid: &str) {
        self.lock().remove(uid);
    }

    /// Until they are to be written on their own; `None`: there are none.
    pub fn until_due(&self, uid: &str) -> Option<Duration> {
        self.lock().get(uid).map(|kept| PATIENCE.saturating_sub(kept.since.elapsed()))
    }

    /// The Issuance as it will be once they are written.
    pub fn shown(&self, issuance: Arc<Issuance>, now: Timestamp) -> Arc<Issuance> {
        let changes = self.of(issuance.metadata.uid.as_deref().unwrap_or_default());
        if changes.is_empty() {
            return issuance;
        }
        let mut shown = issuance.as_ref().clone();
        let mut status = shown.status.take().unwrap_or_default();
        changes.iter().for_each(|change| record::apply(&shown.spec, &mut status, change, now));
        shown.status = Some(status);
        Arc::new(shown)
    }

    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::issuance::State, lifecycle::testing::issued};

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_shown_until_it_is_written_and_due_after_a_while() {
        let unwritten = Unwritten::default();
        let mut placed = issued(1, State::AwaitingProvider, 'a');
        placed.metadata.uid = Some("uid".to_owned());
        let placed = Arc::new(placed);
        let state = |issuance: Arc<Issuance>| issuance.status.as_ref().and_then(|status| status.state);
        assert_eq!(unwritten.until_due("uid"), None);

        let message = "as it came".to_owned();
        unwritten.keep("uid".to_owned(), vec![Change::Failed(crate::api::issuance::FailureClass::Canceled, message)]);
        assert_eq!(state(unwritten.shown(placed.clone(), Timestamp::UNIX_EPOCH)), Some(State::Failed));
        assert_eq!(unwritten.until_due("uid"), Some(PATIENCE));
        tokio::time::advance(PATIENCE * 2).await;
        assert_eq!(unwritten.until_due("uid"), Some(Duration::ZERO));
        unwritten.written("uid");
        assert_eq!(state(unwritten.shown(placed, Timestamp::UNIX_EPOCH)), Some(State::AwaitingProvider));
    }
}
