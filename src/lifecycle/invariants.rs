//! What must hold whatever happens, over plain state. The same functions judge the exploration of every interleaving
//! and, where that is cheap, the operator at work.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    budget::{Budget, Claim, Standing, may_cost},
    certificate::IssuerView,
    issuance::is_paid,
    policy,
};
use crate::{
    api::{
        Issuance, IssuanceSpec, IssuanceStatus,
        issuance::{Operation, OutcomeClass, State, Supersedes, Trigger},
    },
    pki::Leaf,
};

/// A rule that was broken: its number, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {what}")]
pub struct Violation {
    pub rule: &'static str,
    pub what: String,
}

type Verdict = Result<(), Violation>;

fn broken(rule: &'static str, what: String) -> Verdict {
    Err(Violation { rule, what })
}

/// What a CA says it has accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted<'a> {
    pub operation: Operation,
    /// Of the Issuance that asked for it.
    pub idempotency_key: &'a str,
}

/// I1: of one Certificate's Issuances, at most one is under way.
pub fn one_under_way(issuances: &[Arc<Issuance>]) -> Verdict {
    let under_way = |issuance: &&Arc<Issuance>| {
        !issuance.status.as_ref().and_then(|status| status.state).is_some_and(State::is_final)
    };
    let names: Vec<&str> =
        issuances.iter().filter(under_way).filter_map(|issuance| issuance.metadata.name.as_deref()).collect();
    if names.len() > 1 { broken("I1", format!("{} are under way at once", names.join(" and "))) } else { Ok(()) }
}

/// I2: the CA has accepted no more operations than were recorded, and for money at most one for each Issuance.
pub fn never_twice(issuances: &[Arc<Issuance>], accepted: &[Accepted]) -> Verdict {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for operation in accepted {
        let (all, paid) = counts.entry(operation.idempotency_key).or_default();
        *all += 1;
        *paid += usize::from(is_paid(operation.operation));
    }
    for (key, (all, paid)) in counts {
        let recorded = issuances.iter().filter(|issuance| issuance.spec.idempotency_key == key);
        let submissions: usize = recorded.map(|issuance| issuance.spec.submissions.len()).sum();
        if all > submissions {
            return broken("I2", format!("{all} operations for key {key} were accepted, {submissions} recorded"));
        }
        if paid > 1 {
            return broken("I2", format!("{paid} purchases were made for key {key}"));
        }
    }
    Ok(())
}

/// What an Issuance has come to is never taken back: what ended stays ended, what was placed stays placed, what was
/// accepted stays accepted.
pub fn forward(before: &IssuanceStatus, after: &IssuanceStatus) -> Verdict {
    if let Some(state) = before.state.filter(|state| state.is_final())
        && after.state != Some(state)
    {
        return broken("ledger", format!("{state:?} became {:?}", after.state));
    }
    if before.order_id.is_some() && before.order_id != after.order_id {
        return broken("ledger", format!("order {:?} became {:?}", before.order_id, after.order_id));
    }
    let lost = before.outcomes.iter().find(|old| {
        let now = after.outcomes.iter().find(|new| new.n == old.n);
        now.is_none_or(|new| old.class == OutcomeClass::Accepted && new.class != old.class)
    });
    match lost {
        Some(lost) => broken("ledger", format!("outcome {:?} of submission {} is lost", lost.class, lost.n)),
        None => Ok(()),
    }
}

/// I3: a key is stored before anything is asked for it.
pub fn key_first(public_key_sha256: &str, stored: &[&str]) -> Verdict {
    if stored.contains(&public_key_sha256) {
        Ok(())
    } else {
        broken("I3", format!("key {public_key_sha256} is stored nowhere"))
    }
}

/// What is replaced because it is bad is not asked for again.
pub fn no_bad_key(why: Trigger, supersedes: Option<&Supersedes>, public_key_sha256: &str) -> Verdict {
    let bad = matches!(why, Trigger::KeyCompromise | Trigger::Revoked);
    if bad && supersedes.is_some_and(|old| old.public_key_sha256 == public_key_sha256) {
        return broken("key", format!("key {public_key_sha256} is asked for to replace itself"));
    }
    Ok(())
}

/// I6: a call that may cost counts against the budget of the rule that is for its namespace, where that sets a limit.
/// `labels` are those of the namespace, when it is there.
pub fn reserved(
    spec: &IssuanceSpec,
    namespace: &str,
    labels: Option<&BTreeMap<String, String>>,
    issuer: &IssuerView,
    now: Timestamp,
) -> Verdict {
    let IssuerView::Ready { spec: issuer, kind, reservations, .. } = issuer else {
        return broken("I6", "the issuer cannot be asked".to_owned());
    };
    let Some(labels) = labels else { return broken("I6", "the namespace is going away".to_owned()) };
    let rules = issuer.policy.as_ref().map_or(&[][..], |policy| &policy.rules);
    let rule = match policy::rule_for(*kind, rules, namespace, labels) {
        Ok(rule) => rule,
        Err(why) => return broken("I6", why),
    };
    let budget = rule.and_then(|rule| Budget::of(rules, &rule.name, reservations, now));
    match budget.map(|budget| budget.standing(Some(&Claim::last(namespace, spec)))) {
        None | Some(Standing::Held) => Ok(()),
        Some(_) if !may_cost(spec.cost) => Ok(()),
        Some(_) => broken("I6", "a call that may cost is not reserved".to_owned()),
    }
}

/// I4 and I5: what is served is for the key beside it; it never expires sooner for the sake of its expiry, and keeps
/// every name that is wanted and was served.
pub fn served_well(
    before: Option<&Leaf>,
    after: &Leaf,
    key: &str,
    why: Trigger,
    wanted: &BTreeSet<String>,
    now: Timestamp,
) -> Verdict {
    if after.public_key_sha256 != key {
        return broken("I4", "the certificate is for another key".to_owned());
    }
    if after.not_after <= now {
        return broken("I5", "an expired certificate is served".to_owned());
    }
    let Some(before) = before.filter(|before| before.not_after > now) else { return Ok(()) };
    if let Some(name) = wanted.iter().find(|name| before.dns_names.contains(*name) && !after.dns_names.contains(*name))
    {
        return broken("I5", format!("{name} is wanted and was served"));
    }
    if why == Trigger::Expiring && after.not_after <= before.not_after {
        return broken("I5", format!("a renewal moved the end from {} to {}", before.not_after, after.not_after));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::testing::{NAME, at, days, issued, key_hash, leaf, outcome, submission};

    fn rule(verdict: Verdict) -> Option<&'static str> {
        verdict.err().map(|violation| violation.rule)
    }

    #[test]
    fn one_is_under_way() {
        let all = |states: &[State]| -> Vec<Arc<Issuance>> {
            (1..).zip(states).map(|(revision, state)| Arc::new(issued(revision, *state, 'a'))).collect()
        };
        assert_eq!(rule(one_under_way(&all(&[State::Installed, State::Failed, State::Issued]))), None);
        assert_eq!(rule(one_under_way(&all(&[State::NeedsAttention, State::Installed, State::Issued]))), Some("I1"));
        let mut unwritten = issued(1, State::Pending, 'a');
        unwritten.status = None;
        let both = vec![Arc::new(unwritten), Arc::new(issued(2, State::Submitting, 'b'))];
        assert_eq!(rule(one_under_way(&both)), Some("I1"), "one without a status is under way");
    }

    #[test]
    fn nothing_is_accepted_that_was_not_recorded_and_nothing_bought_twice() {
        let mut issuance = issued(1, State::Submitted, 'a');
        let key = issuance.spec.idempotency_key.clone();
        let one = |operation| Accepted { operation, idempotency_key: &key };
        let judge =
            |issuance: &Issuance, accepted: &[Accepted]| rule(never_twice(&[Arc::new(issuance.clone())], accepted));
        assert_eq!(judge(&issuance, &[]), None);
        assert_eq!(judge(&issuance, &[one(Operation::Order)]), None);
        assert_eq!(judge(&issuance, &[one(Operation::Reissue); 2]), Some("I2"), "one submission");
        assert_eq!(rule(never_twice(&[], &[one(Operation::Reissue)])), Some("I2"), "by nobody");
        issuance.spec.submissions.push(submission(2, 1));
        assert_eq!(judge(&issuance, &[one(Operation::Reissue); 2]), None, "free, and said twice");
        for operation in [Operation::Order, Operation::Renew] {
            assert_eq!(judge(&issuance, &[one(operation); 2]), Some("I2"), "paid twice");
        }
    }

    #[test]
    fn a_ledger_goes_forward() {
        let of = |state, order: Option<&str>, classes: &[OutcomeClass]| IssuanceStatus {
            state: Some(state),
            order_id: order.map(str::to_owned),
            outcomes: (1..).zip(classes).map(|(n, class)| outcome(n, *class, 1)).collect(),
            ..IssuanceStatus::default()
        };
        use OutcomeClass::{Accepted, Ambiguous};
        let before = of(State::Submitted, Some("1"), &[Accepted]);
        assert_eq!(rule(forward(&IssuanceStatus::default(), &before)), None);
        assert_eq!(rule(forward(&before, &of(State::Issued, Some("1"), &[Accepted, Ambiguous]))), None);
        for after in [
            of(State::Issued, Some("2"), &[Accepted]),
            of(State::Issued, None, &[Accepted]),
            of(State::Issued, Some("1"), &[Ambiguous]),
            of(State::Issued, Some("1"), &[]),
        ] {
            assert_eq!(rule(forward(&before, &after)), Some("ledger"), "{after:?}");
        }
        let ended = of(State::Failed, None, &[Ambiguous]);
        assert_eq!(rule(forward(&ended, &of(State::Submitted, None, &[Ambiguous]))), Some("ledger"));
        assert_eq!(rule(forward(&ended, &of(State::Failed, Some("1"), &[Accepted]))), None, "a late answer");
    }

    #[test]
    fn what_is_served_is_only_ever_improved() {
        let (wanted, now) = ([NAME.to_owned()].into(), at(0));
        let judge = |before: Option<&Leaf>, after: &Leaf, why| {
            rule(served_well(before, after, &key_hash('a'), why, &wanted, now))
        };
        let until = |end| Leaf { not_after: days(end), ..leaf() };
        assert_eq!(judge(None, &leaf(), Trigger::FirstIssue), None);
        assert_eq!(judge(None, &Leaf { public_key_sha256: key_hash('b'), ..leaf() }, Trigger::FirstIssue), Some("I4"));
        assert_eq!(judge(None, &until(0), Trigger::FirstIssue), Some("I5"));
        assert_eq!(judge(Some(&until(10)), &until(11), Trigger::Expiring), None);
        assert_eq!(judge(Some(&until(10)), &until(10), Trigger::Expiring), Some("I5"));
        assert_eq!(judge(Some(&until(10)), &until(10), Trigger::KeyCompromise), None);
        let nameless = Leaf { dns_names: BTreeSet::new(), ..leaf() };
        assert_eq!(judge(Some(&leaf()), &nameless, Trigger::SpecChanged), Some("I5"));
        assert_eq!(judge(Some(&until(0)), &nameless, Trigger::SpecChanged), None, "what has expired is no loss");
        assert_eq!(rule(key_first("a", &["b"])), Some("I3"));
    }

    #[test]
    fn a_bad_key_does_not_replace_itself() {
        let old = Supersedes { public_key_sha256: "a".to_owned(), serial_numbers: Vec::new() };
        let judge = |why, key| rule(no_bad_key(why, Some(&old), key));
        assert_eq!(judge(Trigger::KeyCompromise, "a"), Some("key"));
        assert_eq!(judge(Trigger::Revoked, "a"), Some("key"));
        assert_eq!(judge(Trigger::KeyCompromise, "b"), None);
        assert_eq!(judge(Trigger::Expiring, "a"), None, "a CSR may be used again");
    }
}
