//! Back-off by object: failures in a row, forgotten with a success and with the object.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

/// Namespace and name.
type Name = (Option<String>, String);

#[derive(Default)]
pub struct Failures {
    /// With the uid: a name created anew starts afresh.
    counts: Mutex<HashMap<Name, (String, u32)>>,
}

impl Failures {
    /// Counts one more, and says when to try again.
    pub fn another(&self, name: &Name, uid: &str) -> Duration {
        let mut counts = self.lock();
        let (of, count) = counts.entry(name.clone()).or_default();
        if of != uid {
            (*of, *count) = (uid.to_owned(), 0);
        }
        *count = count.saturating_add(1);
        (FIRST * 2_u32.saturating_pow(count.saturating_sub(1).min(16))).min(LONGEST)
    }

    /// It went well, or it does not exist any more.
    pub fn forget(&self, name: &Name) {
        self.lock().remove(name);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, (String, u32)>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_in_a_row_doubles_the_wait_up_to_five_minutes() {
        let (failures, name) = (Failures::default(), (Some("shop".to_owned()), "a".to_owned()));
        let waits: Vec<u64> = (0..10).map(|_| failures.another(&name, "1").as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!(failures.another(&name, "2").as_secs(), 1, "created anew");
        failures.forget(&name);
        assert_eq!(failures.count(), 0);
    }
}
