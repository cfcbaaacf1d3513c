//! Certificates that only people can have issued, on the provider's pages: watched for, and people told what to do there
//! and reminded, since the mail that has to be answered is what is forgotten.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    Step,
    issuance::{Effect, Observed},
};
use crate::{
    api::{
        IssuanceSpec,
        conditions::{ACTION_REQUIRED, condition, reason},
        issuance::{self, Trigger},
        meta,
    },
    provider::{ByHand, Collectable, Stage},
};

/// Names that a message lists.
const MOST_NAMES: usize = 5;
const A_DAY: i64 = 24;

/// What is issued is taken, else people are asked and reminded. The key waits in its Secret all the while.
pub(super) fn watch(o: &Observed) -> Step<Effect> {
    let Some(seen) = &o.seen.by_hand else {
        return match o.next_poll.is_zero() {
            true => Step::Do(Effect::Watch),
            false => Step::Wait(o.next_poll),
        };
    };
    if let Some(found) = seen.collectable.as_ref().filter(|found| serves(o.spec, found)) {
        return Step::Do(Effect::TakeUp { order_id: found.order_id.clone() });
    }
    let (page, message) = question(o.spec, seen, o.world_now);
    let told = condition(&o.status.conditions, ACTION_REQUIRED).filter(|told| told.reason == reason::ISSUE_BY_HAND);
    if told.is_none_or(|told| told.message != message) {
        return Step::Do(Effect::AskByHand { page, message });
    }
    match o.status.by_hand.as_ref().and_then(|asked| reminder(asked, o.world_now)) {
        Some(n) => Step::Do(Effect::Remind { n, message: reminded(&message, o.status.by_hand.as_ref(), o.world_now) }),
        None => Step::Wait(o.next_poll.max(Duration::from_secs(1))),
    }
}

/// Not what is to be replaced: for a bad key, or ending no later.
fn serves(spec: &IssuanceSpec, found: &Collectable) -> bool {
    let bad = matches!(spec.reason, Trigger::KeyCompromise | Trigger::Revoked);
    let same_key = spec.supersedes.as_ref().is_some_and(|old| old.public_key_sha256 == found.public_key_sha256);
    let end = spec.parent.as_ref().and_then(|parent| parent.order_valid_till.as_ref());
    let longer = end.is_none_or(|end| found.not_after > end.0);
    !(bad && same_key) && (spec.reason != Trigger::Expiring || longer)
}

/// The newest reminder that is due and was not given: after one, three and seven days, then every week.
fn reminder(asked: &issuance::ByHand, now: Timestamp) -> Option<u32> {
    let days = now.duration_since(asked.since.0).as_hours() / A_DAY;
    let due = match days {
        ..1 => 0,
        1..3 => 1,
        3..7 => 2,
        _ => 2 + u32::try_from(days / 7).unwrap_or(u32::MAX - 2),
    };
    (due > asked.reminders).then_some(due)
}

fn reminded(message: &str, asked: Option<&issuance::ByHand>, now: Timestamp) -> String {
    let age = asked.map_or(SignedDuration::ZERO, |asked| now.duration_since(asked.since.0));
    format!("waits for {} days: {message}", age.as_hours() / A_DAY)
}

/// Where people go, and what they do there, with what.
fn question(spec: &IssuanceSpec, seen: &ByHand, now: Timestamp) -> (String, String) {
    let csr = meta::issuance_name(&spec.certificate_ref.name, spec.revision);
    let csr = format!(
        "with the CSR of Issuance {csr} (kubectl get issuances.evercert.dev {csr} -o jsonpath='{{.spec.request.csr}}')"
    );
    let mail = "then have somebody follow the link in the mail that the CA sends to admin@, administrator@, hostmaster@, \
                postmaster@ or webmaster@ of the domain, and confirm the receipt on the certificate's page";
    let names = names(spec);
    // A re-issued certificate has another key; its names and its end stay.
    let reissuable = !matches!(spec.reason, Trigger::FirstIssue | Trigger::Expiring | Trigger::SpecChanged);
    let buy = |why: String| {
        let page = seen.page.clone();
        let message = format!("{why}: buy one for {names} on {page}, {csr}; {mail}");
        (page, message)
    };
    let Some((id, stage)) = &seen.newest else { return buy(format!("there is no certificate for {names} yet")) };
    let page = format!("{}/{id}", seen.page);
    match stage {
        Stage::Issued(Some(end)) if *end <= now => buy(format!("certificate {id} has expired and cannot be re-issued")),
        Stage::Ended(word) => buy(format!("certificate {id} is {word} and cannot be re-issued")),
        Stage::Issued(_) if spec.reason == Trigger::Expiring => {
            buy(format!("certificate {id} expires, and re-issued it would last no longer"))
        }
        Stage::Issued(_) if reissuable => {
            let message = format!("have certificate {id} for {names} re-issued on {page}, {csr}; {mail}");
            (page, message)
        }
        Stage::Issued(_) => {
            buy(format!("certificate {id} cannot be used for {names}, and re-issued it would be for the same"))
        }
        Stage::UnderWay(word) => {
            let message =
                format!("certificate {id} for {names} is {word}, and is collected once it is issued: {mail}, {page}");
            (page, message)
        }
    }
}

fn names(spec: &IssuanceSpec) -> String {
    let all = &spec.request.dns_names;
    let listed = all.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(", ");
    match all.len().checked_sub(MOST_NAMES) {
        None | Some(0) => listed,
        Some(more) => format!("{listed} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
