//! What a deleted Certificate takes along under `deletionPolicy: Revoke`: what is pending is withdrawn, what was
//! obtained is revoked, the Secret is removed, and then the finalizer that kept the object until here. What the provider's
//! inventory has goes last, under every policy.
//!
//! Only what Issuances of this Certificate obtained is revoked, and a whole order only when it holds nothing else.

use std::time::Duration;

use super::{
    Step,
    certificate::{self, Hindrance, IssuerView, Observed, OrderView, SecretView, account},
    lineage, location, record, remaining,
};
use crate::{
    api::{
        Certificate, Issuance,
        certificate::DeletionPolicy,
        conditions::reason,
        issuance::{Operation, State},
        meta::REVOKE_FINALIZER,
    },
    provider::{OrderFacts, OrderStatus},
};

/// Between two looks while something else is waited for; what is waited for wakes by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    AddFinalizer,
    RemoveFinalizer,
    /// Lets an Issuance under way end: no call is made for it any more, and what is pending at the provider is canceled.
    Withdraw {
        issuance: String,
    },
    /// Revokes the certificate of one Issuance.
    Revoke {
        issuance: String,
        serial: String,
    },
    /// Revokes an order that holds nothing but the certificates of these Issuances, by name and serial number.
    RevokeOrder {
        order_id: String,
        issuances: Vec<(String, String)>,
    },
    RemoveSecret,
    /// Says what is left undone, and lets the object go.
    GiveUp {
        message: String,
    },
}

/// The finalizer is there as long as the policy needs it.
pub fn guard(certificate: &Certificate) -> Option<Effect> {
    match (policy(certificate) == DeletionPolicy::Revoke, is_kept(certificate)) {
        (true, false) => Some(Effect::AddFinalizer),
        (false, true) => Some(Effect::RemoveFinalizer),
        _ => None,
    }
}

/// Of a Certificate that is to be deleted.
pub fn decide(o: &Observed) -> Result<Step<certificate::Effect>, Hindrance> {
    match take_along(o)? {
        Step::Done => location::at_the_end(o),
        step => Ok(step),
    }
}

fn take_along(o: &Observed) -> Result<Step<certificate::Effect>, Hindrance> {
    if !is_kept(o.certificate) {
        return Ok(Step::Done);
    }
    if policy(o.certificate) != DeletionPolicy::Revoke {
        return act(Effect::RemoveFinalizer);
    }
    let since = o.certificate.metadata.deletion_timestamp.as_ref().map_or(o.machine_now, |since| since.0);
    let Some(left) = remaining(since, o.times.give_up, o.machine_now) else {
        return give_up(o, "it could not be done in time");
    };
    if let Some(issuance) = ours(o).find(|issuance| is_pending(issuance)) {
        let name = name(issuance);
        if !issuance.status.as_ref().is_some_and(record::withdrawn) {
            return act(Effect::Withdraw { issuance: name });
        }
        let message = format!("Issuance {name} is waited for: what it may have placed is canceled or looked for");
        return Err(Hindrance::wait(reason::REVOKING, message, left.min(LOOK_AGAIN)));
    }
    if let Some(issuance) = ours(o).find(|issuance| unrevoked(o, issuance).is_some()) {
        return revoke(o, issuance, left);
    }
    match o.secret {
        SecretView::Unread => Ok(Step::Do(certificate::Effect::ReadSecret)),
        SecretView::Ours(_) => act(Effect::RemoveSecret),
        SecretView::Absent | SecretView::Foreign { .. } | SecretView::OwnedBy(_) => act(Effect::RemoveFinalizer),
    }
}

fn revoke(o: &Observed, issuance: &Issuance, left: Duration) -> Result<Step<certificate::Effect>, Hindrance> {
    let Some(account) = account(o) else {
        // Whatever deletes the namespace deletes issuer and credential too: nobody will ever be able to.
        if o.namespace_labels.is_none() {
            return give_up(o, "its issuer went away with the namespace");
        }
        let why = match o.issuer {
            IssuerView::NotReady(why) => why.as_str(),
            _ => "it does not exist",
        };
        let message = format!("{} is needed to revoke certificates: {why}", o.certificate.spec.issuer_ref);
        let again = Some(left.min(LOOK_AGAIN));
        return Err(Hindrance { again, ..Hindrance::person(reason::REVOKING, message) });
    };
    if issuance.spec.account != *account {
        return give_up(o, "they are of an account that the issuer no longer points to");
    }
    let serial = unrevoked(o, issuance).unwrap_or_default().to_owned();
    let single = Effect::Revoke { issuance: name(issuance), serial };
    let Some(order_id) = issuance.status.as_ref().and_then(|status| status.order_id.as_ref()) else {
        return act(single);
    };
    if o.shared_orders.contains(order_id) || !ours(o).any(|issuance| bought(issuance, order_id)) {
        return act(single);
    }
    match o.order {
        OrderView::Read(facts) if facts.order_id == *order_id => match whole(o, facts) {
            Some(issuances) => act(Effect::RevokeOrder { order_id: order_id.clone(), issuances }),
            None => act(single),
        },
        OrderView::Absent => act(single),
        _ => Ok(Step::Do(certificate::Effect::ReadOrder { order_id: order_id.clone() })),
    }
}

/// The Issuances of an order, with their serial numbers, when they are all that was ever asked for on it: what others
/// added by hand is not ours to revoke.
fn whole(o: &Observed, order: &OrderFacts) -> Option<Vec<(String, String)>> {
    let on_it = ours(o).filter(|issuance| {
        issuance.status.as_ref().is_some_and(|status| status.order_id.as_ref() == Some(&order.order_id))
    });
    let on_it: Vec<&Issuance> = on_it.collect();
    let known = u64::try_from(on_it.len()).unwrap_or(u64::MAX);
    let ours_alone = order.certificates.is_some_and(|all| all <= known);
    let settled = order.status == OrderStatus::Active && !order.pending;
    (ours_alone && settled).then(|| {
        on_it.into_iter().filter_map(|issuance| Some((name(issuance), unrevoked(o, issuance)?.to_owned()))).collect()
    })
}

fn bought(issuance: &Issuance, order_id: &str) -> bool {
    let placed = issuance.status.as_ref().and_then(|status| status.order_id.as_deref());
    matches!(issuance.spec.operation, Operation::Order | Operation::Renew) && placed == Some(order_id)
}

fn give_up(o: &Observed, why: &str) -> Result<Step<certificate::Effect>, Hindrance> {
    let unrevoked: Vec<&str> = ours(o).filter_map(|issuance| unrevoked(o, issuance)).collect();
    let pending: Vec<String> = ours(o).filter(|issuance| is_pending(issuance)).map(name).collect();
    let mut message = format!("{why}; the Secret stays");
    if !unrevoked.is_empty() {
        message += &format!("; not revoked: {}", unrevoked.join(", "));
    }
    if !pending.is_empty() {
        message += &format!("; still under way: {}", pending.join(", "));
    }
    act(Effect::GiveUp { message })
}

/// Issuances of this Certificate that this installation recorded.
fn ours<'a>(o: &Observed<'a>) -> impl Iterator<Item = &'a Issuance> {
    let (installation, mark) = (o.installation, o.mark);
    let issuances = o.issuances.iter().map(AsRef::as_ref);
    issuances.filter(move |issuance: &&Issuance| lineage::is_ours(&issuance.spec, installation, mark))
}

/// Neither ended nor issued. What is being deleted itself ends on its own.
fn is_pending(issuance: &Issuance) -> bool {
    let state = issuance.status.as_ref().and_then(|status| status.state);
    let settled = state.is_some_and(|state| state.is_final() || state == State::Issued);
    !settled && issuance.metadata.deletion_timestamp.is_none()
}

/// The serial number of a certificate that still counts.
fn unrevoked<'a>(o: &Observed, issuance: &'a Issuance) -> Option<&'a str> {
    let status = issuance.status.as_ref()?;
    let serial = status.serial_number.as_ref().filter(|serial| !status.revoked_serials.contains(serial))?;
    let elsewhere = ours(o).filter_map(|other| other.status.as_ref());
    let revoked = elsewhere.into_iter().any(|other| other.revoked_serials.contains(serial));
    let lives = status.not_after.as_ref().is_none_or(|end| end.0 > o.now);
    (lives && !revoked).then_some(serial)
}

fn act(effect: Effect) -> Result<Step<certificate::Effect>, Hindrance> {
    Ok(Step::Do(certificate::Effect::Deletion(effect)))
}

fn policy(certificate: &Certificate) -> DeletionPolicy {
    certificate.spec.deletion_policy.unwrap_or_default()
}

fn is_kept(certificate: &Certificate) -> bool {
    certificate.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == REVOKE_FINALIZER)
}

fn name(issuance: &Issuance) -> String {
    issuance.metadata.name.clone().unwrap_or_default()
}

#[cfg(test)]
mod tests;
