//! What happens beside the operator: answers, people, time, and what goes wrong.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{
    house::{House, Turn},
    issuance::not_sent,
    search::{Next, Scenario, satisfied},
    world::{Flight, Process, Told, Unwritten, World},
};
use crate::{
    api::{
        Certificate,
        conditions::{APPROVED, reason},
        issuance::State,
        meta,
    },
    lifecycle::{
        certificate::{CsrView, SecretView},
        issuance::is_paid,
        testing::{self, resolved},
    },
    provider::{Accepted, CallError},
};

/// What may become of the call that is on its way.
pub fn answers(scenario: &Scenario, world: &World, next: &mut Next) {
    let Some(flight) = world.flight.clone() else { return };
    // What is told instead of what was accepted.
    type Instead = Option<Result<Option<Accepted>, CallError>>;
    let mut outcome = |what: &str, costs: bool, lag: SignedDuration, commits: bool, instead: Instead| {
        let mut after = world.clone();
        after.flight = None;
        if costs {
            after.budget.answers -= 1;
            after.budget.all -= 1;
        }
        if !lag.is_zero() {
            after.budget.lags -= 1;
            after.budget.all -= 1;
        }
        let accepted = if commits { accept(&mut after, &flight, lag) } else { None };
        match (instead, accepted) {
            (Some(instead), _) => deliver(&mut after, &flight, instead),
            (None, Some(answer)) => deliver(&mut after, &flight, answer),
            (None, None) => {}
        }
        next.push((format!("the call of submission {}: {what}", flight.n), Ok(after)));
    };
    let ambiguous = || Err(CallError::Ambiguous { call: "submit", message: "reset".to_owned() });
    let hidden = world.budget.lags > 0 && world.budget.all > 0 && !scenario.lag.is_zero();
    outcome("accepted", false, SignedDuration::ZERO, true, None);
    if hidden {
        outcome("accepted, hidden at first", false, scenario.lag, true, None);
    }
    if world.budget.answers == 0 || world.budget.all == 0 {
        return;
    }
    outcome("accepted, its answer lost", true, SignedDuration::ZERO, true, Some(ambiguous()));
    if hidden && world.budget.all > 1 {
        outcome("accepted, its answer lost, hidden at first", true, scenario.lag, true, Some(ambiguous()));
    }
    outcome("accepted, without an id", true, SignedDuration::ZERO, true, Some(Ok(None)));
    outcome("lost on its way", true, SignedDuration::ZERO, false, Some(ambiguous()));
    outcome("not sent", true, SignedDuration::ZERO, false, Some(Err(not_sent())));
    let (code, message) = ("code".to_owned(), "words".to_owned());
    let blocked =
        CallError::Blocked { call: "submit", code: code.clone(), message: message.clone(), action: "pay".to_owned() };
    outcome("blocked", true, SignedDuration::ZERO, false, Some(Err(blocked)));
    let rejected = CallError::Rejected { call: "submit", code, message };
    outcome("rejected", true, SignedDuration::ZERO, false, Some(Err(rejected)));
}

/// `None`: nobody knows the call any more.
pub fn accept(world: &mut World, flight: &Flight, lag: SignedDuration) -> Option<Result<Option<Accepted>, CallError>> {
    let spec = world.issuances.get(&flight.revision)?.newest.object.spec.clone();
    let (code, message) = ("not_editable".to_owned(), "approved".to_owned());
    let accepted = world.ca.accept(&spec, world.now, lag);
    Some(accepted.map(Some).ok_or(CallError::Rejected { call: "submit", code, message }))
}

/// An administrator approves what waits at the CA.
pub fn approved(world: &World) -> Option<World> {
    let mut after = world.clone();
    after.ca.approve().map(|()| after)
}

/// To whoever called, if it lives.
pub fn deliver(world: &mut World, flight: &Flight, answer: Result<Option<Accepted>, CallError>) {
    let caller = world.processes.iter_mut().find(|process| process.number == flight.process);
    let run = caller.and_then(|caller| caller.runs.get_mut(&flight.revision));
    if let Some(run) = run.filter(|run| run.unwritten.is_some()) {
        run.unwritten = Some(Told::new(Unwritten::Answered(flight.n, answer)));
    }
}

/// The account serves again.
pub fn closed(world: &World) -> Option<World> {
    world.outage.then(|| World { outage: false, ..world.clone() })
}

/// The user lets a suspended Certificate go on.
pub fn resumed(world: &World) -> Option<World> {
    world.certificate.newest.object.spec.suspend.filter(|suspended| *suspended)?;
    let mut after = world.clone();
    edit(&mut after, |certificate| certificate.spec.suspend = None);
    Some(after)
}

/// Whoever holds the key puts a CSR for another one into the Secret, once asked for it.
pub fn asked_for_csr(house: &House, world: &World) -> Option<World> {
    house.needs_csr(world).then(|| with_new_csr(world))
}

fn with_new_csr(world: &World) -> World {
    let mut after = world.clone();
    after.made += 1;
    after.csr = Told::new(CsrView::Read(testing::csr(&format!("csr-{}", after.made))));
    after
}

pub fn clock(house: &House, world: &World, wakes: Timestamp, next: &mut Next) {
    let mut after = World { now: wakes.max(world.now + SignedDuration::from_secs(1)), ..world.clone() };
    // Who has lost the lease ends as soon as it notices.
    after.processes.retain(|process| process.lease || process.frozen);
    if matches!(world.state(), Some(State::NeedsAttention | State::AwaitingApproval)) {
        next.extend(person(world).map(|(what, answered)| (what, Ok(answered))));
        if !world.ca.hides(world.now) {
            return;
        }
    } else if satisfied(house, world) {
        return;
    }
    next.push((format!("the clock shows {}", after.now), Ok(after)));
}

/// Who looks at the provider's own pages sees what is there.
pub fn person(world: &World) -> Option<(String, World)> {
    let issuance = world.unresolved()?.clone();
    let placed = world
        .ca
        .accepted
        .iter()
        .find(|op| op.public_key == issuance.spec.request.public_key_sha256 && is_paid(op.operation));
    let answer = match placed {
        _ if world.state() == Some(State::AwaitingApproval) => {
            Condition { type_: APPROVED.to_owned(), ..resolved("Approved", "") }
        }
        Some(op) => resolved(reason::PLACED, &op.order_id),
        None => resolved(reason::NOT_PLACED, ""),
    };
    let mut after = world.clone();
    let stored = after.issuances.get_mut(&issuance.spec.revision)?;
    let mut next = issuance.as_ref().clone();
    let conditions = &mut next.status.get_or_insert_default().conditions;
    if conditions.iter().any(|condition| condition.type_ == answer.type_) {
        return None;
    }
    conditions.push(answer.clone());
    stored.write(next);
    Some((format!("a person says {} {} {}", answer.type_, answer.reason, answer.message), after))
}

/// What goes wrong, and what users do, each as often as the budget says.
pub fn disturbances(house: &House, world: &World, next: &mut Next) {
    let mut disturb = |what: &str, change: &dyn Fn(&mut World) -> Option<()>| {
        let mut after = world.clone();
        after.budget.all -= 1;
        if change(&mut after).is_some() {
            next.push((what.to_owned(), Ok(after)));
        }
    };
    disturb("the account is not called any more", &|after| {
        after.budget.outages = after.budget.outages.checked_sub(1)?;
        after.outage = true;
        Some(())
    });
    disturb("the process dies, another starts", &|after| {
        after.budget.crashes = after.budget.crashes.checked_sub(1)?;
        after.started += 1;
        after.processes[0] = Process::new(after.started, true);
        Some(())
    });
    disturb("the lease goes to another process", &|after| {
        after.budget.handovers = after.budget.handovers.checked_sub(1)?;
        after.started += 1;
        after.processes[0].lease = false;
        after.processes.insert(0, Process::new(after.started, true));
        Some(())
    });
    disturb("the process freezes, the lease goes to another", &|after| {
        after.budget.handovers = after.budget.handovers.checked_sub(1)?;
        after.started += 1;
        after.processes[0].lease = false;
        after.processes[0].frozen = true;
        after.processes.insert(0, Process::new(after.started, true));
        Some(())
    });
    disturb("nothing runs for 20 minutes", &|after| {
        after.budget.stalls = after.budget.stalls.checked_sub(1)?;
        after.flight.is_none().then(|| after.later(1200))
    });
    disturb("the Secret is deleted", &|after| {
        after.budget.deleted_secrets = after.budget.deleted_secrets.checked_sub(1)?;
        after.secret = (*after.secret.value != SecretView::Absent).then(|| Told::new(SecretView::Absent))?;
        Some(())
    });
    disturb("a name is added, or taken away again", &|after| {
        after.budget.edits = after.budget.edits.checked_sub(1)?;
        edit(after, |certificate| {
            let names = &mut certificate.spec.dns_names;
            match names.len() {
                1 => names.push("www.example.com".to_owned()),
                _ => names.truncate(1),
            }
        });
        Some(())
    });
    disturb("it is suspended", &|after| {
        after.budget.suspensions = after.budget.suspensions.checked_sub(1)?;
        edit(after, |certificate| certificate.spec.suspend = Some(true));
        Some(())
    });
    disturb("a compromise is reported", &|after| {
        after.budget.tokens = after.budget.tokens.checked_sub(1)?;
        let left = after.budget.tokens;
        edit(after, |certificate| {
            let annotations = certificate.metadata.annotations.get_or_insert_default();
            annotations.insert(meta::REISSUE_REQUESTED.to_owned(), format!("token-{left}"));
            annotations.insert(meta::REISSUE_REASON.to_owned(), meta::REASON_KEY_COMPROMISE.to_owned());
        });
        Some(())
    });
    disturb("there is a new CSR", &|after| {
        let csrs = after.budget.csrs.checked_sub(1)?;
        *after = with_new_csr(after);
        after.budget.csrs = csrs;
        Some(())
    });
    disturb("ledger and waiting keys are deleted", &|after| {
        after.budget.lost_ledgers = after.budget.lost_ledgers.checked_sub(1)?;
        // What nobody shows yet, and nothing remembers, nobody can find.
        let findable = after.flight.is_none() && !after.ca.hides(after.now);
        let shown = matches!(house.certificate(&mut after.clone(), 0, false), Ok(Turn::Rests(_)));
        if !findable || !shown || after.issuances.is_empty() {
            return None;
        }
        after.lost_ledger = true;
        after.issuances.clear();
        after.keys.clear();
        for process in &mut after.processes {
            process.runs.clear();
        }
        Some(())
    });
}

fn edit(world: &mut World, change: impl FnOnce(&mut Certificate)) {
    let mut next = world.certificate.newest.object.as_ref().clone();
    let before = next.spec.clone();
    change(&mut next);
    if next.spec != before {
        next.metadata.generation = next.metadata.generation.map(|generation| generation + 1);
    }
    world.certificate.write(next);
}
