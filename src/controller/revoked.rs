//! Learns which of the certificates that are served have been revoked: from their CA's revocation list, or its OCSP
//! responder where there is no list, and from the order at the provider. What is found is kept here and wakes its Certificate, whose status keeps it from then on.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{ResourceExt, runtime::reflector::ObjectRef};
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use super::{
    context::Context,
    watch::{Queue, Woken},
};
use crate::{
    api::{
        Certificate,
        certificate::{RevocationSource, RevokedCertificate},
        issuer::IssuerRef,
    },
    lifecycle::{backoff, polling},
    pki::{self, Leaf, crl::RevocationList, normalise_serial, ocsp},
    provider::{OrderFacts, OrderStatus},
    revocation::Fetcher,
};

/// At most one order is looked at in each.
const TICK: Duration = Duration::from_secs(1);
/// Between two fetches of one list, whatever it says of the next.
const SOONEST: Duration = Duration::from_secs(60);
/// How often what is gone is forgotten.
const PRUNE: Duration = Duration::from_secs(60);

pub struct Revocations {
    fetcher: Fetcher,
    /// How often a list is fetched.
    pub period: Duration,
    /// Boxed: a map keeps room for as many again.
    watched: Mutex<HashMap<String, Box<Watched>>>,
    found: Mutex<HashMap<String, RevokedCertificate>>,
    sources: Mutex<BTreeSet<Arc<Source>>>,
}

/// A certificate that is served. Kept for each, so it holds little.
#[derive(Clone)]
struct Watched {
    certificate: ObjectRef<Certificate>,
    issuer: IssuerRef,
    serial: String,
    source: Option<Arc<Source>>,
    /// Asked about each certificate whose CA publishes no list.
    responder: Option<String>,
    order_id: Option<String>,
    /// On the clock of the world: what has changed before is what we did ourselves.
    since: Timestamp,
    /// On the machine's own clock.
    next_look: Timestamp,
    next_ask: Timestamp,
}

/// Where a CA says what it has revoked.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Source {
    /// The same list at each; the first that answers counts.
    urls: Vec<String>,
    /// The CA's certificate, DER.
    issuer: Vec<u8>,
}

impl Revocations {
    pub fn new(fetcher: Fetcher, period: Duration) -> Self {
        Self { fetcher, period, watched: Mutex::default(), found: Mutex::default(), sources: Mutex::default() }
    }

    /// What is known against the certificate that a Certificate serves.
    pub fn of(&self, uid: &str) -> Option<RevokedCertificate> {
        lock(&self.found).get(uid).cloned()
    }

    pub fn any(&self) -> bool {
        self.count() > 0
    }

    pub fn count(&self) -> usize {
        lock(&self.watched).len()
    }

    /// A Certificate serves this pair; `tls_crt` holds it and the CA that signed it.
    pub fn watch(&self, certificate: &Certificate, leaf: &Leaf, tls_crt: &[u8], world: Timestamp, machine: Timestamp) {
        let uid = certificate.uid().unwrap_or_default();
        // Only what was recorded: an annotation may name anybody's order.
        let order_id =
            certificate.status.as_ref().and_then(|status| status.order.as_ref()).map(|it| it.order_id.clone());
        let mut watched = lock(&self.watched);
        if watched.get(&uid).is_some_and(|known| known.serial == leaf.serial && known.order_id == order_id) {
            return;
        }
        let source = std::str::from_utf8(tls_crt).ok().and_then(pki::leaf::issuer_in).map(|issuer| {
            let source = Source { urls: leaf.crl_urls.clone(), issuer };
            let mut sources = lock(&self.sources);
            sources.get(&source).cloned().unwrap_or_else(|| {
                let source = Arc::new(source);
                sources.insert(source.clone());
                source
            })
        });
        let entry = Watched {
            // Nothing but the name.
            certificate: ObjectRef::new(&certificate.name_any()).within(&certificate.namespace().unwrap_or_default()),
            issuer: certificate.spec.issuer_ref.clone(),
            serial: leaf.serial.clone(),
            source,
            responder: leaf.ocsp_urls.first().filter(|_| leaf.crl_urls.is_empty()).cloned(),
            order_id,
            since: world,
            next_look: polling::next_look(&uid, 24 * self.period, machine),
            next_ask: polling::next_look(&uid, 6 * self.period, machine),
        };
        if lock(&self.found).get(&uid).is_some_and(|found| found.serial_number != leaf.serial) {
            lock(&self.found).remove(&uid);
        }
        watched.insert(uid, Box::new(entry));
    }

    /// An answer for a whole account says that orders have changed since `from`: by somebody else, when it was long
    /// after we had what we serve.
    pub fn changed(&self, orders: &BTreeSet<String>, from: Timestamp) {
        for watched in lock(&self.watched).values_mut() {
            let named = watched.order_id.as_ref().is_some_and(|order| orders.contains(order));
            if named && watched.since < from {
                watched.next_look = Timestamp::MIN;
            }
        }
    }

    /// Forgets what is gone, and what had the same name before.
    fn prune(&self, there: impl Fn(&ObjectRef<Certificate>) -> bool) {
        let mut watched = lock(&self.watched);
        let mut newest: HashMap<&ObjectRef<Certificate>, Timestamp> = HashMap::new();
        for known in watched.values() {
            let since = newest.entry(&known.certificate).or_insert(known.since);
            *since = known.since.max(*since);
        }
        let stays = |known: &Watched| there(&known.certificate) && newest.get(&known.certificate) == Some(&known.since);
        let gone: Vec<String> = watched.iter().filter(|(_, known)| !stays(known)).map(|(uid, _)| uid.clone()).collect();
        gone.iter().for_each(|uid| drop(watched.remove(uid)));
        lock(&self.found).retain(|uid, _| watched.contains_key(uid));
        lock(&self.sources).retain(|source| Arc::strong_count(source) > 1);
    }

    /// Of the certificates that a list is fetched for.
    fn serials(&self, source: &Source) -> BTreeSet<String> {
        let watched = lock(&self.watched);
        let listed = watched.values().filter(|known| known.source.as_deref() == Some(source));
        listed.map(|known| known.serial.clone()).collect()
    }

    /// The order whose look is most overdue, moved to its next turn.
    fn take_due(&self, now: Timestamp) -> Option<(String, Watched)> {
        let mut watched = lock(&self.watched);
        let due = watched.iter_mut().filter(|(_, it)| it.order_id.is_some() && it.next_look <= now);
        let (uid, due) = due.min_by_key(|(_, it)| it.next_look)?;
        due.next_look = polling::next_look(uid, 24 * self.period, now);
        Some((uid.clone(), due.as_ref().clone()))
    }

    /// The certificate whose responder is to be asked next.
    fn take_asked(&self, now: Timestamp) -> Option<(String, Watched)> {
        let mut watched = lock(&self.watched);
        let due = watched.iter_mut().filter(|(_, it)| it.responder.is_some() && it.next_ask <= now);
        let (uid, due) = due.min_by_key(|(_, it)| it.next_ask)?;
        due.next_ask = polling::next_look(uid, 6 * self.period, now);
        Some((uid.clone(), due.as_ref().clone()))
    }

    /// Whether that is news.
    fn find(&self, uid: &str, revoked: RevokedCertificate) -> bool {
        let mut found = lock(&self.found);
        let known = found.get(uid).is_some_and(|known| known.serial_number == revoked.serial_number);
        if !known {
            found.insert(uid.to_owned(), revoked);
        }
        !known
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs for the life of the process.
pub async fn follow(context: Arc<Context>, queue: Queue<Certificate>) {
    let mut turns: HashMap<Arc<Source>, (Instant, u32)> = HashMap::new();
    let mut pruned = Instant::now();
    loop {
        sleep(TICK).await;
        if pruned.elapsed() > PRUNE {
            pruned = Instant::now();
            context.revocations.prune(|certificate| context.stores.certificates.has(certificate));
        }
        let sources: Vec<Arc<Source>> = lock(&context.revocations.sources).iter().cloned().collect();
        turns.retain(|source, _| sources.contains(source));
        for source in sources {
            let (next, failures) = turns.get(&source).copied().unwrap_or((Instant::now(), 0));
            if source.urls.is_empty() || next > Instant::now() {
                continue;
            }
            let turn = match list(&context, &source).await {
                Some(list) => {
                    compare(&context, &queue, &source, &list);
                    (Instant::now() + pause(list.next_update, context.clock.now(), context.revocations.period), 0)
                }
                None => (Instant::now() + backoff::poll(failures, &source.urls[0]), failures.saturating_add(1)),
            };
            turns.insert(source, turn);
        }
        let now = context.machine_now();
        if let Some((uid, watched)) = context.revocations.take_asked(now) {
            ask(&context, &queue, &uid, &watched).await;
        }
        if let Some((uid, watched)) = context.revocations.take_due(now) {
            look(&context, &queue, &uid, &watched).await;
        }
    }
}

/// Until the next fetch: sooner when there will be a newer list, not when there should have been one by now.
fn pause(next_update: Option<Timestamp>, now: Timestamp, period: Duration) -> Duration {
    let left = next_update.filter(|next| *next > now).map(|next| polling::age(now, next));
    left.map_or(period, |left| left.max(SOONEST).min(period))
}

async fn list(context: &Context, source: &Source) -> Option<RevocationList> {
    for url in &source.urls {
        let fetched = match context.revocations.fetcher.list(url).await {
            Ok(fetched) => fetched,
            Err(error) => {
                warn!(%error, "a revocation list was not fetched");
                continue;
            }
        };
        let watched = context.revocations.serials(source);
        match RevocationList::read(&fetched, &source.issuer, context.clock.now(), &watched) {
            Ok(list) => {
                debug!(url, revoked = list.revoked.len(), "a revocation list was read");
                return Some(list);
            }
            Err(error) => warn!(url, %error, "a revocation list was not believed"),
        }
    }
    None
}

fn compare(context: &Context, queue: &Queue<Certificate>, source: &Arc<Source>, list: &RevocationList) {
    let listed: Vec<(String, Watched, RevokedCertificate)> = lock(&context.revocations.watched)
        .iter()
        .filter(|(_, watched)| watched.source.as_ref().is_some_and(|known| Arc::ptr_eq(known, source)))
        .filter_map(|(uid, watched)| {
            let revocation = list.revoked.get(&watched.serial)?;
            let revoked = RevokedCertificate {
                serial_number: watched.serial.clone(),
                seen_in: RevocationSource::Crl,
                at: Some(Time(revocation.at)),
                reason: revocation.reason.map(str::to_owned),
            };
            Some((uid.clone(), watched.as_ref().clone(), revoked))
        })
        .collect();
    for (uid, watched, revoked) in listed {
        tell(context, queue, &uid, &watched, revoked);
    }
}

/// What the CA's responder says of one certificate. No answer: it is asked again at its next turn.
async fn ask(context: &Context, queue: &Queue<Certificate>, uid: &str, watched: &Watched) {
    let (Some(url), Some(source)) = (&watched.responder, &watched.source) else { return };
    let Some(request) = ocsp::request(&source.issuer, &watched.serial) else { return };
    let answer = match context.revocations.fetcher.status(url, request).await {
        Ok(answer) => answer,
        Err(error) => return warn!(%error, "an OCSP responder was asked in vain"),
    };
    match ocsp::read(&answer, &source.issuer, &watched.serial, context.clock.now()) {
        Ok(None) => {}
        Ok(Some(revocation)) => {
            let revoked = RevokedCertificate {
                serial_number: watched.serial.clone(),
                seen_in: RevocationSource::Ocsp,
                at: Some(Time(revocation.at)),
                reason: revocation.reason.map(str::to_owned),
            };
            tell(context, queue, uid, watched, revoked);
        }
        Err(error) => warn!(url, %error, "an OCSP responder was not believed"),
    }
}

/// The order, as the provider sees it now. What cannot be read is looked at again at its next turn.
async fn look(context: &Context, queue: &Queue<Certificate>, uid: &str, watched: &Watched) {
    let namespace = watched.certificate.namespace.as_deref().unwrap_or_default();
    let Some(issuer) = context.stores.issuer(&watched.issuer, namespace) else { return };
    let Ok(Ok(provider)) = context.accounts.provider(&issuer).await else { return };
    let order_id = watched.order_id.as_deref().unwrap_or_default();
    match provider.order(order_id).await {
        Ok(order) if says_revoked(&order, &watched.serial) => {
            let revoked = RevokedCertificate {
                serial_number: watched.serial.clone(),
                seen_in: RevocationSource::Provider,
                at: None,
                reason: None,
            };
            tell(context, queue, uid, watched, revoked);
        }
        Ok(_) => {}
        Err(error) => debug!(order_id, %error, "an order was not looked at"),
    }
}

fn says_revoked(order: &OrderFacts, serial: &str) -> bool {
    let primary = order.serial_number.as_deref().is_some_and(|primary| normalise_serial(primary) == serial);
    order.status == OrderStatus::Revoked || (primary && order.certificate_revoked)
}

fn tell(context: &Context, queue: &Queue<Certificate>, uid: &str, watched: &Watched, revoked: RevokedCertificate) {
    let (name, source) = (&watched.certificate.name, revoked.seen_in);
    if context.revocations.find(uid, revoked) {
        info!(certificate = name, serial = watched.serial, ?source, "the certificate that is served is revoked");
        let _ = queue.send(Woken::first(watched.certificate.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_fetched_once_in_a_period_and_sooner_for_a_newer_one() {
        let now = Timestamp::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let (hour, minute) = (Duration::from_secs(3600), Duration::from_secs(60));
        let cases = [
            (None, hour),
            (Some(now + 20 * minute), 20 * minute),
            (Some(now + 24 * hour), hour),
            (Some(now + Duration::from_secs(1)), minute),
            // The CA is late, or has stopped.
            (Some(now), hour),
            (Some(now - Duration::from_secs(1)), hour),
            (Some(Timestamp::MIN), hour),
            (Some(Timestamp::MAX), hour),
        ];
        for (next_update, expected) in cases {
            assert_eq!(pause(next_update, now, hour), expected, "{next_update:?}");
        }
        assert_eq!(pause(Some(now + hour), now, Duration::from_secs(1)), Duration::from_secs(1), "a short period");
    }
}
