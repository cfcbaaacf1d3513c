//! The issuance controller: one effect, or one write, at a time.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{
    house::{Broken, House, POLL, Result, SOON, Turn, at_rest_nothing_is_asked_for, submission},
    world::{Flight, Run, Told, Unwritten, World},
};
use crate::{
    api::{
        Issuance,
        conditions::{self, RESOLVED},
    },
    lifecycle::{
        Step,
        certificate::IssuerView,
        issuance::{self, Wish},
        plan::StoredKey,
        record::{Change, Delivered},
        testing,
    },
    provider::{CallError, Found, Progress, Standing},
};

impl House {
    /// A turn of the issuance controller of one process, for one Issuance.
    pub fn issuance(&self, world: &mut World, process: usize, revision: i64, stale: bool) -> Result<Turn> {
        let Some(stored) = world.issuances.get(&revision) else { return Ok(Turn::Rests(Timestamp::MAX)) };
        let copy = if stale { stored.before.clone() } else { None }.unwrap_or_else(|| stored.newest.clone());
        let wish = self.wish(world, &copy.object, stale);
        let begun = world.processes[process].runs.remove(&revision);
        let mut run =
            begun.unwrap_or_else(|| Run { issuance: copy, seen: Told::new(Default::default()), unwritten: None, wish });
        run.wish = wish;
        if let Some(unwritten) = run.unwritten.take() {
            let change = match unwritten.value.as_ref() {
                Unwritten::Called => {
                    run.unwritten = Some(unwritten);
                    world.processes[process].runs.insert(revision, run);
                    return Ok(Turn::Rests(Timestamp::MAX));
                }
                Unwritten::Appended => Change::Appended,
                Unwritten::Looked(n, found) => Change::Looked { n: *n, found: found.clone() },
                Unwritten::Answered(n, answer) => {
                    world.processes[process].next_poll = world.now;
                    Change::Submitted { n: *n, answer: answer.clone() }
                }
            };
            return self.write(world, process, run, change);
        }
        let effect = match self.decide(world, process, &run) {
            Step::Do(effect) => effect,
            Step::Wait(pause) => {
                let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
                return Ok(Turn::Rests(world.now.saturating_add(pause).unwrap_or(Timestamp::MAX)));
            }
            Step::Done => return Ok(Turn::Rests(Timestamp::MAX)),
        };
        let spec = run.issuance.object.spec.clone();
        match effect {
            issuance::Effect::Look => self.look(world, process, run),
            issuance::Effect::Reserve { claim, .. } => {
                let reserved = self.reserve(world, &claim);
                self.keep(world, process, run);
                Ok(reserved.map_or(Turn::Rests(world.now + SOON), Turn::Acted))
            }
            issuance::Effect::GiveBack { .. } => {
                world.processes[process].intents.remove(&revision);
                run.unwritten = Some(Told::new(Unwritten::Answered(last_of(&run), Err(not_sent()))));
                self.keep(world, process, run);
                Ok(Turn::Acted("withdraws"))
            }
            issuance::Effect::Supersede => self.write(world, process, run, Change::Superseded),
            issuance::Effect::Append => self.append(world, process, run),
            issuance::Effect::Submit => {
                if !stale {
                    at_rest_nothing_is_asked_for(&world.certificate.newest.object)?;
                }
                self.submit(world, process, run)
            }
            issuance::Effect::Poll => {
                world.processes[process].next_poll = world.now + POLL;
                let status = run.issuance.object.status.clone().unwrap_or_default();
                let order_id = status.order_id.unwrap_or_default();
                let progress = match world.ca.makes_keys {
                    true => world.ca.stage(&order_id, status.request_id.is_some()),
                    false => {
                        let key = &spec.request.public_key_sha256;
                        world.ca.progress(&order_id, key, &world.earlier(&spec), world.now)
                    }
                };
                let order_valid_till = world.ca.order(&order_id, world.now).and_then(|facts| facts.valid_till);
                let standing = Standing { progress, order_valid_till, delivered: None };
                run.seen = Told::new(issuance::Seen { standing: Some(standing.clone()), ..Default::default() });
                self.write(world, process, run, Change::Polled(standing))
            }
            issuance::Effect::Download { certificate_id } => {
                let Some(leaf) = world.ca.certificate(&certificate_id) else {
                    return Ok(Turn::Rests(world.now + POLL));
                };
                let (serial_number, not_after) = (leaf.serial, leaf.not_after);
                let chain = "chain".to_owned();
                let public_key_sha256 = Some(leaf.public_key_sha256).filter(|_| world.ca.makes_keys);
                if let Some(key) = &public_key_sha256 {
                    let given = testing::stored_key('a', &[testing::NAME]);
                    world.keys.insert(revision, Told::new(StoredKey { public_key_sha256: key.clone(), ..given }));
                }
                let other_chain = None;
                let delivered =
                    Delivered { certificate_id, chain, serial_number, not_after, other_chain, public_key_sha256 };
                self.write(world, process, run, Change::Believed(delivered))
            }
            issuance::Effect::Issue => {
                let order_id = run.issuance.object.status.as_ref().and_then(|status| status.order_id.clone());
                world.ca.issue(&order_id.unwrap_or_default());
                world.processes[process].next_poll = world.now;
                let seen = run.seen.value.as_ref().clone();
                run.seen = Told::new(issuance::Seen { standing: None, issue_asked: true, ..seen });
                self.keep(world, process, run);
                Ok(Turn::Acted("has it issued"))
            }
            issuance::Effect::Watch | issuance::Effect::AskByHand { .. } | issuance::Effect::Remind { .. } => {
                unreachable!("nothing is issued by hand here")
            }
            issuance::Effect::Revoke { serial } => {
                self.write(world, process, run, Change::Revoked { serial, left: None })
            }
            issuance::Effect::Fail { class, message } => {
                self.write(world, process, run, Change::Failed(class, message))
            }
            issuance::Effect::AskPerson { message } => self.write(world, process, run, Change::AskedPerson(message)),
            issuance::Effect::TakeUp { order_id } => {
                world.processes[process].next_poll = world.now;
                self.write(world, process, run, Change::Taken(order_id))
            }
            issuance::Effect::Take { order_id } => {
                world.processes[process].next_poll = world.now;
                let change = match world.ca.progress(
                    &order_id,
                    &spec.request.public_key_sha256,
                    &world.earlier(&spec),
                    world.now,
                ) {
                    Progress::Refused { reason } => Change::AskedPerson(reason),
                    _ => Change::Taken(order_id),
                };
                self.write(world, process, run, change)
            }
            issuance::Effect::Cancel => unreachable!("nobody deletes the Certificate"),
            issuance::Effect::AskApproval { message } => {
                self.write(world, process, run, Change::AskedApproval(message))
            }
            issuance::Effect::Deny { message } => self.write(world, process, run, Change::Denied(message)),
            issuance::Effect::Hinder { reason, message } => {
                self.write(world, process, run, Change::Hindered(Some((reason, message))))
            }
            issuance::Effect::Unhinder => self.write(world, process, run, Change::Hindered(None)),
            issuance::Effect::Dcv(_)
            | issuance::Effect::ReadOrganization
            | issuance::Effect::AddFinalizer
            | issuance::Effect::RemoveFinalizer => {
                unreachable!("nothing is validated here")
            }
        }
    }

    fn decide(&self, world: &World, process: usize, run: &Run) -> Step<issuance::Effect> {
        let acting = &world.processes[process];
        let status = run.issuance.object.status.clone().unwrap_or_default();
        let issuer = self.seen_issuer(world);
        issuance::decide(&issuance::Observed {
            spec: &run.issuance.object.spec,
            status: &status,
            deleted: None,
            finalizer: false,
            fresh: self.is_fresh(world, process, run),
            holder: &acting.holder(),
            installation: testing::INSTALLATION,
            mark: testing::MARK,
            ambiguous_paid: self.ambiguous_paid,
            self_check: false,
            wish: run.wish,
            seen: &run.seen.value,
            next_poll: Duration::try_from(acting.next_poll.duration_since(world.now)).unwrap_or_default(),
            next_ask: Duration::ZERO,
            namespace: "web",
            namespace_labels: Some(&BTreeMap::new()),
            issuer: &issuer,
            outage: world.outage.then_some(Timestamp::UNIX_EPOCH),
            now: world.now,
            world_now: world.now,
            times: self.times,
        })
    }

    fn wish(&self, world: &World, issuance: &Issuance, stale: bool) -> Wish {
        let certificate = world.certificate.before.as_ref().filter(|_| stale).unwrap_or(&world.certificate.newest);
        let issuer = match &self.issuer {
            IssuerView::Ready { spec, .. } => Some(spec.as_ref()),
            _ => None,
        };
        let status = issuance.status.clone().unwrap_or_default();
        issuance::wish(Some(&certificate.object), issuer, &issuance.spec, &status)
    }

    fn is_fresh(&self, world: &World, process: usize, run: &Run) -> bool {
        let intents = &world.processes[process].intents;
        intents.get(&run.issuance.object.spec.revision) == Some(&last_of(run)) || self.breaks(Broken::UnfreshIsFresh)
    }

    fn look(&self, world: &mut World, process: usize, mut run: Run) -> Result<Turn> {
        let spec = &run.issuance.object.spec;
        let fresh = self.is_fresh(world, process, &run);
        let found = match world.ca.find(spec, &world.earlier(spec), world.now) {
            Found::OtherKey(_) if self.breaks(Broken::OtherKeyForgotten) => Found::Absent,
            found => found,
        };
        world.processes[process].next_poll = world.now + POLL;
        if found != Found::Absent {
            world.processes[process].intents.remove(&spec.revision);
        }
        run.seen = Told::new(issuance::Seen { found: Some(found.clone()), ..run.seen.value.as_ref().clone() });
        if !fresh || found != Found::Absent {
            run.unwritten = Some(Told::new(Unwritten::Looked(last_of(&run), found)));
        }
        self.keep(world, process, run);
        Ok(Turn::Acted("looked"))
    }

    /// Guarded by the version the run has.
    fn append(&self, world: &mut World, process: usize, mut run: Run) -> Result<Turn> {
        let revision = run.issuance.object.spec.revision;
        let lease = world.processes[process].lease;
        let newest = world.issuances.get(&revision).map(|stored| stored.newest.clone());
        let Some(newest) = newest.filter(|_| lease) else { return Ok(Turn::Rests(world.now + SOON)) };
        if newest.version != run.issuance.version {
            return Ok(Turn::Rests(world.now + SOON));
        }
        let mut next = newest.object.as_ref().clone();
        let n = next.spec.submissions.last().map_or(1, |last| last.n + 1);
        next.spec.submissions.push(submission(world, process, n));
        if let Some(stored) = world.issuances.get_mut(&revision) {
            stored.write(next);
            run.issuance = stored.newest.clone();
        }
        world.processes[process].intents.insert(revision, n);
        run.seen = Told::new(issuance::Seen { found: None, ..run.seen.value.as_ref().clone() });
        run.unwritten = Some(Told::new(Unwritten::Appended));
        self.keep(world, process, run);
        Ok(Turn::Acted("a submission is appended"))
    }

    fn submit(&self, world: &mut World, process: usize, mut run: Run) -> Result<Turn> {
        let (revision, last, careless) =
            (run.issuance.object.spec.revision, last_of(&run), self.breaks(Broken::NoFence));
        let Some(stored) = world.issuances.get(&revision) else { return Ok(Turn::Rests(Timestamp::MAX)) };
        let newest = &stored.newest.object;
        let may = newest.metadata.uid == run.issuance.object.metadata.uid
            && issuance::may_call(&run.issuance.object.spec, &newest.spec, newest.status.as_ref());
        if (!may && !careless) || world.flight.is_some() {
            return Ok(Turn::Rests(world.now + SOON));
        }
        let reserved = self.reserved(world, &run.issuance.object.spec);
        let acting = &mut world.processes[process];
        acting.intents.remove(&revision);
        let called = (acting.lease || careless) && (reserved.is_ok() || self.breaks(Broken::NothingReserved));
        if called {
            reserved?;
            world.flight = Some(Flight { process: acting.number, revision, n: last });
        }
        run.seen = Told::new(issuance::Seen { found: None, ..run.seen.value.as_ref().clone() });
        let unwritten = if called { Unwritten::Called } else { Unwritten::Answered(last, Err(not_sent())) };
        run.unwritten = Some(Told::new(unwritten));
        self.keep(world, process, run);
        Ok(Turn::Acted(if called { "calls" } else { "does not call without lease or reservation" }))
    }

    fn write(&self, world: &mut World, process: usize, mut run: Run, change: Change) -> Result<Turn> {
        let revision = run.issuance.object.spec.revision;
        let answer = self.breaks(Broken::AnswerStays).then(|| answer_of(world, revision)).flatten();
        world.record(revision, &[change])?;
        if let Some(answer) = answer {
            answer_again(world, revision, answer);
        }
        if let Some(stored) = world.issuances.get(&revision) {
            run.issuance = stored.newest.clone();
            self.keep(world, process, run);
        }
        Ok(Turn::Acted("records"))
    }

    /// A run is at its end when it has nothing to do.
    fn keep(&self, world: &mut World, process: usize, run: Run) {
        if run.unwritten.is_some() || matches!(self.decide(world, process, &run), Step::Do(_)) {
            world.processes[process].runs.insert(run.issuance.object.spec.revision, run);
        }
    }
}

fn last_of(run: &Run) -> i32 {
    run.issuance.object.spec.submissions.last().map_or(0, |last| last.n)
}

pub fn not_sent() -> CallError {
    CallError::NotSent { call: "submit", message: "no connection".to_owned() }
}

fn answer_of(world: &World, revision: i64) -> Option<Condition> {
    let status = world.issuances.get(&revision)?.newest.object.status.as_ref()?;
    conditions::condition(&status.conditions, RESOLVED).cloned()
}

fn answer_again(world: &mut World, revision: i64, answer: Condition) {
    let Some(stored) = world.issuances.get_mut(&revision) else { return };
    let mut next = stored.newest.object.as_ref().clone();
    let conditions = &mut next.status.get_or_insert_default().conditions;
    conditions::remove_condition(conditions, RESOLVED);
    conditions.push(answer);
    stored.write(next);
}
