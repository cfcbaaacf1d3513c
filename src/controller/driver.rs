//! What every reconciler shares: one run at a time per object, a deadline, back-off by uid, and a panic that
//! stops one reconcile and nothing else.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{FutureExt, TryFutureExt};
use kube::{Resource, runtime::reflector::ObjectRef};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use tracing::{Instrument, debug, info_span, warn};

use super::{
    error::Error,
    failures::Failures,
    metrics::{Meter, Metrics},
    schedule::Schedule,
    store::Store,
    watch::{Turn, Woken},
};

/// At most this many effects in one reconcile; what is left goes on in the next.
pub const MAX_STEPS: usize = 24;

/// Longer than any one provider call with its recording, so that a deadline never cuts one short.
const DEADLINE: Duration = Duration::from_secs(300);

#[async_trait]
pub trait Reconciler<K>: Send + Sync + 'static {
    /// For logs and metrics.
    const NAME: &'static str;

    async fn reconcile(&self, object: Arc<K>) -> Result<Action, Error>;
}

/// When an object is to be looked at again: after a time, or when it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action(Option<Duration>);

impl Action {
    pub fn requeue(after: Duration) -> Self {
        Self(Some(after))
    }

    pub fn await_change() -> Self {
        Self(None)
    }
}

/// Reconciles what arrives in `queue` until `stop` resolves; runs that have begun are finished.
pub async fn drive<K, R>(
    reconciler: Arc<R>,
    store: Store<K>,
    queue: UnboundedReceiver<Woken<K>>,
    concurrency: u16,
    metrics: &Metrics,
    stop: impl Future<Output = ()> + Send + 'static,
) where
    K: Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Reconciler<K>,
{
    let runs = Runs { reconciler, failures: Failures::default(), meter: metrics.meter(R::NAME) };
    work(Arc::new(runs), store, queue, concurrency, stop).await;
}

async fn work<K, R>(
    runs: Arc<Runs<R>>,
    store: Store<K>,
    mut queue: UnboundedReceiver<Woken<K>>,
    concurrency: u16,
    stop: impl Future<Output = ()> + Send + 'static,
) where
    K: Resource<DynamicType = ()> + Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Reconciler<K>,
{
    let mut schedule = Schedule::<(Option<String>, String)>::default();
    let mut running = JoinSet::new();
    // Nothing is due before it.
    let begun = Instant::now();
    tokio::pin!(stop);
    loop {
        let due = schedule.next().filter(|_| running.len() < usize::from(concurrency));
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(ended) = running.join_next() => {
                // A run that panicked is a result like any other.
                let Ok((name, Action(again))): Result<(_, Action), _> = ended else { continue };
                schedule.ended(&name);
                if let Some(after) = again {
                    schedule.add(name.as_ref().clone(), Instant::now() + after);
                }
            }
            Some(Woken { name, turn }) = queue.recv() => {
                let name = (name.namespace, name.name);
                runs.meter.woken(name.clone());
                let due = match turn {
                    Turn::First => begun,
                    Turn::Next => begun + Duration::from_nanos(1),
                    Turn::Last(after) => Instant::now() + after,
                };
                schedule.add(name, due);
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                let Some(name) = schedule.take(Instant::now()) else { continue };
                let mut reference = ObjectRef::new(&name.1);
                reference.namespace.clone_from(&name.0);
                match store.get(&reference) {
                    Some(object) => drop(running.spawn(begin(name, object, runs.clone()))),
                    // An object that is gone by the time its turn comes is the normal end of a deletion.
                    None => {
                        runs.meter.taken(&name);
                        runs.failures.forget(&name);
                        schedule.ended(&name);
                    }
                }
            }
        }
    }
    while running.join_next().await.is_some() {}
}

async fn begin<N, K, R>(name: N, object: Arc<K>, runs: Arc<Runs<R>>) -> (N, Action)
where
    K: Resource<DynamicType = ()> + Send + Sync + 'static,
    R: Reconciler<K>,
{
    let ended = tokio::spawn(run(object.clone(), runs.clone())).await;
    let result = ended.unwrap_or(Err(Error::Panicked));
    let action = result.unwrap_or_else(|error| runs.back_off(object.as_ref(), &error));
    (name, action)
}

struct Runs<R> {
    reconciler: Arc<R>,
    failures: Failures,
    meter: Meter,
}

async fn run<K, R>(object: Arc<K>, runs: Arc<Runs<R>>) -> Result<Action, Error>
where
    K: Resource<DynamicType = ()> + Send + Sync + 'static,
    R: Reconciler<K>,
{
    let meta = object.meta();
    let name = (meta.namespace.clone(), meta.name.clone().unwrap_or_default());
    runs.meter.taken(&name);
    let _running = runs.meter.begin();
    let started = Instant::now();
    let span = info_span!("reconcile", controller = R::NAME, namespace = meta.namespace, name = meta.name);
    let reconcile =
        timeout(DEADLINE, runs.reconciler.reconcile(object)).unwrap_or_else(|_| Err(Error::Deadline)).instrument(span);
    let result = AssertUnwindSafe(reconcile).catch_unwind().await.unwrap_or(Err(Error::Panicked));
    runs.meter.ended(started.elapsed(), &result);
    if result.is_ok() {
        runs.failures.forget(&name);
    }
    result
}

impl<R> Runs<R> {
    fn back_off<K: Resource<DynamicType = ()>>(&self, object: &K, error: &Error) -> Action
    where
        R: Reconciler<K>,
    {
        let meta = object.meta();
        let name = (meta.namespace.clone(), meta.name.clone().unwrap_or_default());
        let delay = self.failures.another(&name, meta.uid.as_deref().unwrap_or_default());
        match error {
            // Somebody else wrote first: the ordinary way of things, look again.
            Error::Conflict { .. } => debug!(controller = R::NAME, name = meta.name, %error, "observing again"),
            _ => {
                warn!(controller = R::NAME, namespace = meta.namespace, name = meta.name, error = %report(error), ?delay, "reconcile failed")
            }
        }
        Action::requeue(delay)
    }
}

/// An error with all its causes, on one line.
fn report(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::runtime::watcher::Event;
    use tokio::sync::oneshot;

    use super::*;
    use crate::controller::watch::queue;

    struct Failing(Store<ConfigMap>);

    #[async_trait]
    impl Reconciler<ConfigMap> for Failing {
        const NAME: &'static str = "failing";

        /// Somebody deletes the object meanwhile.
        async fn reconcile(&self, object: Arc<ConfigMap>) -> Result<Action, Error> {
            self.0.apply(&Event::Delete(object.as_ref().clone()));
            Err(Error::Deadline)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_kept_of_what_was_deleted_while_it_failed() {
        let mut registry = prometheus_client::registry::Registry::default();
        let metrics = Metrics::register(&mut registry);
        let store = Store::new(|_| Vec::new());
        let runs = Runs {
            reconciler: Arc::new(Failing(store.clone())),
            failures: Failures::default(),
            meter: metrics.meter(Failing::NAME),
        };
        let runs = Arc::new(runs);
        let (names, queue) = queue();
        let (stop, stopped) = oneshot::channel::<()>();
        let driven = tokio::spawn(work(runs.clone(), store.clone(), queue, 1, async move { drop(stopped.await) }));
        for n in 0..3 {
            let mut object = ConfigMap::default();
            object.metadata.name = Some(n.to_string());
            object.metadata.uid = Some(n.to_string());
            store.apply(&Event::Apply(object.clone()));
            names.send(Woken::now(ObjectRef::from_obj(&object))).expect("it is read");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(runs.failures.count(), 3, "each is to be tried again");
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(runs.failures.count(), 0);
        drop(stop);
        driven.await.expect("no panic");
    }

    struct Listing(std::sync::Mutex<Vec<String>>);

    #[async_trait]
    impl Reconciler<ConfigMap> for Listing {
        const NAME: &'static str = "listing";

        async fn reconcile(&self, object: Arc<ConfigMap>) -> Result<Action, Error> {
            self.0.lock().expect("no panic").extend(object.metadata.name.clone());
            Ok(Action::await_change())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_half_done_goes_first_and_what_is_new_before_what_rests() {
        let mut registry = prometheus_client::registry::Registry::default();
        let metrics = Metrics::register(&mut registry);
        let store = Store::new(|_| Vec::new());
        let listing = Arc::new(Listing(std::sync::Mutex::default()));
        let (names, queue) = queue();
        let wake = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            for (name, turn) in [("a", Turn::Last(Duration::ZERO)), ("b", Turn::Next), ("c", Turn::First)] {
                let mut object = ConfigMap::default();
                object.metadata.name = Some(name.to_owned());
                store.apply(&Event::Apply(object.clone()));
                names.send(Woken { name: ObjectRef::from_obj(&object), turn }).expect("it is read");
            }
        };
        let stop = tokio::time::sleep(Duration::from_secs(1));
        tokio::join!(drive(listing.clone(), store.clone(), queue, 1, &metrics, stop), wake);
        assert_eq!(*listing.0.lock().expect("no panic"), ["c", "b", "a"]);
    }
}
