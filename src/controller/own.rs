//! Our own writes, kept until the watches have shown them: nothing is decided on a copy older than what we wrote.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kube::{Resource, ResourceExt};
use tokio::time::Instant;

/// By then a watch has shown a write, or the object's deletion.
const LAG: Duration = Duration::from_secs(30);

pub struct Own<K> {
    /// By namespace and name.
    written: Mutex<HashMap<(String, String), Written<K>>>,
}

struct Written<K> {
    object: Arc<K>,
    at: Instant,
}

impl<K> Default for Own<K> {
    fn default() -> Self {
        Self { written: Mutex::default() }
    }
}

impl<K: Resource<DynamicType = ()> + Clone> Own<K> {
    /// Remembers what the API server has stored for us.
    pub fn remember(&self, object: &K) {
        let mut written = self.lock();
        written.retain(|_, written| written.at.elapsed() < LAG);
        written.insert(key(object), Written { object: Arc::new(object.clone()), at: Instant::now() });
    }

    /// What we have deleted.
    pub fn forget(&self, object: &K) {
        self.lock().remove(&key(object));
    }

    /// The newer of a watched copy and our own write.
    pub fn newest(&self, watched: Arc<K>) -> Arc<K> {
        let mut written = self.lock();
        let key = key(watched.as_ref());
        match written.get(&key) {
            Some(own) if own.at.elapsed() < LAG && is_newer(own.object.as_ref(), watched.as_ref()) => {
                own.object.clone()
            }
            Some(_) => {
                written.remove(&key);
                watched
            }
            None => watched,
        }
    }

    /// Our own writes that satisfy `wanted`, seen by the watches or not.
    pub fn find(&self, wanted: impl Fn(&K) -> bool) -> Vec<Arc<K>> {
        let written = self.lock();
        let recent = written.values().filter(|written| written.at.elapsed() < LAG);
        recent.filter(|written| wanted(&written.object)).map(|written| written.object.clone()).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), Written<K>>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key<K: Resource>(object: &K) -> (String, String) {
    (object.namespace().unwrap_or_default(), object.name_any())
}

/// Resource versions are comparable numbers (Kubernetes API concepts, *Resource versions*, since 1.35; in practice
/// always). One that is none is not newer: the watch will tell.
fn is_newer<K: Resource>(own: &K, watched: &K) -> bool {
    let version = |object: &K| object.resource_version().and_then(|version| version.parse::<u128>().ok());
    own.uid() == watched.uid() && version(own).zip(version(watched)).is_some_and(|(own, watched)| own > watched)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ConfigMap;

    fn object(uid: &str, version: &str) -> Arc<ConfigMap> {
        let mut object = ConfigMap::default();
        object.metadata.name = Some("shop".into());
        object.metadata.uid = Some(uid.into());
        object.metadata.resource_version = Some(version.into());
        Arc::new(object)
    }

    #[tokio::test(start_paused = true)]
    async fn our_write_counts_until_the_watch_shows_it_or_something_newer() {
        let own = Own::default();
        own.remember(object("a", "100").as_ref());
        assert_eq!(own.newest(object("a", "99")), object("a", "100"), "numbers, not text");
        assert_eq!(own.newest(object("b", "7")), object("b", "7"), "made anew under the same name");
        own.remember(object("a", "100").as_ref());
        assert_eq!(own.newest(object("a", "101")), object("a", "101"));
        assert!(own.find(|_| true).is_empty(), "what the watch has shown is forgotten");

        own.remember(object("a", "200").as_ref());
        tokio::time::advance(LAG).await;
        assert_eq!(own.newest(object("a", "150")), object("a", "150"), "it was deleted, or restored from a backup");
    }
}
