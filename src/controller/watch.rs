//! One watch per kind, each in a task of its own, feeding a store and waking reconcilers by name.
//!
//! Not kube's `Controller`: its triggers fire at each object of a relist while the store changes only at the
//! end, so an object created during the gap would never be reconciled. Here everything is woken once more when
//! the relist is complete. Back-off is per watch, and one unreadable object is logged, not fatal.

use std::{fmt::Debug, time::Duration};

use futures::{StreamExt, future::ready, stream::BoxStream};
use kube::{
    Api, Resource,
    core::{DeserializeGuard, PartialObjectMeta},
    runtime::{
        WatchStreamExt,
        reflector::ObjectRef,
        watcher::{self, Event},
    },
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tracing::warn;

use super::{
    metrics::Metrics,
    store::{Keys, Store},
};

/// Names of objects waiting to be reconciled. Unbounded, since a lost name is an object forgotten; names that
/// are already waiting are merged by the scheduler behind it.
pub type Queue<K> = UnboundedSender<Woken<K>>;

pub struct Woken<K: Resource> {
    pub name: ObjectRef<K>,
    pub turn: Turn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Something is half done.
    First,
    /// Nobody has looked at it yet: after a restart, before the thousands that rest.
    Next,
    /// Behind all that wait, and not before so much time has passed.
    Last(Duration),
}

impl<K: Resource> Woken<K> {
    pub fn first(name: ObjectRef<K>) -> Self {
        Self { name, turn: Turn::First }
    }

    pub fn next(name: ObjectRef<K>) -> Self {
        Self { name, turn: Turn::Next }
    }

    pub fn now(name: ObjectRef<K>) -> Self {
        Self { name, turn: Turn::Last(Duration::ZERO) }
    }
}

pub fn queue<K: Resource>() -> (Queue<K>, UnboundedReceiver<Woken<K>>) {
    unbounded_channel()
}

/// Objects in one answer to a list: a whole page is in memory several times over while it is read.
const PAGE: u32 = 100;

type Listener<K> = Box<dyn Fn(&K) + Send>;
type Events<K> = BoxStream<'static, Result<Event<K>, watcher::Error>>;

/// A watch being put together: who wants to hear of changed objects is said before it starts.
pub struct Watch<K>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    events: Events<K>,
    store: Store<K>,
    listeners: Vec<Listener<K>>,
    trim: fn(&mut K),
}

impl<K> Watch<PartialObjectMeta<K>>
where
    K: Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned + Debug + Send + Sync + 'static,
{
    /// Metadata alone leaves the API server, never the content.
    pub fn metadata(client: kube::Client, config: watcher::Config, keys: Keys<PartialObjectMeta<K>>) -> Self {
        let api = Api::<PartialObjectMeta<K>>::all(client);
        let events = watcher::watcher(api, config.page_size(PAGE)).default_backoff();
        Self::of(events.boxed(), keys)
    }
}

impl<K> Watch<K>
where
    K: Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned + Debug + Send + Sync + 'static,
{
    /// Whole objects; one that this version cannot read is logged and left out.
    pub fn new(client: kube::Client, keys: Keys<K>) -> Self {
        let config = watcher::Config::default().page_size(PAGE);
        let events = watcher::watcher(Api::<DeserializeGuard<K>>::all(client), config).default_backoff();
        let readable = events.filter_map(async |event| match event {
            Ok(event) => readable(event).map(Ok),
            Err(error) => Some(Err(error)),
        });
        Self::of(readable.boxed(), keys)
    }

    fn of(events: Events<K>, keys: Keys<K>) -> Self {
        Self { events, store: Store::new(keys), listeners: Vec::new(), trim: |_| {} }
    }

    /// Takes off each object what nobody looks at.
    pub fn trimmed(self, trim: fn(&mut K)) -> Self {
        Self { trim, ..self }
    }

    pub fn store(&self) -> Store<K> {
        self.store.clone()
    }

    /// Calls `listener` for every object that was added, changed or deleted, after the store knows it.
    pub fn on_change(&mut self, listener: impl Fn(&K) + Send + 'static) {
        self.listeners.push(Box::new(listener));
    }

    /// Runs for the life of the process.
    pub fn spawn(self, metrics: &Metrics) -> Store<K> {
        let Self { events, store, listeners, trim } = self;
        let meter = metrics.watch_meter(&K::kind(&()));
        let mut answered = events.filter_map(move |event| {
            let event = match event {
                Ok(mut event) => {
                    meter.event();
                    prune(&mut event, trim);
                    Some(event)
                }
                Err(error) => {
                    warn!(kind = %K::kind(&()), %error, "watch failed, starting again");
                    meter.error();
                    None
                }
            };
            ready(event)
        });
        let known = store.clone();
        tokio::spawn(async move {
            while let Some(event) = answered.next().await {
                let tell = |object: &K| listeners.iter().for_each(|listener| listener(object));
                let gone = known.apply(&event);
                match &event {
                    Event::Apply(object) | Event::Delete(object) => tell(object),
                    Event::InitDone => known.each().chain(gone).for_each(|object| tell(&object)),
                    Event::Init | Event::InitApply(_) => {}
                }
            }
        });
        store
    }
}

/// Managed fields are most of an object's memory, and nothing here looks at them.
fn prune<K: Resource>(event: &mut Event<K>, trim: fn(&mut K)) {
    if let Event::Apply(object) | Event::Delete(object) | Event::InitApply(object) = event {
        object.meta_mut().managed_fields = None;
        trim(object);
    }
}

pub(super) fn readable<K: Resource<DynamicType = ()>>(event: Event<DeserializeGuard<K>>) -> Option<Event<K>> {
    let open = |DeserializeGuard(object): DeserializeGuard<K>| {
        let report = |invalid: &kube::core::error_boundary::InvalidObject| {
            let meta = &invalid.metadata;
            let error = &invalid.error;
            warn!(kind = %K::kind(&()), namespace = meta.namespace, name = meta.name, error, "object cannot be read and is left alone");
        };
        object.inspect_err(report).ok()
    };
    match event {
        Event::Apply(object) => open(object).map(Event::Apply),
        Event::Delete(object) => open(object).map(Event::Delete),
        Event::InitApply(object) => open(object).map(Event::InitApply),
        Event::Init => Some(Event::Init),
        Event::InitDone => Some(Event::InitDone),
    }
}
