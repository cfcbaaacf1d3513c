//! Asks each account what has changed there, once for everything that is pending on it, and wakes what is named.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use kube::{Resource, ResourceExt, runtime::reflector::ObjectRef};
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use super::{
    any_issuer::AnyIssuer,
    context::Context,
    watch::{Queue, Woken},
};
use crate::{
    api::Issuance,
    lifecycle::{backoff, polling},
    provider::{CallError, Changed, ChangedTo, Provider},
};

/// How often it is looked at what is pending.
const TICK: Duration = Duration::from_secs(1);
/// How much longer than until its next call an answer counts.
const PATIENCE: Duration = Duration::from_secs(90);
/// Calls in a row that may fail before what is pending is looked at one by one again.
const FAILURES: u32 = 2;

/// Which accounts answer for all that is pending on them.
#[derive(Default)]
pub struct Changes {
    /// By uid of the issuer.
    accounts: Mutex<HashMap<String, Arc<Account>>>,
}

/// One credential.
struct Account {
    credential: String,
    state: Mutex<State>,
}

struct State {
    /// On the clock of the world, when the last call that was answered began.
    last: Option<Timestamp>,
    next: Instant,
    /// A call is under way.
    busy: bool,
    failures: u32,
    /// Orders the last answer named.
    named: HashMap<String, ChangedTo>,
}

/// What is pending on one account.
struct Pending {
    provider: Arc<dyn Provider>,
    orders: BTreeMap<String, Vec<Arc<Issuance>>>,
    /// When anything has happened last to any of them.
    youngest: Timestamp,
}

impl Changes {
    /// Whether the account of an issuer answers, so that what is pending there is named when it changes.
    pub fn tell(&self, issuer: &str) -> bool {
        self.account(issuer).is_some_and(|account| {
            let state = account.state();
            state.last.is_some() && state.failures < FAILURES && Instant::now() < state.next + PATIENCE
        })
    }

    fn account(&self, issuer: &str) -> Option<Arc<Account>> {
        self.accounts().get(issuer).cloned()
    }

    /// Issuers with one credential have one account.
    fn assign(&self, issuer: &str, credential: &str) -> Arc<Account> {
        let mut accounts = self.accounts();
        let known = accounts.values().find(|account| account.credential == credential).cloned();
        let account = known.unwrap_or_else(|| Arc::new(Account::new(credential)));
        accounts.insert(issuer.to_owned(), account.clone());
        account
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<String, Arc<Account>>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    fn new(credential: &str) -> Self {
        let state = State { last: None, next: Instant::now(), busy: false, failures: 0, named: HashMap::new() };
        Self { credential: credential.to_owned(), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_due(&self) -> bool {
        let state = self.state();
        !state.busy && state.next <= Instant::now()
    }
}

/// Runs for the life of the process.
pub async fn follow(context: Arc<Context>, queue: Queue<Issuance>) {
    loop {
        sleep(TICK).await;
        for (account, pending) in due(&context).await {
            account.state().busy = true;
            tokio::spawn(ask(context.clone(), queue.clone(), account, pending));
        }
    }
}

/// Accounts whose turn it is, with what is pending on them.
async fn due(context: &Context) -> Vec<(Arc<Account>, Pending)> {
    let waiting = context
        .stores
        .issuances
        .state_filter(|issuance| issuance.metadata.deletion_timestamp.is_none() && waits_for(issuance).is_some());
    let mut by_issuer: HashMap<String, (AnyIssuer, Vec<Arc<Issuance>>)> = HashMap::new();
    for issuance in waiting {
        let namespace = issuance.namespace().unwrap_or_default();
        if let Some(issuer) = context.stores.issuer(&issuance.spec.issuer_ref, &namespace) {
            by_issuer.entry(issuer.uid.clone()).or_insert_with(|| (issuer, Vec::new())).1.push(issuance);
        }
    }
    let mut due: HashMap<String, (Arc<Account>, Pending)> = HashMap::new();
    for (uid, (issuer, issuances)) in by_issuer {
        if context.changes.account(&uid).is_some_and(|account| !account.is_due()) {
            continue;
        }
        let Ok(Ok(provider)) = context.accounts.provider(&issuer).await else { continue };
        let account = context.changes.assign(&uid, provider.credential());
        if !account.is_due() {
            continue;
        }
        let (_, pending) = due
            .entry(account.credential.clone())
            .or_insert_with(|| (account, Pending { provider, orders: BTreeMap::new(), youngest: Timestamp::MIN }));
        for issuance in issuances {
            let Some((order, last)) = waits_for(&issuance) else { continue };
            pending.youngest = pending.youngest.max(last);
            pending.orders.entry(order).or_default().push(issuance);
        }
    }
    due.into_values().collect()
}

fn waits_for(issuance: &Issuance) -> Option<(String, Timestamp)> {
    let (order, last) = polling::waits_for(issuance.status.as_ref()?)?;
    Some((order.to_owned(), last))
}

async fn ask(context: Arc<Context>, queue: Queue<Issuance>, account: Arc<Account>, pending: Pending) {
    let begun = context.clock.now();
    let window = polling::window(account.state().last, begun);
    let answer = pending.provider.changes(window.length).await;
    let pause = polling::period(polling::age(pending.youngest, context.machine_now()));
    let woken = match answer {
        Ok(changed) => {
            let named = pending.named(changed);
            let before = account.answered(begun, pause, &named);
            match window.whole {
                true => pending.news(&context, &named, &before),
                false => pending.everything(&context),
            }
        }
        Err(error) => match account.failed(pause, &error) {
            true => pending.all(),
            false => Vec::new(),
        },
    };
    debug!(pending = pending.orders.len(), woken = woken.len(), "an account was asked what has changed");
    for issuance in woken {
        let _ = queue.send(Woken { name: ObjectRef::from_obj(issuance.as_ref()), first: true });
    }
}

impl Account {
    /// Returns what the answer before named.
    fn answered(
        &self,
        begun: Timestamp,
        pause: Duration,
        named: &HashMap<String, ChangedTo>,
    ) -> HashMap<String, ChangedTo> {
        let mut state = self.state();
        state.last = Some(begun);
        state.failures = 0;
        state.next = Instant::now() + pause;
        state.busy = false;
        std::mem::replace(&mut state.named, named.clone())
    }

    /// Whether it does not answer any more.
    fn failed(&self, pause: Duration, error: &CallError) -> bool {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        state.next = Instant::now() + pause.max(backoff::poll(state.failures, &self.credential));
        state.busy = false;
        if state.failures == FAILURES {
            warn!(%error, "an account does not tell what has changed: what is pending is looked at one by one");
        }
        state.failures == FAILURES
    }
}

impl Pending {
    fn named(&self, changed: Vec<Changed>) -> HashMap<String, ChangedTo> {
        let ours = changed.into_iter().filter(|change| self.orders.contains_key(&change.order_id));
        ours.map(|change| (change.order_id, change.to)).collect()
    }

    fn news(
        &self,
        context: &Context,
        named: &HashMap<String, ChangedTo>,
        before: &HashMap<String, ChangedTo>,
    ) -> Vec<Arc<Issuance>> {
        let mut woken = Vec::new();
        for (order, to) in named {
            for issuance in self.orders.get(order).into_iter().flatten() {
                if issuance.status.as_ref().is_some_and(|status| polling::is_news(status, *to)) {
                    let uid = issuance.meta().uid.as_deref().unwrap_or_default();
                    context.paces.named(uid, before.get(order) != Some(to));
                    woken.push(issuance.clone());
                }
            }
        }
        woken
    }

    /// Something may have been missed.
    fn everything(&self, context: &Context) -> Vec<Arc<Issuance>> {
        let all = self.all();
        for issuance in &all {
            context.paces.named(issuance.meta().uid.as_deref().unwrap_or_default(), true);
        }
        all
    }

    fn all(&self) -> Vec<Arc<Issuance>> {
        self.orders.values().flatten().cloned().collect()
    }
}
