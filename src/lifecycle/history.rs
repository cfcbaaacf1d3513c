//! Which Issuances of a Certificate nobody needs any more: the ledger is what is decided on, so what any decision could
//! still read stays, however many that are.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{certificate::Observed, lineage::Lineage, record, trigger};
use crate::api::{
    Issuance,
    certificate::DeletionPolicy,
    issuance::{Operation, State, Trigger},
};

/// Issuances kept when the spec names no number.
const LIMIT: usize = 5;
/// Failures in a row that are kept: after so many, the pause between two has reached its longest.
const FAILURES: usize = 10;
/// How long a ledger outlives the last order of a Certificate that is gone: what is brought back from a backup by then is
/// still known.
const AFTERWARDS: SignedDuration = SignedDuration::from_hours(90 * 24);
/// No order lasts longer (CertCentral, *End of 4-6-year Multi-year Plans*): ends one that does not tell its own end.
const LONGEST_ORDER: SignedDuration = SignedDuration::from_hours(6 * 366 * 24);

/// The oldest beyond the limit that can go. Nothing goes while an operation is under way.
pub fn dispensable<'a>(o: &Observed<'a>, lineage: &Lineage) -> Option<&'a Issuance> {
    if lineage.unresolved.is_some() {
        return None;
    }
    let limit = o.certificate.spec.revision_history_limit;
    let limit = limit.map_or(LIMIT, |limit| limit.try_into().unwrap_or(LIMIT));
    let beyond = &o.issuances[..o.issuances.len().saturating_sub(limit)];
    beyond.iter().map(AsRef::as_ref).find(|issuance| has_ended(issuance) && !is_needed(o, lineage, issuance))
}

/// Whether all that a Certificate which is gone has left behind can go: no operation is under way, and whatever it has
/// ordered has ended long ago.
pub fn has_outlived(issuances: &[Arc<Issuance>], now: Timestamp) -> bool {
    let over = |issuance: &Issuance| now.duration_since(end_of_order(issuance)) > AFTERWARDS;
    issuances.iter().all(|issuance| has_ended(issuance) && over(issuance))
}

/// The end of the order that an Issuance placed, or reissued or followed, at the latest.
fn end_of_order(issuance: &Issuance) -> Timestamp {
    let Some(made) = issuance.metadata.creation_timestamp.as_ref() else { return Timestamp::MAX };
    let status = issuance.status.clone().unwrap_or_default();
    let parent = issuance.spec.parent.as_ref();
    let told = match (&status.order_id, parent) {
        (Some(_), _) => status.order_valid_till,
        (None, Some(parent)) => parent.order_valid_till.clone(),
        (None, None) => return made.0,
    };
    let longest = made.0.saturating_add(LONGEST_ORDER).unwrap_or(Timestamp::MAX);
    told.map_or(longest, |till| till.0.max(made.0))
}

fn has_ended(issuance: &Issuance) -> bool {
    issuance.status.as_ref().and_then(|status| status.state).is_some_and(State::is_final)
        && issuance.metadata.finalizers.as_ref().is_none_or(Vec::is_empty)
        && issuance.metadata.deletion_timestamp.is_none()
}

fn is_needed(o: &Observed, lineage: &Lineage, issuance: &Issuance) -> bool {
    let same = |other: &&Issuance| std::ptr::eq(*other, issuance);
    let counts = lineage.installed.iter().chain(&lineage.fulfilled).chain(&lineage.denied).any(same);
    let failed = lineage.failed.iter().take(FAILURES).any(same);
    let asked = issuance.spec.request_token.is_some()
        && issuance.spec.request_token.as_deref() == trigger::token(o.certificate);
    counts || failed || asked || proves_the_order(o, lineage, issuance) || can_be_revoked(o, lineage, issuance)
}

/// What has placed or adopted the order in use; where a key stays, also all that was obtained on that order for it: a
/// later operation is told from these by their certificate ids.
fn proves_the_order(o: &Observed, lineage: &Lineage, issuance: &Issuance) -> bool {
    let placed = issuance.status.as_ref().and_then(|status| status.order_id.as_ref());
    let on_it = lineage.order.as_ref().is_some_and(|order| Some(&order.order_id) == placed);
    on_it && (issuance.spec.operation != Operation::Reissue || is_for_the_key_in_use(o, lineage, issuance))
}

fn is_for_the_key_in_use(o: &Observed, lineage: &Lineage, issuance: &Issuance) -> bool {
    let key = issuance.public_key_sha256();
    let installed = lineage.installed.map(Issuance::public_key_sha256);
    let served = trigger::served(o).map(|leaf| leaf.public_key_sha256.as_str());
    [installed, served].into_iter().flatten().any(|used| used == key)
}

/// Its certificate is valid and would be revoked with the key in use or with the Certificate, or its own revocations are
/// still to be made.
fn can_be_revoked(o: &Observed, lineage: &Lineage, issuance: &Issuance) -> bool {
    let status = issuance.status.clone().unwrap_or_default();
    let valid = status.serial_number.as_ref().is_some_and(|serial| !status.revoked_serials.contains(serial))
        && status.not_after.as_ref().is_none_or(|end| end.0 > o.now);
    let with_the_certificate = o.certificate.spec.deletion_policy == Some(DeletionPolicy::Revoke);
    let compromised = issuance.spec.reason == Trigger::KeyCompromise || record::compromised(&status).is_some();
    let pinned = issuance.spec.supersedes.iter().flat_map(|old| &old.serial_numbers);
    let unrevoked = pinned.into_iter().any(|serial| !status.revoked_serials.contains(serial));
    let revokes = compromised && status.state == Some(State::Installed) && unrevoked;
    revokes || valid && (with_the_certificate || is_for_the_key_in_use(o, lineage, issuance))
}

#[cfg(test)]
mod tests;
