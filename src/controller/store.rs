//! What a watch has shown of one kind. Ten thousand objects of which one is looked at: they are kept packed, and
//! unpacked when somebody asks.
//!
//! An object is its JSON, compressed against that of another of its kind, which has the same field names and much of the
//! same text. The first one is that other, until one comes that says much more: mostly the first that is finished. One
//! whose JSON would not be read back stays as it is: what is missing here counts as deleted, and decisions are made by
//! that.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use kube::{
    Resource,
    runtime::{reflector::ObjectRef, watcher::Event},
};
use lz4_flex::block::{compress_prepend_size_with_dict, decompress_size_prepended_with_dict};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::watch;

/// Of one kind: the last is at least ten times as long as the first.
const MOST_SAMPLES: usize = 12;

/// What else an object is found by, within its namespace.
pub type Keys<K> = fn(&K) -> Vec<String>;

/// Read-only for all but its watch.
pub struct Store<K>(Arc<Shared<K>>);

struct Shared<K> {
    contents: RwLock<Contents<K>>,
    keys: Keys<K>,
    complete: watch::Sender<bool>,
}

/// `namespace/name`; without a namespace, nothing stands before the slash.
type Name = Box<str>;

enum Kept<K> {
    /// Against which sample.
    Packed(u8, Arc<[u8]>),
    Whole(Arc<K>),
}

struct Contents<K> {
    objects: HashMap<Name, Kept<K>>,
    /// Names by namespace and key: mostly one.
    index: HashMap<Name, Vec<Name>>,
    /// Of a list that has not ended yet.
    arriving: HashMap<Name, Kept<K>>,
    /// JSON of a few objects, each a good deal longer than the one before.
    samples: Arc<Vec<Vec<u8>>>,
}

impl<K> Clone for Kept<K> {
    fn clone(&self) -> Self {
        match self {
            Self::Packed(sample, bytes) => Self::Packed(*sample, bytes.clone()),
            Self::Whole(object) => Self::Whole(object.clone()),
        }
    }
}

impl<K> Clone for Store<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K> Store<K> {
    pub fn count(&self) -> usize {
        self.read().objects.len()
    }

    pub async fn wait_until_complete(&self) {
        // Cannot fail: the sender lives as long as `self`.
        let _ = self.0.complete.subscribe().wait_for(|complete| *complete).await;
    }

    fn read(&self) -> RwLockReadGuard<'_, Contents<K>> {
        self.0.contents.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Contents<K>> {
        self.0.contents.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Store<K>
where
    K: Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned,
{
    pub fn new(keys: Keys<K>) -> Self {
        let contents = RwLock::new(Contents {
            objects: HashMap::new(),
            index: HashMap::new(),
            arriving: HashMap::new(),
            samples: Arc::default(),
        });
        Self(Arc::new(Shared { contents, keys, complete: watch::Sender::new(false) }))
    }

    pub fn get(&self, name: &ObjectRef<K>) -> Option<Arc<K>> {
        let (samples, packed) = {
            let contents = self.read();
            (contents.samples.clone(), contents.objects.get(&named(name))?.clone())
        };
        packed.unpack(&samples)
    }

    pub fn has(&self, name: &ObjectRef<K>) -> bool {
        self.read().objects.contains_key(&named(name))
    }

    /// The objects of a namespace that are found by this key.
    pub fn of(&self, namespace: &str, key: &str) -> Vec<Arc<K>> {
        let (samples, found): (_, Vec<Kept<K>>) = {
            let contents = self.read();
            let Some(names) = contents.index.get(&place(namespace, key)) else { return Vec::new() };
            (contents.samples.clone(), names.iter().filter_map(|name| contents.objects.get(name).cloned()).collect())
        };
        found.iter().filter_map(|kept| kept.unpack(&samples)).collect()
    }

    /// All of them, one at a time.
    pub fn each(&self) -> impl Iterator<Item = Arc<K>> {
        let contents = self.read();
        let samples = contents.samples.clone();
        let all: Vec<Kept<K>> = contents.objects.values().cloned().collect();
        all.into_iter().filter_map(move |kept| kept.unpack(&samples))
    }

    pub fn state_filter(&self, wanted: impl Fn(&K) -> bool) -> Vec<Arc<K>> {
        self.each().filter(|object| wanted(object)).collect()
    }

    pub fn names(&self) -> Vec<ObjectRef<K>> {
        self.read().objects.keys().map(reference).collect()
    }

    /// Takes in what a watch tells. Returns what is gone at the end of a list, its deletion unseen.
    pub fn apply(&self, event: &Event<K>) -> Vec<Arc<K>> {
        match event {
            Event::Init => self.write().arriving = HashMap::new(),
            Event::InitApply(object) => {
                let mut contents = self.write();
                let kept = contents.pack(object);
                contents.arriving.insert(name(object), kept);
            }
            Event::InitDone => return self.replace(),
            Event::Apply(object) => {
                let before = self.get(&ObjectRef::from_obj(object));
                let mut contents = self.write();
                if let Some(before) = before {
                    contents.forget(before.as_ref(), self.0.keys);
                }
                let kept = contents.pack(object);
                contents.learn(object, kept, self.0.keys);
            }
            Event::Delete(object) => {
                let before = self.get(&ObjectRef::from_obj(object));
                self.write().forget(before.as_deref().unwrap_or(object), self.0.keys);
            }
        }
        Vec::new()
    }

    fn replace(&self) -> Vec<Arc<K>> {
        let mut contents = self.write();
        let mut gone = std::mem::take(&mut contents.objects);
        contents.index = HashMap::new();
        let samples = contents.samples.clone();
        for kept in std::mem::take(&mut contents.arriving).into_values() {
            if let Some(object) = kept.unpack(&samples) {
                contents.learn(object.as_ref(), kept, self.0.keys);
            }
        }
        gone.retain(|name, _| !contents.objects.contains_key(name));
        drop(contents);
        self.0.complete.send_replace(true);
        gone.values().filter_map(|kept| kept.unpack(&samples)).collect()
    }
}

impl<K: Clone + Serialize + DeserializeOwned> Contents<K> {
    fn pack(&mut self, object: &K) -> Kept<K> {
        let json = serde_json::to_vec(object).unwrap_or_default();
        if serde_json::from_slice::<K>(&json).is_err() {
            return Kept::Whole(Arc::new(object.clone()));
        }
        let says_more = self.samples.last().is_none_or(|last| json.len() > last.len() + last.len() / 4);
        if says_more && self.samples.len() < MOST_SAMPLES {
            Arc::make_mut(&mut self.samples).push(json.clone());
        }
        let newest = self.samples.len() - 1;
        let packed = compress_prepend_size_with_dict(&json, &self.samples[newest]);
        Kept::Packed(u8::try_from(newest).unwrap_or_default(), packed.into())
    }
}

impl<K: DeserializeOwned> Kept<K> {
    fn unpack(&self, samples: &[Vec<u8>]) -> Option<Arc<K>> {
        match self {
            Self::Packed(sample, bytes) => {
                let json = decompress_size_prepended_with_dict(bytes, samples.get(usize::from(*sample))?).ok()?;
                serde_json::from_slice(&json).ok().map(Arc::new)
            }
            Self::Whole(object) => Some(object.clone()),
        }
    }
}

impl<K: Resource> Contents<K> {
    fn learn(&mut self, object: &K, kept: Kept<K>, keys: Keys<K>) {
        let name = name(object);
        for key in keys(object) {
            let names = self.index.entry(place(namespace(object), &key)).or_default();
            if let Err(at) = names.binary_search(&name) {
                names.reserve_exact(1);
                names.insert(at, name.clone());
            }
        }
        self.objects.insert(name, kept);
    }

    fn forget(&mut self, object: &K, keys: Keys<K>) {
        let name = name(object);
        self.objects.remove(&name);
        for key in keys(object) {
            let place = place(namespace(object), &key);
            if let Some(names) = self.index.get_mut(&place) {
                if let Ok(found) = names.binary_search(&name) {
                    names.remove(found);
                }
                if names.is_empty() {
                    self.index.remove(&place);
                }
            }
        }
    }
}

fn namespace<K: Resource>(object: &K) -> &str {
    object.meta().namespace.as_deref().unwrap_or_default()
}

fn name<K: Resource>(object: &K) -> Name {
    place(namespace(object), object.meta().name.as_deref().unwrap_or_default())
}

fn named<K: Resource>(name: &ObjectRef<K>) -> Name {
    place(name.namespace.as_deref().unwrap_or_default(), &name.name)
}

fn place(namespace: &str, name: &str) -> Name {
    format!("{namespace}/{name}").into()
}

fn reference<K: Resource<DynamicType = ()>>(name: &Name) -> ObjectRef<K> {
    match name.split_once('/') {
        Some(("", name)) => ObjectRef::new(name),
        Some((namespace, name)) => ObjectRef::new(name).within(namespace),
        None => ObjectRef::new(name),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;

    use super::*;

    fn map(name: &str, key: &str) -> ConfigMap {
        let mut map = ConfigMap::default();
        map.metadata.name = Some(name.into());
        map.metadata.namespace = Some("shop".into());
        map.data = Some([("key".to_owned(), key.to_owned())].into());
        map
    }

    fn store() -> Store<ConfigMap> {
        Store::new(|map| map.data.iter().flat_map(|data| data.get("key").cloned()).collect())
    }

    fn reference(name: &str) -> ObjectRef<ConfigMap> {
        ObjectRef::new(name).within("shop")
    }

    #[test]
    fn what_is_told_is_found_by_name_and_key_as_it_was() {
        let store = store();
        for name in ["a", "b"] {
            assert!(store.apply(&Event::Apply(map(name, "x"))).is_empty());
        }
        assert_eq!(store.get(&reference("b")).as_deref(), Some(&map("b", "x")));
        assert_eq!(store.of("shop", "x").len(), 2);
        store.apply(&Event::Apply(map("b", "y")));
        assert_eq!(store.of("shop", "x"), [Arc::new(map("a", "x"))], "found by its new key alone");
        assert_eq!(store.of("shop", "y"), [Arc::new(map("b", "y"))]);
        assert!(store.of("other", "y").is_empty());
        store.apply(&Event::Delete(map("b", "y")));
        assert_eq!((store.get(&reference("b")), store.of("shop", "y")), (None, Vec::new()));
        assert_eq!((store.count(), store.each().count()), (1, 1));
    }

    #[test]
    fn a_list_replaces_everything_at_its_end_and_tells_what_is_gone() {
        let store = store();
        store.apply(&Event::Apply(map("gone", "x")));
        store.apply(&Event::Apply(map("changed", "x")));
        store.apply(&Event::Init);
        for object in [map("changed", "y"), map("new", "y")] {
            assert!(store.apply(&Event::InitApply(object)).is_empty());
            assert_eq!(store.of("shop", "x").len(), 2, "nothing changes before the end");
        }
        assert_eq!(store.apply(&Event::InitDone), [Arc::new(map("gone", "x"))]);
        assert_eq!((store.of("shop", "x").len(), store.of("shop", "y").len(), store.count()), (0, 2, 2));
    }

    /// Reads what it does not write.
    #[derive(Clone, Debug, serde::Deserialize)]
    #[serde(transparent)]
    struct OneWay(ConfigMap);

    impl Serialize for OneWay {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str("not an object")
        }
    }

    impl Resource for OneWay {
        type DynamicType = ();
        type Scope = kube::core::NamespaceResourceScope;
        fn kind((): &()) -> std::borrow::Cow<'_, str> {
            ConfigMap::kind(&())
        }
        fn group((): &()) -> std::borrow::Cow<'_, str> {
            ConfigMap::group(&())
        }
        fn version((): &()) -> std::borrow::Cow<'_, str> {
            ConfigMap::version(&())
        }
        fn plural((): &()) -> std::borrow::Cow<'_, str> {
            ConfigMap::plural(&())
        }
        fn meta(&self) -> &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
            self.0.meta()
        }
        fn meta_mut(&mut self) -> &mut k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
            self.0.meta_mut()
        }
    }

    #[test]
    fn what_would_not_be_read_back_is_kept_as_it_is() {
        let store = Store::<OneWay>::new(|_| vec!["x".to_owned()]);
        store.apply(&Event::Init);
        store.apply(&Event::InitApply(OneWay(map("a", "x"))));
        assert!(store.apply(&Event::InitDone).is_empty());
        store.apply(&Event::Apply(OneWay(map("b", "x"))));
        assert_eq!((store.of("shop", "x").len(), store.each().count(), store.count()), (2, 2, 2));
        store.apply(&Event::Delete(OneWay(map("b", "x"))));
        assert_eq!(store.of("shop", "x").len(), 1);
    }

    #[test]
    fn alike_objects_take_little_room() {
        let store = store();
        let mut object = map("a", &"the same long text ".repeat(100));
        store.apply(&Event::Apply(object.clone()));
        object.metadata.name = Some("b".into());
        store.apply(&Event::Apply(object));
        let size = |kept: &Kept<ConfigMap>| match kept {
            Kept::Packed(_, bytes) => bytes.len(),
            Kept::Whole(_) => usize::MAX,
        };
        let sizes: Vec<usize> = store.read().objects.values().map(size).collect();
        assert!(sizes.iter().all(|size| *size < 100), "{sizes:?} bytes");
    }

    #[test]
    fn what_is_finished_is_packed_against_another_that_is() {
        let store = store();
        let mut object = map("a", "x");
        let finished: Vec<String> = (0..40).map(|n| format!("a field that only comes in the end {n}")).collect();
        store.apply(&Event::Apply(object.clone()));
        for name in ["a", "b"] {
            object.metadata.name = Some(name.into());
            object.data.get_or_insert_default().insert("end".into(), finished.join(", "));
            store.apply(&Event::Apply(object.clone()));
            assert_eq!(store.get(&reference(name)).as_deref(), Some(&object));
        }
        store.apply(&Event::Apply(map("c", "y")));
        assert_eq!(
            store.get(&reference("c")).as_deref(),
            Some(&map("c", "y")),
            "what says less is packed all the same"
        );
        let contents = store.read();
        let sizes = contents.objects.values().map(|kept| match kept {
            Kept::Packed(_, bytes) => bytes.len(),
            Kept::Whole(_) => usize::MAX,
        });
        assert!(sizes.max().unwrap_or_default() < 200 && contents.samples.len() == 2);
    }
}
