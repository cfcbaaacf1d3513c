//! One watch per kind, each in a task of its own, feeding a store and waking reconcilers by name.
//!
//! Not kube's `Controller`: its triggers fire at each object of a relist while the store changes only at the
//! end, so an object created during the gap would never be reconciled. Here everything is woken once more when
//! the relist is complete. Back-off is per watch, and one unreadable object is logged, not fatal.

use std::{fmt::Debug, hash::Hash, sync::Arc};

use futures::StreamExt;
use kube::{
    Api, Resource,
    core::DeserializeGuard,
    runtime::{
        WatchStreamExt,
        reflector::{self, ObjectRef, Store},
        watcher::{self, Event},
    },
};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tracing::warn;

/// Names of objects waiting to be reconciled. Unbounded, since a lost name is an object forgotten; names that
/// are already waiting are merged by the scheduler behind it.
pub type Queue<K> = UnboundedSender<ObjectRef<K>>;

pub fn queue<K: Resource>() -> (Queue<K>, UnboundedReceiver<ObjectRef<K>>) {
    unbounded_channel()
}

type Listener<K> = Box<dyn Fn(&K) + Send>;

/// A watch being put together: who wants to hear of changed objects is said before it starts.
pub struct Watch<K>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    api: Api<DeserializeGuard<K>>,
    config: watcher::Config,
    store: Store<K>,
    writer: reflector::store::Writer<K>,
    listeners: Vec<Listener<K>>,
}

impl<K> Watch<K>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    pub fn new(client: kube::Client, config: watcher::Config) -> Self {
        let (store, writer) = reflector::store();
        Self { api: Api::all(client), config, store, writer, listeners: Vec::new() }
    }

    pub fn store(&self) -> Store<K> {
        self.store.clone()
    }

    /// Calls `listener` for every object that was added, changed or deleted, after the store knows it.
    pub fn on_change(&mut self, listener: impl Fn(&K) + Send + 'static) {
        self.listeners.push(Box::new(listener));
    }

    /// Runs for the life of the process.
    pub fn spawn(self) -> Store<K> {
        let Self { api, config, store, writer, listeners } = self;
        let readable = watcher::watcher(api, config).default_backoff().filter_map(async |event| match event {
            Ok(event) => readable(event).map(Ok),
            Err(error) => {
                warn!(kind = %K::kind(&()), %error, "watch failed, starting again");
                None::<Result<_, watcher::Error>>
            }
        });
        let mut events = reflector::reflector(writer, readable).boxed();
        let known = store.clone();
        tokio::spawn(async move {
            while let Some(Ok(event)) = events.next().await {
                let tell = |object: &K| listeners.iter().for_each(|listener| listener(object));
                match &event {
                    Event::Apply(object) | Event::Delete(object) => tell(object),
                    Event::InitDone => known.state().iter().for_each(|object: &Arc<K>| tell(object)),
                    Event::Init | Event::InitApply(_) => {}
                }
            }
        });
        store
    }
}

/// Drops objects that this version cannot read, and the managed fields, which nothing here looks at and which
/// would be most of the memory.
fn readable<K: Resource<DynamicType = ()>>(event: Event<DeserializeGuard<K>>) -> Option<Event<K>> {
    let open = |DeserializeGuard(object): DeserializeGuard<K>| match object {
        Ok(mut object) => {
            object.meta_mut().managed_fields = None;
            Some(object)
        }
        Err(invalid) => {
            let meta = &invalid.metadata;
            warn!(kind = %K::kind(&()), namespace = meta.namespace, name = meta.name, error = invalid.error, "object cannot be read and is left alone");
            None
        }
    };
    match event {
        Event::Apply(object) => open(object).map(Event::Apply),
        Event::Delete(object) => open(object).map(Event::Delete),
        Event::InitApply(object) => open(object).map(Event::InitApply),
        Event::Init => Some(Event::Init),
        Event::InitDone => Some(Event::InitDone),
    }
}
