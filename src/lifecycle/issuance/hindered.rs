//! What keeps an operation from going on beside the provider: its issuer, its policy, the budget of its rule.

use std::time::Duration;

use super::{Effect, Observed};
use crate::{
    api::{
        conditions::{self, CIRCUIT_OPEN, HINDERED, reason},
        issuance::State,
        issuer::PolicyRule,
    },
    lifecycle::{
        Step, approval,
        budget::{Budget, Claim, Standing, may_cost},
        certificate::{IssuerView, LOOK_AGAIN, until},
        circuit, policy,
    },
};

/// A reason and a sentence, as they stand in the condition, and when to look again.
struct Hindrance {
    reason: &'static str,
    message: String,
    again: Duration,
}

impl Hindrance {
    fn new(reason: &'static str, message: String) -> Self {
        Self { reason, message, again: LOOK_AGAIN }
    }
}

/// Reasons why one more submission is not made.
const UNPAID: [&str; 3] = [reason::BUDGET_EXHAUSTED, reason::ISSUER_NOT_READY, reason::POLICY_REFUSED];

/// The next step, unless something is in its way: that is written down once, and taken back before anything else.
pub(super) fn guard(o: &Observed, step: Step<Effect>) -> Step<Effect> {
    let told = conditions::condition(&o.status.conditions, HINDERED);
    let unpaid = told.is_some_and(|told| UNPAID.contains(&told.reason.as_str()));
    let next = match (in_the_way(o), &step) {
        (Some(hindrance), _) => Err(hindrance),
        // One more submission is what comes of these: the provider is not searched again until it may be made.
        (None, Step::Do(Effect::Look | Effect::Append) | Step::Wait(_)) if unpaid => {
            paid_for(o, Step::Do(Effect::Append)).and(Ok(step))
        }
        (None, _) => paid_for(o, step),
    };
    match next {
        Ok(_) if told.is_some() => Step::Do(Effect::Unhinder),
        Ok(step) => step,
        Err(hindrance) if told.is_some_and(|told| told.message == hindrance.message) => Step::Wait(hindrance.again),
        Err(Hindrance { reason, message, .. }) => Step::Do(Effect::Hinder { reason, message }),
    }
}

/// An operation belongs to the account it was recorded for.
fn in_the_way(o: &Observed) -> Option<Hindrance> {
    let (issuer, recorded) = (&o.spec.issuer_ref, &o.spec.account);
    match o.issuer {
        IssuerView::Missing => {
            let message = format!(
                "{issuer} does not exist any more: this operation at account {} goes on when it is there again",
                recorded.id
            );
            Some(Hindrance::new(reason::ISSUER_NOT_FOUND, message))
        }
        IssuerView::Ready { account, .. } if account != recorded => {
            let message = format!(
                "{issuer} points to account {} at {} by now: this operation at account {} at {} goes on when it points \
                 there again",
                account.id, account.host, recorded.id, recorded.host
            );
            Some(Hindrance::new(reason::ISSUER_CHANGED, message))
        }
        // Nor is anything done beside the provider: it would go on from what the provider says.
        IssuerView::Ready { .. } | IssuerView::NotReady(_) => {
            o.outage.map(|since| Hindrance::new(CIRCUIT_OPEN, circuit::rests(issuer, since)))
        }
    }
}

/// One more submission that may cost needs what the first one needed: a rule that is for its namespace, and room in it.
fn paid_for(o: &Observed, step: Step<Effect>) -> Result<Step<Effect>, Hindrance> {
    if step != Step::Do(Effect::Append) || !may_cost(o.spec.cost) {
        return Ok(step);
    }
    let Some(labels) = o.namespace_labels else { return Ok(Step::Wait(Duration::from_secs(10))) };
    let (spec, kind, reservations) = match o.issuer {
        IssuerView::Ready { spec, kind, reservations, .. } => (spec, *kind, reservations),
        IssuerView::NotReady(why) => {
            let hindrance = Hindrance::new(reason::ISSUER_NOT_READY, format!("{}: {why}", o.spec.issuer_ref));
            return Err(Hindrance { again: Duration::from_secs(300), ..hindrance });
        }
        IssuerView::Missing => return Ok(Step::Wait(LOOK_AGAIN)),
    };
    let rules = spec.policy.as_ref().map_or(&[][..], |policy| &policy.rules);
    let rule = policy::rule_for(kind, rules, o.namespace, labels)
        .map_err(|why| Hindrance::new(reason::POLICY_REFUSED, why))?;
    if let Some(asked) = rule.and_then(|rule| approve(o, rule)) {
        return Ok(asked);
    }
    let Some(budget) = rule.and_then(|rule| Budget::of(rules, &rule.name, reservations, o.world_now)) else {
        return Ok(step);
    };
    let claim = Claim::next(o.namespace, o.spec, o.status);
    match budget.standing(Some(&claim)) {
        Standing::Held => Ok(step),
        Standing::Free => Ok(Step::Do(Effect::Reserve { rule: budget.rule.to_owned(), claim })),
        Standing::Exhausted(next) => {
            let hindrance = Hindrance::new(reason::BUDGET_EXHAUSTED, budget.exhausted(next));
            Err(Hindrance { again: until(next, o.world_now).min(LOOK_AGAIN), ..hindrance })
        }
    }
}

/// A person is asked once, before the first submission.
fn approve(o: &Observed, rule: &PolicyRule) -> Option<Step<Effect>> {
    let asks = o.spec.submissions.is_empty() && approval::required(rule, o.spec.cost);
    if !asks || approval::approved(o.status) {
        return None;
    }
    Some(match o.status.state {
        Some(State::AwaitingApproval) => Step::Wait(LOOK_AGAIN),
        _ => Step::Do(Effect::AskApproval { message: approval::question(o.spec, o.namespace, o.now) }),
    })
}
