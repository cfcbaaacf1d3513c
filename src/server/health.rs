//! What must have happened before the process is of use.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// A cheap handle: who brings a part up, or sees it fail, says so here.
#[derive(Debug, Clone)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, bool>>>);

impl Health {
    /// Not ready until each of these parts is.
    pub fn awaiting(parts: impl IntoIterator<Item = &'static str>) -> Self {
        Self(Arc::new(Mutex::new(parts.into_iter().map(|part| (part, false)).collect())))
    }

    pub fn set(&self, part: &'static str, ready: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(part, ready);
    }

    /// The parts that are not ready.
    pub fn missing(&self) -> Vec<&'static str> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.iter().filter(|(_, ready)| !**ready).map(|(part, _)| *part).collect()
    }
}
