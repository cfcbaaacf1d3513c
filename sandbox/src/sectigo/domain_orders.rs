//! Validations of domains that are under way.

use super::limits;
use crate::{app::App, clock::day, rules, state::World};

/// Looks once for everything that was submitted.
pub async fn check_pending(app: &App) {
    let waiting: Vec<u64> = {
        let world = app.store.lock();
        let submitted =
            world.scm.domains.iter().filter(|row| row.order.as_ref().is_some_and(|order| order.submitted.is_some()));
        submitted.map(|row| row.id).collect()
    };
    for domain in waiting {
        check(app, domain).await;
    }
}

/// Looks once for what one domain waits for.
pub async fn check(app: &App, domain: u64) {
    let row = app.store.lock().scm.domains.get(domain).cloned();
    let Some((name, order)) = row.and_then(|row| Some((row.name, row.order?))) else { return };
    let found = order.value.look(&app.dcv, order.mode, &name).await.is_ok();
    let mut world = app.store.lock();
    let now = world.now();
    if let Some(order) = world.scm.domains.edit(domain).and_then(|row| row.order.as_mut()) {
        order.checked = Some(now);
    }
    if found {
        prove(&mut world, domain);
    }
}

/// Control was shown: the domain is validated, and nothing is under way any more.
pub fn prove(world: &mut World, domain: u64) {
    let now = world.now();
    let Some(row) = world.scm.domains.edit(domain) else { return };
    if let Some(order) = row.order.take() {
        row.validated = Some(now);
        row.method = Some(order.mode);
    }
}

/// Where every name is believed, no validation is ever missing.
pub fn believe(world: &mut World) {
    let now = world.now();
    let days = limits::on(day(now)).domain;
    let stale = world.scm.domains.iter().filter(|row| !rules::reusable(row.validated, days, now));
    for id in stale.map(|row| row.id).collect::<Vec<_>>() {
        if let Some(row) = world.scm.domains.edit(id) {
            row.validated = Some(now);
        }
    }
}
