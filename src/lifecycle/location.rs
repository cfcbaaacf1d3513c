//! Where a certificate lives, as the provider's inventory is told: its Secret, on the order behind it. Bookkeeping, that
//! comes after everything else and which nothing waits for.
//!
//! The status lists a place before the provider is told, under a finalizer: what may be written down there is known, also
//! after a crash, and struck out when the certificate lives elsewhere, nobody asks for it any more, or it is deleted.

use std::time::Duration;

use jiff::{SignedDuration, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    Step,
    certificate::{self, Hindrance, IssuerView, Observed, account},
    lineage::Lineage,
    remaining, trigger,
};
use crate::{
    api::{
        CertificateStatus,
        certificate::CertificateLocation,
        conditions::{LOCATION_RECORDED, reason, remove_condition, set_condition},
        meta::LOCATION_FINALIZER,
    },
    lifecycle::certificate::until,
};

/// Pause before what was refused is tried again.
const RETRY: Duration = Duration::from_secs(3600);
/// The same while a deletion waits for it, and how long one does at most.
const RETRY_AT_THE_END: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(600);
/// As many as the status lists: only of an inventory that refuses for years are there more.
const MOST: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    AddFinalizer,
    RemoveFinalizer,
    /// Has the provider write down that the certificate lives there. The status lists it already.
    Record(CertificateLocation),
    StrikeOut(CertificateLocation),
    /// Says that it stays written down.
    Leave {
        entry: CertificateLocation,
        why: String,
    },
}

/// What became of one place in this reconcile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub entry: CertificateLocation,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Recorded,
    /// Struck out, or left.
    Gone,
    /// `certain`: and will be, the next time as well.
    Refused {
        message: String,
        certain: bool,
    },
}

/// Where it should be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    /// Nobody can tell now: all stays as it is.
    Unknown,
    Nowhere,
    At(CertificateLocation),
}

/// Comes after all else that is to be done, and while no operation is under way.
pub(super) fn after(o: &Observed, next: Result<Step<certificate::Effect>, Hindrance>) -> Decided {
    let busy = matches!(next, Ok(Step::Do(_))) || Lineage::of(o, account(o)).unresolved.is_some();
    if busy || o.outage.is_some() {
        return next;
    }
    if let Some(effect) = due(o) {
        return act(effect);
    }
    let tries = entries(o).into_iter().filter(|entry| waits(o, entry)).filter_map(|entry| entry.next_try);
    let Some(again) = tries.map(|again| until(again.0, o.machine_now)).min() else { return next };
    match next {
        Ok(Step::Wait(pause)) => Ok(Step::Wait(pause.min(again))),
        Ok(_) => Ok(Step::Wait(again)),
        Err(hindrance) => {
            Err(Hindrance { again: Some(hindrance.again.map_or(again, |pause| pause.min(again))), ..hindrance })
        }
    }
}

type Decided = Result<Step<certificate::Effect>, Hindrance>;

fn due(o: &Observed) -> Option<Effect> {
    let wanted = wanted(o);
    let known = entries(o);
    match &wanted {
        Wanted::Unknown => return None,
        Wanted::Nowhere if known.is_empty() => return is_kept(o).then_some(Effect::RemoveFinalizer),
        Wanted::At(_) if !is_kept(o) => return Some(Effect::AddFinalizer),
        Wanted::Nowhere | Wanted::At(_) => {}
    }
    let here = |entry: &CertificateLocation| matches!(&wanted, Wanted::At(place) if same(place, entry));
    known.into_iter().find_map(|entry| match (here(&entry), certainly_refused(o, &entry)) {
        (true, _) if entry.recorded => None,
        (_, None) if waits(o, &entry) => None,
        (true, None) => Some(Effect::Record(entry)),
        (true, Some(_)) => None,
        (false, None) if account(o) == Some(&entry.account) => Some(Effect::StrikeOut(entry)),
        (false, None) => Some(leave(entry, "the issuer points to another account by now")),
        (false, Some(why)) => Some(leave(entry, why)),
    })
}

/// Of a Certificate that goes.
pub(super) fn at_the_end(o: &Observed) -> Decided {
    if !is_kept(o) {
        return Ok(Step::Done);
    }
    let Some(entry) = entries(o).into_iter().next() else { return act(Effect::RemoveFinalizer) };
    if let Some(why) = certainly_refused(o, &entry) {
        return act(leave(entry, why));
    }
    let since = o.certificate.metadata.deletion_timestamp.as_ref().map_or(o.machine_now, |since| since.0);
    let Some(left) = remaining(since, PATIENCE.min(o.times.give_up), o.machine_now) else {
        return act(leave(entry, "it could not be struck out in time"));
    };
    match o.issuer {
        IssuerView::Missing => act(leave(entry, "its issuer does not exist any more")),
        IssuerView::Ready { account, .. } if *account != entry.account => {
            act(leave(entry, "the issuer points to another account by now"))
        }
        IssuerView::Ready { .. } if o.outage.is_none() && !waits(o, &entry) => act(Effect::StrikeOut(entry)),
        // Whatever deletes the namespace deletes issuer and credential too.
        IssuerView::Ready { .. } | IssuerView::NotReady(_) if o.namespace_labels.is_none() => {
            act(leave(entry, "its namespace goes away"))
        }
        IssuerView::Ready { .. } | IssuerView::NotReady(_) => {
            let message = format!("{} is still in the provider's inventory, to be struck out", entry.secret_name);
            Err(Hindrance::wait(reason::NOT_RECORDED, message, left.min(RETRY_AT_THE_END)))
        }
    }
}

fn act(effect: Effect) -> Decided {
    Ok(Step::Do(certificate::Effect::Location(effect)))
}

fn leave(entry: CertificateLocation, why: &str) -> Effect {
    Effect::Leave { entry, why: why.to_owned() }
}

fn wanted(o: &Observed) -> Wanted {
    let IssuerView::Ready { spec, account, .. } = o.issuer else { return Wanted::Unknown };
    if o.certificate.metadata.deletion_timestamp.is_some() {
        return Wanted::Unknown;
    }
    if spec.sectigo.as_ref().and_then(|account| account.record_locations) != Some(true) {
        return Wanted::Nowhere;
    }
    let lineage = Lineage::of(o, Some(account));
    let behind = trigger::served(o).zip(lineage.installed).and_then(|(served, installed)| {
        let serves =
            installed.spec.account == *account && installed.spec.request.public_key_sha256 == served.public_key_sha256;
        installed.status.as_ref()?.order_id.clone().filter(|_| serves)
    });
    behind.map_or(Wanted::Unknown, |order_id| {
        Wanted::At(CertificateLocation {
            account: account.clone(),
            order_id,
            secret_name: o.certificate.spec.secret_name.clone(),
            ..CertificateLocation::default()
        })
    })
}

/// What the inventory has or may have, by the status and by what was told since, with the place that is about to be told.
fn entries(o: &Observed) -> Vec<CertificateLocation> {
    let mut entries = o.certificate.status.as_ref().map(|status| status.locations.clone()).unwrap_or_default();
    if let Wanted::At(place) = wanted(o)
        && is_kept(o)
        && !entries.iter().any(|entry| same(entry, &place))
    {
        entries.push(place);
    }
    for Told { entry, outcome } in o.told {
        let Some(at) = entries.iter().position(|known| same(known, entry)) else { continue };
        match outcome {
            Outcome::Recorded => (entries[at].recorded, entries[at].next_try) = (true, None),
            Outcome::Gone => drop(entries.remove(at)),
            Outcome::Refused { .. } => entries[at].next_try = next_try(o),
        }
    }
    let surplus = entries.len().saturating_sub(MOST);
    entries.split_off(surplus)
}

/// To the minute: it is told in the status.
fn next_try(o: &Observed) -> Option<Time> {
    let gone = o.certificate.metadata.deletion_timestamp.is_some();
    let pause = SignedDuration::try_from(if gone { RETRY_AT_THE_END } else { RETRY }).ok()?;
    o.machine_now.checked_add(pause).ok()?.round(Unit::Minute).ok().map(Time)
}

fn waits(o: &Observed, entry: &CertificateLocation) -> bool {
    entry.next_try.as_ref().is_some_and(|again| again.0 > o.machine_now)
}

/// In this reconcile, and why.
fn certainly_refused<'a>(o: &Observed<'a>, entry: &CertificateLocation) -> Option<&'a str> {
    refusals(o).find(|(told, _, certain)| *certain && same(told, entry)).map(|(_, message, _)| message)
}

fn refusals<'a>(o: &Observed<'a>) -> impl Iterator<Item = (&'a CertificateLocation, &'a str, bool)> {
    o.told.iter().filter_map(|told| match &told.outcome {
        Outcome::Refused { message, certain } => Some((&told.entry, message.as_str(), *certain)),
        Outcome::Recorded | Outcome::Gone => None,
    })
}

fn same(one: &CertificateLocation, other: &CertificateLocation) -> bool {
    one.account == other.account && one.order_id == other.order_id && one.secret_name == other.secret_name
}

fn is_kept(o: &Observed) -> bool {
    o.certificate.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == LOCATION_FINALIZER)
}

/// What a user sees of it. What was refused stays said until it is tried again.
pub(super) fn present(status: &mut CertificateStatus, o: &Observed) {
    status.locations = entries(o);
    let Some(newest) = status.locations.last() else {
        return remove_condition(&mut status.conditions, LOCATION_RECORDED);
    };
    let (holds, why, message) = match refusals(o).next() {
        Some((entry, message, _)) => {
            let about = format!("{} in Secret {}", entry.order_id, entry.secret_name);
            (false, reason::NOT_RECORDED, format!("{about}: {message}"))
        }
        None if status.locations.iter().all(|entry| entry.recorded && entry.next_try.is_none()) => {
            let message = format!(
                "the provider's inventory has {} in Secret {} of cluster {}",
                newest.order_id, newest.secret_name, o.installation
            );
            (true, reason::RECORDED, message)
        }
        None => return,
    };
    let generation = o.certificate.metadata.generation;
    set_condition(&mut status.conditions, LOCATION_RECORDED, holds, why, message, generation, &Time(o.machine_now));
}

#[cfg(test)]
mod tests;
