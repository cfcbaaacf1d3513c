//! Asks each account what has changed there, once for everything that is pending on it, and wakes what is named.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use kube::{Resource, ResourceExt, runtime::reflector::ObjectRef};
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use super::{
    any_issuer::AnyIssuer,
    context::Context,
    watch::{Queue, Woken},
};
use crate::{
    api::{Issuance, issuer::IssuerRef},
    lifecycle::{backoff, polling},
    provider::{CallError, Changed, ChangedTo, Provider},
};

/// How often it is looked at what is pending.
const TICK: Duration = Duration::from_secs(1);
/// The same at accounts where nothing is.
const REST: Duration = Duration::from_secs(10);
/// How long an answer counts: longer than until the next call while something is pending.
const COUNTS: Duration = Duration::from_secs(400);
/// Calls in a row that may fail before what is pending is looked at one by one again.
const FAILURES: u32 = 2;

/// What is pending, and which accounts answer for all that is pending on them.
#[derive(Default)]
pub struct Changes {
    /// By uid of the Issuance.
    waiting: Mutex<HashMap<String, Waiting>>,
    /// By uid of the issuer.
    accounts: Mutex<HashMap<String, Arc<Account>>>,
}

/// An Issuance that waits for the provider.
#[derive(Clone)]
struct Waiting {
    name: ObjectRef<Issuance>,
    issuer: IssuerRef,
    order: String,
    /// When anything has happened to it last.
    last: Timestamp,
}

/// One credential.
struct Account {
    credential: String,
    state: Mutex<State>,
}

struct State {
    /// On the clock of the world, when the last call that was answered began.
    last: Option<Timestamp>,
    called: Option<Instant>,
    answered: Option<Instant>,
    /// A call is under way.
    busy: bool,
    failures: u32,
    /// Orders the last answer named.
    named: HashMap<String, ChangedTo>,
}

/// What is pending on one account.
struct Pending {
    provider: Arc<dyn Provider>,
    orders: BTreeMap<String, Vec<ObjectRef<Issuance>>>,
    /// When anything has happened last to any of them.
    youngest: Option<Timestamp>,
}

impl Changes {
    /// Each look at an Issuance says whether it waits.
    pub fn note(&self, issuance: &Issuance) {
        let uid = issuance.uid().unwrap_or_default();
        let waits = issuance.status.as_ref().and_then(polling::waits_for);
        let waits = waits.filter(|_| issuance.metadata.deletion_timestamp.is_none());
        match waits {
            None => drop(self.waiting().remove(&uid)),
            Some((order, last)) => {
                let (name, issuer) = (ObjectRef::from_obj(issuance), issuance.spec.issuer_ref.clone());
                self.waiting().insert(uid, Waiting { name, issuer, order: order.to_owned(), last });
            }
        }
    }

    pub fn count(&self) -> usize {
        self.waiting().len()
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the account of an issuer answers, so that what is pending there is named when it changes.
    pub fn tell(&self, issuer: &str) -> bool {
        self.account(issuer).is_some_and(|account| {
            let state = account.state();
            state.failures < FAILURES && state.answered.is_some_and(|answered| answered.elapsed() < COUNTS)
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
        let state = State { last: None, called: None, answered: None, busy: false, failures: 0, named: HashMap::new() };
        Self { credential: credential.to_owned(), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_due(&self, pause: Duration) -> bool {
        let state = self.state();
        let pause = match state.failures {
            0 => pause,
            failures => pause.max(backoff::poll(failures, &self.credential)),
        };
        !state.busy && state.called.is_none_or(|called| called.elapsed() >= pause)
    }
}

/// Runs for the life of the process.
pub async fn follow(context: Arc<Context>, queue: Queue<Issuance>) {
    let mut rested = Instant::now();
    loop {
        sleep(TICK).await;
        let rests = rested.elapsed() >= REST.min(context.revocations.period);
        if rests {
            rested = Instant::now();
            context.changes.waiting().retain(|_, waiting| context.stores.issuances.has(&waiting.name));
        }
        for (account, pending) in due(&context, rests).await {
            account.begin();
            tokio::spawn(ask(context.clone(), queue.clone(), account, pending));
        }
    }
}

/// Accounts whose turn it is, with what is pending on them. Where nothing is, they tell what others have done.
async fn due(context: &Context, rests: bool) -> Vec<(Arc<Account>, Pending)> {
    let mut by_issuer = by_issuer(context);
    if rests && context.revocations.any() {
        for issuer in context.stores.every_issuer() {
            by_issuer.entry(issuer.uid.clone()).or_insert_with(|| (issuer, Vec::new()));
        }
    }
    let mut accounts: HashMap<String, (Arc<Account>, Pending)> = HashMap::new();
    for (uid, (issuer, waiting)) in by_issuer {
        let known = context.changes.account(&uid).filter(|_| waiting.is_empty());
        if known.is_some_and(|account| !account.is_due(context.revocations.period)) {
            continue;
        }
        let Ok(Ok(provider)) = context.accounts.provider(&issuer).await else { continue };
        let account = context.changes.assign(&uid, provider.credential());
        let (_, pending) = accounts
            .entry(account.credential.clone())
            .or_insert_with(|| (account, Pending { provider, orders: BTreeMap::new(), youngest: None }));
        for Waiting { name, order, last, .. } in waiting {
            pending.youngest = pending.youngest.max(Some(last));
            pending.orders.entry(order).or_default().push(name);
        }
    }
    accounts.into_values().filter(|(account, pending)| account.is_due(pending.pause(context))).collect()
}

/// What waits, by uid of the issuer.
fn by_issuer(context: &Context) -> HashMap<String, (AnyIssuer, Vec<Waiting>)> {
    let mut by_reference: HashMap<(String, IssuerRef), Vec<Waiting>> = HashMap::new();
    for waiting in context.changes.waiting().values().cloned() {
        let namespace = waiting.name.namespace.clone().unwrap_or_default();
        by_reference.entry((namespace, waiting.issuer.clone())).or_default().push(waiting);
    }
    let mut by_issuer: HashMap<String, (AnyIssuer, Vec<Waiting>)> = HashMap::new();
    for ((namespace, reference), waiting) in by_reference {
        if let Some(issuer) = context.stores.issuer(&reference, &namespace) {
            by_issuer.entry(issuer.uid.clone()).or_insert_with(|| (issuer, Vec::new())).1.extend(waiting);
        }
    }
    by_issuer
}

async fn ask(context: Arc<Context>, queue: Queue<Issuance>, account: Arc<Account>, pending: Pending) {
    let begun = context.clock.now();
    let window = polling::window(account.state().last, begun);
    let answer = pending.provider.changes(window.length).await;
    let woken = match answer {
        Ok(None) => {
            account.state().busy = false;
            Vec::new()
        }
        Ok(Some(changed)) => {
            if let Ok(length) = SignedDuration::try_from(window.length) {
                let orders = changed.iter().filter(|change| change.to == ChangedTo::Settled);
                let orders = orders.map(|change| change.order_id.clone()).collect();
                context.revocations.changed(&orders, begun.saturating_sub(length).unwrap_or(Timestamp::MIN));
            }
            let named = pending.named(changed);
            let before = account.answered(begun, &named);
            match window.whole {
                true => pending.news(&context, &named, &before),
                false => pending.everything(&context),
            }
        }
        Err(error) => match account.failed(&error) {
            true => pending.all(),
            false => Vec::new(),
        },
    };
    debug!(pending = pending.orders.len(), woken = woken.len(), "an account was asked what has changed");
    for name in woken {
        let _ = queue.send(Woken::first(name));
    }
}

impl Account {
    fn begin(&self) {
        let mut state = self.state();
        state.busy = true;
        state.called = Some(Instant::now());
    }

    /// Returns what the answer before named.
    fn answered(&self, begun: Timestamp, named: &HashMap<String, ChangedTo>) -> HashMap<String, ChangedTo> {
        let mut state = self.state();
        state.last = Some(begun);
        state.answered = Some(Instant::now());
        state.failures = 0;
        state.busy = false;
        std::mem::replace(&mut state.named, named.clone())
    }

    /// Whether it does not answer any more.
    fn failed(&self, error: &CallError) -> bool {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        state.busy = false;
        if state.failures == FAILURES {
            warn!(%error, "an account does not tell what has changed: what is pending is looked at one by one");
        }
        state.failures == FAILURES
    }
}

impl Pending {
    fn pause(&self, context: &Context) -> Duration {
        match self.youngest {
            Some(last) => polling::period(polling::age(last, context.machine_now())),
            None => context.revocations.period,
        }
    }

    fn named(&self, changed: Vec<Changed>) -> HashMap<String, ChangedTo> {
        let ours = changed.into_iter().filter(|change| self.orders.contains_key(&change.order_id));
        ours.map(|change| (change.order_id, change.to)).collect()
    }

    fn news(
        &self,
        context: &Context,
        named: &HashMap<String, ChangedTo>,
        before: &HashMap<String, ChangedTo>,
    ) -> Vec<ObjectRef<Issuance>> {
        let mut woken = Vec::new();
        for (order, to) in named {
            for name in self.orders.get(order).into_iter().flatten() {
                let Some(issuance) = context.stores.issuances.get(name) else { continue };
                if issuance.status.as_ref().is_none_or(|status| polling::is_news(status, *to)) {
                    let uid = issuance.meta().uid.as_deref().unwrap_or_default();
                    context.paces.named(uid, before.get(order) != Some(to));
                    woken.push(name.clone());
                }
            }
        }
        woken
    }

    /// Something may have been missed.
    fn everything(&self, context: &Context) -> Vec<ObjectRef<Issuance>> {
        for (uid, waiting) in context.changes.waiting().iter() {
            if self.orders.contains_key(&waiting.order) {
                context.paces.named(uid, true);
            }
        }
        self.all()
    }

    fn all(&self) -> Vec<ObjectRef<Issuance>> {
        self.orders.values().flatten().cloned().collect()
    }
}
