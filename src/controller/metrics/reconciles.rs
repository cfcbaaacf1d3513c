//! What one reconciler and one watch count.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram};

use super::{
    Metrics,
    labels::{ControllerLabels, KindLabels, ReconcileLabels},
};
use crate::controller::{driver::Action, error::Error};

/// Namespace and name.
type Name = (Option<String>, String);

/// The reconciles of one controller.
pub struct Meter {
    controller: &'static str,
    results: Family<ReconcileLabels, Counter>,
    duration: Histogram,
    running: Gauge,
    queued: Gauge,
    /// A name that is woken twice waits once, as in the scheduler.
    waiting: Mutex<HashSet<Name>>,
}

impl Meter {
    pub(super) fn new(metrics: &Metrics, controller: &'static str) -> Self {
        let labels = ControllerLabels { controller };
        Self {
            controller,
            results: metrics.reconciles.clone(),
            duration: metrics.reconcile_duration.get_or_create_owned(&labels),
            running: metrics.running.get_or_create_owned(&labels),
            queued: metrics.queued.get_or_create_owned(&labels),
            waiting: Mutex::default(),
        }
    }

    /// An object changed, and its reconcile has not begun.
    pub fn woken(&self, name: Name) {
        let mut waiting = self.waiting();
        waiting.insert(name);
        self.count(&waiting);
    }

    /// Its reconcile begins, or it does not exist any more.
    pub fn taken(&self, name: &Name) {
        let mut waiting = self.waiting();
        waiting.remove(name);
        self.count(&waiting);
    }

    /// Counts one as running until dropped.
    pub fn begin(&self) -> Running {
        self.running.inc();
        Running(self.running.clone())
    }

    pub fn ended(&self, took: Duration, result: &Result<Action, Error>) {
        self.duration.observe(took.as_secs_f64());
        let labels = ReconcileLabels { controller: self.controller, result: word(result) };
        self.results.get_or_create(&labels).inc();
    }

    fn count(&self, waiting: &HashSet<Name>) {
        self.queued.set(i64::try_from(waiting.len()).unwrap_or(i64::MAX));
    }

    fn waiting(&self) -> MutexGuard<'_, HashSet<Name>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub struct Running(Gauge);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn word(result: &Result<Action, Error>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(Error::Conflict { .. }) => "conflict",
        Err(Error::Kube { .. } | Error::Silent { .. }) => "kube",
        Err(Error::Provider(_)) => "provider",
        Err(Error::Pki(_)) => "pki",
        Err(Error::Issuer(_)) => "issuer",
        Err(Error::NoLease) => "lease",
        Err(Error::Deadline) => "deadline",
        Err(Error::Panicked) => "panic",
    }
}

/// The watch of one kind.
pub struct WatchMeter {
    errors: Counter,
    last_event: Gauge,
}

impl WatchMeter {
    pub(super) fn new(metrics: &Metrics, kind: &str) -> Self {
        let labels = KindLabels { kind: kind.to_owned() };
        Self {
            errors: metrics.watch_errors.get_or_create_owned(&labels),
            last_event: metrics.watch_events.get_or_create_owned(&labels),
        }
    }

    pub fn event(&self) {
        self.last_event.set(Timestamp::now().as_second());
    }

    pub fn error(&self) {
        self.errors.inc();
    }
}
