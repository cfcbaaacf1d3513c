//! Workloads are restarted once the certificate they serve has been replaced: the last thing to do, so that nothing
//! waits for it, and once for each certificate, whatever has crashed in between.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    Step,
    certificate::{Effect, Hindrance, Observed},
    trigger,
};
use crate::{
    api::{
        CertificateStatus,
        conditions::{RESTARTED, reason, remove_condition, set_condition},
    },
    pki::Leaf,
};

/// Pause before what was refused is tried again.
const RETRY: Duration = Duration::from_secs(300);

/// What became of the workloads in this reconcile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Restarts {
    #[default]
    Untried,
    /// All that there are. One that is missing finds the new pair when it is made.
    Done { restarted: Vec<String>, missing: Vec<String> },
    /// At least one, and why.
    Refused(String),
}

/// Comes after all else that is to be done now, and before any wait.
pub(super) fn after(o: &Observed, next: Result<Step<Effect>, Hindrance>) -> Result<Step<Effect>, Hindrance> {
    let Some(leaf) = due(o).filter(|_| !matches!(next, Ok(Step::Do(_)))) else { return next };
    let soon = |pause: Duration| pause.min(RETRY);
    match (o.restarts, next) {
        (Restarts::Untried, _) => Ok(Step::Do(Effect::Restart { fingerprint: leaf.fingerprint_sha256.clone() })),
        (Restarts::Done { .. }, next) => next,
        (Restarts::Refused(_), Ok(Step::Wait(pause))) => Ok(Step::Wait(soon(pause))),
        (Restarts::Refused(_), Ok(_)) => Ok(Step::Wait(RETRY)),
        (Restarts::Refused(_), Err(hindrance)) => {
            Err(Hindrance { again: Some(hindrance.again.map_or(RETRY, soon)), ..hindrance })
        }
    }
}

/// The certificate that is served, when workloads were last restarted for another one. They need no restart for the
/// first they get, nor for the one that is there when they are named first.
fn due<'a>(o: &Observed<'a>) -> Option<&'a Leaf> {
    let before = o.certificate.status.as_ref()?.restarted_for.as_ref()?;
    let wanted = !o.certificate.spec.rollout_restart.is_empty();
    trigger::served(o).filter(|leaf| wanted && leaf.fingerprint_sha256 != *before)
}

/// What a user sees of it.
pub(super) fn present(status: &mut CertificateStatus, o: &Observed) {
    if o.certificate.spec.rollout_restart.is_empty() {
        status.restarted_for = None;
        return remove_condition(&mut status.conditions, RESTARTED);
    }
    let Some(leaf) = trigger::served(o) else { return };
    let fingerprint = leaf.fingerprint_sha256.clone();
    let (holds, why, message) = match o.restarts {
        Restarts::Untried => {
            status.restarted_for.get_or_insert(fingerprint);
            return;
        }
        Restarts::Refused(message) => (false, reason::RESTART_REFUSED, message.clone()),
        Restarts::Done { restarted, missing } => {
            status.restarted_for = Some(fingerprint);
            let done = format!("restarted for certificate {}: {}", leaf.serial, restarted.join(", "));
            match (restarted.is_empty(), missing.is_empty()) {
                (_, true) => (true, reason::RESTARTED, done),
                (true, false) => (false, reason::WORKLOAD_NOT_FOUND, not_found(missing)),
                (false, false) => (false, reason::WORKLOAD_NOT_FOUND, format!("{}; {done}", not_found(missing))),
            }
        }
    };
    let generation = o.certificate.metadata.generation;
    set_condition(&mut status.conditions, RESTARTED, holds, why, message, generation, &Time(o.machine_now));
}

fn not_found(missing: &[String]) -> String {
    format!("not there: {}", missing.join(", "))
}

#[cfg(test)]
mod tests;
