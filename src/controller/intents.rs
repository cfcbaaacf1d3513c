//! Submissions that this process has recorded and not yet called: the only ones that are new. After a crash
//! this memory is gone, and with it the right to call.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::provider::Permit;

#[derive(Default)]
pub struct Intents {
    /// By uid of the Issuance: number of the submission, and the room in the rate limit kept for it.
    recorded: Mutex<HashMap<String, (i32, Permit)>>,
}

impl Intents {
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
        (recorded == n).then_some(permit)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (i32, Permit)>> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
