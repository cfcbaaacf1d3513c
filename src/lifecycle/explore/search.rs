//! Every interleaving, depth first, each state once.

use std::{collections::HashSet, fmt, rc::Rc};

use jiff::{SignedDuration, Timestamp};

use super::{
    certificate::leaf_of,
    events::{accept, answers, approved, asked_for_csr, clock, closed, deliver, disturbances, person, resumed},
    house::{House, Turn},
    world::{Budget, World, ended},
};
use crate::{
    api::{
        issuance::{State, Trigger},
        meta,
    },
    lifecycle::{
        certificate::SecretView,
        invariants::{self, Violation},
        names, record,
        trigger::Due,
    },
};

/// A scenario: where it begins, what may happen, and what is wanted in the end.
pub struct Scenario {
    pub house: House,
    pub begin: World,
    /// Purchases that the story can ever need.
    pub purchases: usize,
    /// How long the CA may hide a call's effect.
    pub lag: SignedDuration,
    /// After that nothing new is tried; what was begun is followed to its end all the same.
    pub horizon: SignedDuration,
    /// A broken protocol can go on for ever: more states than this are a failure.
    pub most_states: usize,
}

/// What was seen.
#[derive(Debug, Default, Clone, Copy)]
pub struct Seen {
    pub states: usize,
    pub ends: usize,
    pub asked: usize,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} states, {} ends, a person asked {} times", self.states, self.ends, self.asked)
    }
}

/// A rule was broken, and how it came to that.
pub struct Broken {
    pub violation: Violation,
    pub path: Path,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.violation)?;
        self.path.iter().enumerate().try_for_each(|(n, step)| write!(f, "\n{n:>4} {step}"))
    }
}

type Path = Vec<String>;
pub type Next = Vec<(String, Result<World, Violation>)>;

pub fn explore(scenario: &Scenario) -> Result<Seen, Broken> {
    let mut search = Search { scenario, visited: HashSet::new(), live: HashSet::new(), seen: Seen::default() };
    let mut stack = vec![(scenario.begin.clone(), None::<Rc<Link>>)];
    while let Some((mut world, link)) = stack.pop() {
        if world.budget.all == 0 {
            world.budget = Budget::default();
        }
        if !search.visited.insert(world.fingerprint()) {
            continue;
        }
        search.seen.states += 1;
        if search.seen.states > scenario.most_states {
            let violation = Violation { rule: "L", what: format!("more than {} states", scenario.most_states) };
            return Err(Broken { violation, path: path(&link) });
        }
        search.check(&world).map_err(|violation| Broken { violation, path: path(&link) })?;
        for (what, next) in search.next(&world) {
            let link = Some(Rc::new(Link { what, before: link.clone() }));
            match next {
                Ok(next) => stack.push((next, link)),
                Err(violation) => return Err(Broken { violation, path: path(&link) }),
            }
        }
        search.ends_well(world).map_err(|(violation, rest)| Broken {
            violation,
            path: [path(&link), vec!["from here on nothing disturbs".to_owned()], rest].concat(),
        })?;
    }
    Ok(search.seen)
}

struct Link {
    what: String,
    before: Option<Rc<Link>>,
}

fn path(link: &Option<Rc<Link>>) -> Path {
    let mut steps: Path =
        std::iter::successors(link.as_ref(), |link| link.before.as_ref()).map(|link| link.what.clone()).collect();
    steps.reverse();
    steps
}

struct Search<'a> {
    scenario: &'a Scenario,
    visited: HashSet<u64>,
    /// States from which everything ends well when nothing disturbs any more.
    live: HashSet<u64>,
    seen: Seen,
}

impl Search<'_> {
    fn check(&self, world: &World) -> Result<(), Violation> {
        let issuances = world.objects();
        invariants::one_under_way(&issuances)?;
        let accepted: Vec<_> = world
            .ca
            .accepted
            .iter()
            .map(|op| invariants::Accepted { operation: op.operation, idempotency_key: &op.idempotency_key })
            .collect();
        // A ledger that was deleted cannot tell what it had recorded.
        if !world.lost_ledger {
            let forgotten = world.forgotten.iter().map(|stored| stored.newest.object.clone());
            let recorded: Vec<_> = issuances.into_iter().chain(forgotten).collect();
            invariants::never_twice(&recorded, &accepted)?;
        }
        if world.ca.renews_itself && world.ca.paid() > 0 {
            let what = "a purchase was made beside one that the provider makes by itself".to_owned();
            return Err(Violation { rule: "I2", what });
        }
        if world.ca.paid() > self.scenario.purchases {
            return Err(Violation {
                rule: "I2",
                what: format!("{} purchases were made where one was needed", world.ca.paid()),
            });
        }
        Ok(())
    }

    /// All that can happen next. Time passes when nobody has anything to do; that it also passes otherwise is a
    /// disturbance, as are old copies.
    fn next(&mut self, world: &World) -> Next {
        let mut next = Vec::new();
        let beyond = world.now.duration_since(self.scenario.begin.now) > self.scenario.horizon;
        let wakes = self.turns(world, false, &mut next);
        next.extend(
            asked_for_csr(&self.scenario.house, world).map(|after| ("a new CSR is given".to_owned(), Ok(after))),
        );
        answers(self.scenario, world, &mut next);
        if let Some(after) = approved(world) {
            next.push(("an administrator approves".to_owned(), Ok(after)));
        }
        if next.is_empty() && world.flight.is_none() && !beyond && wakes < Timestamp::MAX {
            clock(&self.scenario.house, world, wakes, &mut next);
        }
        for (index, process) in world.processes.iter().enumerate().filter(|(_, process)| process.frozen) {
            let mut after = world.clone();
            after.processes[index].frozen = false;
            next.push((format!("{} goes on", process.holder()), Ok(after)));
        }
        if let Some(after) = resumed(world) {
            next.push(("it goes on".to_owned(), Ok(after)));
        }
        if let Some(after) = closed(world) {
            next.push(("the account serves again".to_owned(), Ok(after)));
        }
        if world.budget.all > 0 && !beyond {
            disturbances(&self.scenario.house, world, &mut next);
            if world.budget.stale > 0 {
                self.turns(world, true, &mut next);
            }
        }
        next
    }

    /// Every controller of every process takes its turn; returns when the first that rests wakes.
    fn turns(&self, world: &World, stale: bool, next: &mut Next) -> Timestamp {
        let mut wakes = Timestamp::MAX;
        let house = &self.scenario.house;
        let mut before = world.clone();
        before.budget.stale -= u8::from(stale);
        before.budget.all -= u8::from(stale);
        for (process, acting) in world.processes.iter().enumerate().filter(|(_, process)| !process.frozen) {
            let mut take = |what: String, turn: &dyn Fn(&mut World) -> Result<Turn, Violation>| {
                let mut after = before.clone();
                let what = format!("{} {what}{}", acting.holder(), if stale { " on an old copy" } else { "" });
                match turn(&mut after) {
                    Ok(Turn::Acted(did)) => next.push((format!("{what}: {did}"), Ok(after))),
                    Ok(Turn::Rests(_)) if after.processes[process].runs.len() < acting.runs.len() => {
                        next.push((format!("{what}: observes again"), Ok(after)));
                    }
                    Ok(Turn::Rests(until)) if process == 0 => wakes = wakes.min(until),
                    Ok(Turn::Rests(_)) => {}
                    Err(violation) => next.push((what, Err(violation))),
                }
            };
            take("certificate".to_owned(), &|after| house.certificate(after, process, stale));
            for &revision in world.issuances.keys() {
                // A reconcile that has begun goes on with the copy it has.
                if !(stale && acting.runs.contains_key(&revision)) {
                    take(format!("issuance {revision}"), &|after| house.issuance(after, process, revision, stale));
                }
            }
        }
        wakes
    }

    /// From here on nothing disturbs, and a person who is asked answers truthfully: the certificate is served and all
    /// comes to rest; while the person is waited for, nothing is written.
    fn ends_well(&mut self, world: World) -> Result<(), (Violation, Path)> {
        let (mut world, mut path, mut passed) = (World { budget: Budget::default(), ..world }, Path::new(), Vec::new());
        loop {
            let fingerprint = world.fingerprint();
            if self.live.contains(&fingerprint) {
                break;
            }
            passed.push(fingerprint);
            if path.len() > 400 {
                return Err((Violation { rule: "L", what: "it never comes to rest".to_owned() }, path));
            }
            match self.calmly(&mut world) {
                Ok(Some(what)) => path.push(what),
                Ok(None) => {
                    self.seen.ends += 1;
                    break;
                }
                Err(violation) => return Err((violation, path)),
            }
            self.check(&world).map_err(|violation| (violation, path.clone()))?;
        }
        self.live.extend(passed);
        Ok(())
    }

    /// The one thing that happens next when nothing disturbs.
    fn calmly(&mut self, world: &mut World) -> Result<Option<String>, Violation> {
        if let Some(flight) = world.flight.take() {
            if let Some(answer) = accept(world, &flight, SignedDuration::ZERO) {
                deliver(world, &flight, answer);
            }
            return Ok(Some("the CA answers".to_owned()));
        }
        world.processes.truncate(1);
        let house = &self.scenario.house;
        let mut wakes = Timestamp::MAX;
        let mut acted = |turn: Turn| match turn {
            Turn::Acted(what) => Some(what.to_owned()),
            Turn::Rests(until) => {
                wakes = wakes.min(until);
                None
            }
        };
        if let Some(what) = acted(house.certificate(world, 0, false)?) {
            return Ok(Some(what));
        }
        let revisions: Vec<i64> = world.issuances.keys().copied().collect();
        for revision in revisions {
            if let Some(what) = acted(house.issuance(world, 0, revision, false)?) {
                return Ok(Some(what));
            }
        }
        if let Some(after) = closed(world) {
            *world = after;
            return Ok(Some("the account serves again".to_owned()));
        }
        if let Some(after) = approved(world) {
            *world = after;
            return Ok(Some("an administrator approves".to_owned()));
        }
        if let Some(after) = resumed(world) {
            *world = after;
            return Ok(Some("it goes on".to_owned()));
        }
        if matches!(world.state(), Some(State::NeedsAttention | State::AwaitingApproval))
            && let Some((what, answered)) = person(world)
        {
            self.seen.asked += 1;
            rests(house, world)?;
            *world = answered;
            return Ok(Some(what));
        }
        if let Some(after) = asked_for_csr(house, world) {
            self.seen.asked += 1;
            rests(house, world)?;
            *world = after;
            return Ok(Some("a new CSR is given".to_owned()));
        }
        if satisfied(house, world) {
            rests(house, world)?;
            return Ok(None);
        }
        world.now = wakes.max(world.now + SignedDuration::from_secs(1));
        Ok(Some(format!("the clock shows {}", world.now)))
    }
}

/// What is wanted is served, nothing is under way or due for a while, and nothing compromised is unrevoked.
pub fn satisfied(house: &House, world: &World) -> bool {
    let certificate = &world.certificate.newest.object;
    let served = leaf_of(&world.secret.value);
    let wanted = served.is_some_and(|leaf| names::wanted(&certificate.spec) == leaf.dns_names);
    let revoked = world.objects().iter().all(|issuance| {
        let status = issuance.status.clone().unwrap_or_default();
        let pinned = issuance.spec.supersedes.iter().flat_map(|pinned| &pinned.serial_numbers);
        let reported = issuance.spec.reason == Trigger::KeyCompromise || record::compromised(&status).is_some();
        let compromised = reported && status.state == Some(State::Installed);
        !compromised || pinned.into_iter().all(|serial| status.revoked_serials.contains(serial))
    });
    let soon = world.now + SignedDuration::from_hours(24);
    wanted
        && answered(world)
        && revoked
        && world.objects().iter().all(|issuance| ended(issuance))
        && matches!(house.due(world), Due::At(time) if time > soon)
}

/// Whether what the user's token asks for was done: told by what was installed under it.
fn answered(world: &World) -> bool {
    let certificate = &world.certificate.newest.object;
    let asked = certificate.metadata.annotations.as_ref().and_then(|notes| notes.get(meta::REISSUE_REQUESTED));
    let Some(token) = asked.map(String::as_str) else { return true };
    let kept = certificate.status.as_ref().and_then(|status| status.last_handled_reissue_request.as_deref());
    let noted = match world.secret.value.as_ref() {
        SecretView::Ours(held) => held.handled_token.as_deref(),
        _ => None,
    };
    [kept, noted].contains(&Some(token))
        || world.objects().iter().any(|issuance| {
            let status = issuance.status.clone().unwrap_or_default();
            let tokens = [issuance.spec.request_token.as_deref(), record::compromised(&status)];
            status.state == Some(State::Installed) && tokens.contains(&Some(token))
        })
}

/// Hours later nothing was written, unless there is something left to be found.
fn rests(house: &House, world: &World) -> Result<(), Violation> {
    let key = world.unresolved().map(|issuance| &issuance.spec.request.public_key_sha256);
    if world.ca.accepted.iter().any(|op| Some(&op.public_key) == key) {
        return Ok(());
    }
    let mut later = world.clone();
    for _ in 0..8 {
        later.later(1800);
        house.certificate(&mut later, 0, false)?;
        for revision in world.issuances.keys() {
            house.issuance(&mut later, 0, *revision, false)?;
        }
    }
    let versions = |world: &World| (world.certificate.newest.version, world.objects());
    if versions(world) == versions(&later) && world.secret.value == later.secret.value {
        return Ok(());
    }
    Err(Violation { rule: "L", what: "what rests is written".to_owned() })
}
