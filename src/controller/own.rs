//! Our own writes, kept until the watches have shown them: nothing is decided on a copy older than what we wrote.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kube::{Resource, ResourceExt, runtime::reflector::ObjectRef};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;

use super::store::Store;

/// By then a watch has shown a write, or the object's deletion.
const LAG: Duration = Duration::from_secs(30);

pub struct Own<K> {
    /// By namespace and name.
    written: Mutex<HashMap<(String, String), Written<K>>>,
    /// What the watch has shown.
    store: Store<K>,
}

struct Written<K> {
    object: Arc<K>,
    at: Instant,
}

impl<K: Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned> Own<K> {
    pub fn new(store: Store<K>) -> Self {
        Self { written: Mutex::default(), store }
    }

    /// Remembers what the API server has stored for us.
    pub fn remember(&self, object: &K) {
        let written = Written { object: Arc::new(object.clone()), at: Instant::now() };
        {
            let mut all = self.lock();
            all.retain(|_, written| written.at.elapsed() < LAG);
            all.insert(key(object), written);
        }
        // The watch may have been faster than the answer.
        if let Some(watched) = self.store.get(&ObjectRef::from_obj(object)) {
            self.shown(watched.as_ref());
        }
    }

    /// What we have deleted.
    pub fn forget(&self, object: &K) {
        self.lock().remove(&key(object));
    }

    /// The watch shows this by now, and so does its store.
    pub fn shown(&self, watched: &K) {
        let mut written = self.lock();
        let key = key(watched);
        if written.get(&key).is_some_and(|own| !is_newer(own.object.as_ref(), watched)) {
            written.remove(&key);
        }
    }

    /// The newest of a copy read before, the watched one and our own write.
    pub fn newest(&self, known: Arc<K>) -> Arc<K> {
        // In this order: what is forgotten here has been shown there before.
        let own = self.recent(&key(known.as_ref()));
        let watched = self.store.get(&ObjectRef::from_obj(known.as_ref())).unwrap_or(known);
        own.filter(|own| is_newer(own.as_ref(), watched.as_ref())).unwrap_or(watched)
    }

    /// Our own writes that satisfy `wanted` and may not have been shown. To be asked before the store.
    pub fn find(&self, wanted: impl Fn(&K) -> bool) -> Vec<Arc<K>> {
        let written = self.lock();
        let recent = written.values().filter(|written| written.at.elapsed() < LAG);
        recent.filter(|written| wanted(&written.object)).map(|written| written.object.clone()).collect()
    }

    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn recent(&self, key: &(String, String)) -> Option<Arc<K>> {
        let written = self.lock();
        let own = written.get(key).filter(|own| own.at.elapsed() < LAG)?;
        Some(own.object.clone())
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
pub fn is_newer<K: Resource>(own: &K, watched: &K) -> bool {
    let version = |object: &K| object.resource_version().and_then(|version| version.parse::<u128>().ok());
    own.uid() == watched.uid() && version(own).zip(version(watched)).is_some_and(|(own, watched)| own > watched)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::runtime::watcher::Event;

    fn object(uid: &str, version: &str) -> Arc<ConfigMap> {
        let mut object = ConfigMap::default();
        object.metadata.name = Some("shop".into());
        object.metadata.uid = Some(uid.into());
        object.metadata.resource_version = Some(version.into());
        Arc::new(object)
    }

    fn watched(store: &Store<ConfigMap>, version: &str) -> Arc<ConfigMap> {
        let watched = object("a", version);
        store.apply(&Event::Apply(watched.as_ref().clone()));
        watched
    }

    #[tokio::test(start_paused = true)]
    async fn our_write_counts_until_the_watch_shows_it_or_something_newer() {
        let store = Store::new(|_| Vec::new());
        let own = Own::new(store.clone());
        let newest = |version| own.newest(object("a", version));
        own.remember(object("a", "100").as_ref());
        assert_eq!(own.find(|_| true), [object("a", "100")]);
        assert_eq!(newest("90"), object("a", "100"), "numbers, not text; not shown yet");
        own.shown(watched(&store, "99").as_ref());
        assert_eq!(newest("90"), object("a", "100"));
        own.shown(watched(&store, "101").as_ref());
        assert!(own.find(|_| true).is_empty(), "what the watch has shown is forgotten");
        assert_eq!(newest("90"), object("a", "101"), "also what was read before");
        own.remember(object("a", "101").as_ref());
        assert!(own.find(|_| true).is_empty(), "the watch was faster than the answer");

        own.remember(object("b", "200").as_ref());
        assert_eq!(newest("90"), object("a", "101"), "made anew under the same name");
        own.remember(object("a", "200").as_ref());
        tokio::time::advance(LAG).await;
        watched(&store, "150");
        assert_eq!(newest("90"), object("a", "150"), "it was deleted, or restored from a backup");
    }
}
