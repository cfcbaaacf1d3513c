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
    api::Issuance,
    lifecycle::{backoff, polling},
    provider::{CallError, Changed, ChangedTo, Provider},
};

/// How often it is looked at what is pending.
const TICK: Duration = Duration::from_secs(1);
/// How long an answer counts: longer than until the next call while something is pending.
const COUNTS: Duration = Duration::from_secs(400);
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
    orders: BTreeMap<String, Vec<Arc<Issuance>>>,
    /// When anything has happened last to any of them.
    youngest: Option<Timestamp>,
}

impl Changes {
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
    loop {
        sleep(TICK).await;
        for (account, pending) in due(&context).await {
            account.begin();
            tokio::spawn(ask(context.clone(), queue.clone(), account, pending));
        }
    }
}

/// Accounts whose turn it is, with what is pending on them. Where nothing is, they tell what others have done.
async fn due(context: &Context) -> Vec<(Arc<Account>, Pending)> {
    let mut pending = pending(context);
    if context.revocations.any() {
        for issuer in context.stores.every_issuer() {
            pending.entry(issuer.uid.clone()).or_insert_with(|| (issuer, Vec::new()));
        }
    }
    let mut accounts: HashMap<String, (Arc<Account>, Pending)> = HashMap::new();
    for (uid, (issuer, issuances)) in pending {
        let known = context.changes.account(&uid).filter(|_| issuances.is_empty());
        if known.is_some_and(|account| !account.is_due(context.revocations.period)) {
            continue;
        }
        let Ok(Ok(provider)) = context.accounts.provider(&issuer).await else { continue };
        let account = context.changes.assign(&uid, provider.credential());
        let (_, pending) = accounts
            .entry(account.credential.clone())
            .or_insert_with(|| (account, Pending { provider, orders: BTreeMap::new(), youngest: None }));
        for issuance in issuances {
            let Some((order, last)) = waits_for(&issuance) else { continue };
            pending.youngest = pending.youngest.max(Some(last));
            pending.orders.entry(order).or_default().push(issuance);
        }
    }
    accounts.into_values().filter(|(account, pending)| account.is_due(pending.pause(context))).collect()
}

/// By uid of the issuer.
fn pending(context: &Context) -> HashMap<String, (AnyIssuer, Vec<Arc<Issuance>>)> {
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
    by_issuer
}

fn waits_for(issuance: &Issuance) -> Option<(String, Timestamp)> {
    let (order, last) = polling::waits_for(issuance.status.as_ref()?)?;
    Some((order.to_owned(), last))
}

async fn ask(context: Arc<Context>, queue: Queue<Issuance>, account: Arc<Account>, pending: Pending) {
    let begun = context.clock.now();
    let window = polling::window(account.state().last, begun);
    let answer = pending.provider.changes(window.length).await;
    let woken = match answer {
        Ok(changed) => {
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
    for issuance in woken {
        let _ = queue.send(Woken { name: ObjectRef::from_obj(issuance.as_ref()), first: true });
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
