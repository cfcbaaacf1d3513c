//! Submissions that this process has recorded and not yet called: the only ones that are new. After a crash
//! this memory is gone, and with it the right to call.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use crate::provider::Permit;

/// Submissions that may wait for their call at a time before more are recorded.
const MOST: usize = 32;
/// A submission that is never called must not hold up the others.
const LONGEST: Duration = Duration::from_secs(2);

#[derive(Default)]
pub struct Intents {
    /// By uid of the Issuance: number of the submission, and the room in the rate limit kept for it.
    recorded: Mutex<HashMap<String, (i32, Permit)>>,
    spent: Notify,
    /// Issuances that are being created, by namespace and name.
    creating: watch::Sender<HashSet<Name>>,
}

type Name = (String, String);

/// An Issuance that is being created, until dropped.
pub struct Creating<'a> {
    intents: &'a Intents,
    name: Name,
}

impl Intents {
    /// Waits while many wait for their call: what has begun goes on before more begins.
    pub async fn room(&self) {
        let room = async {
            while self.lock().len() >= MOST {
                self.spent.notified().await;
            }
        };
        let _ = timeout(LONGEST, room).await;
    }

    /// To be held from before an Issuance is created until its submission is recorded here: the watch may show it before
    /// the answer comes, and then it would look like a submission of a process that has died.
    pub fn creating(&self, namespace: &str, name: &str) -> Creating<'_> {
        let name = (namespace.to_owned(), name.to_owned());
        self.creating.send_modify(|creating| {
            creating.insert(name.clone());
        });
        Creating { intents: self, name }
    }

    /// Waits until nobody is creating it.
    pub async fn created(&self, namespace: &str, name: &str) {
        let name = (namespace.to_owned(), name.to_owned());
        // Cannot fail: the sender lives as long as `self`.
        let _ = self.creating.subscribe().wait_for(|creating| !creating.contains(&name)).await;
    }

    /// To be called only after the API server has stored the submission.
    pub fn record(&self, uid: &str, n: i32, permit: Permit) {
        self.lock().insert(uid.to_owned(), (n, permit));
    }

    pub fn is_fresh(&self, uid: &str, n: i32) -> bool {
        self.lock().get(uid).is_some_and(|(recorded, _)| *recorded == n)
    }

    /// Spends the right to make the call, whatever comes of it.
    pub fn take(&self, uid: &str, n: i32) -> Option<Permit> {
        let (recorded, permit) = self.lock().remove(uid)?;
        self.spent.notify_one();
        (recorded == n).then_some(permit)
    }

    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (i32, Permit)>> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Creating<'_> {
    fn drop(&mut self) {
        self.intents.creating.send_modify(|creating| {
            creating.remove(&self.name);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, sync::Arc};

    use tokio::time::Instant;

    use super::*;
    use crate::provider::{
        Urgency,
        limits::{Limiter, RateLimit},
    };

    #[tokio::test(start_paused = true)]
    async fn more_begins_once_a_call_is_made_or_after_a_while() {
        let many = NonZeroU32::MAX;
        let limiter = Limiter::new(RateLimit { requests: many, per: Duration::from_secs(1), burst: many });
        let intents = Arc::new(Intents::default());
        for n in 0..MOST {
            intents.room().await;
            intents.record(&n.to_string(), 1, limiter.permit(Urgency::Normal).await.expect("no gate"));
        }
        let started = Instant::now();
        intents.room().await;
        assert!(started.elapsed() >= LONGEST, "there was room");
        let (waits, started) = (intents.clone(), Instant::now());
        let waiting = tokio::spawn(async move { waits.room().await });
        tokio::task::yield_now().await;
        assert!(intents.take("0", 1).is_some());
        waiting.await.expect("no panic");
        assert!(started.elapsed() < LONGEST, "a call was made");
    }

    #[tokio::test]
    async fn what_is_being_created_is_left_alone_until_it_is_recorded() {
        let intents = Arc::new(Intents::default());
        intents.created("shop", "a-1").await;
        let creating = intents.creating("shop", "a-1");
        intents.created("shop", "b-1").await;
        let waits = intents.clone();
        let waiting = tokio::spawn(async move { waits.created("shop", "a-1").await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(creating);
        waiting.await.expect("no panic");
    }
}
