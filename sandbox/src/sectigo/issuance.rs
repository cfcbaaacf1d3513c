//! From an accepted request to a certificate: approval, the CA, validation, issuance.

use super::{asked, limits, renew};
use crate::{
    app::App,
    ca::{Ca, LeafRequest},
    clock::{day, days_after},
    csr, rules,
    state::{
        World,
        records::{Issued, NameCheck, Quirk},
        scm::{Approvals, DcvMode, DcvValue, Ssl, Status, Validation, Version},
    },
};

/// A new request: waits for whom its profile names, or goes to the CA at once.
pub fn begin(world: &mut World, ssl: u64) {
    let Some(row) = world.scm.certificates.get(ssl) else { return };
    let approvals = world.scm.profiles.get(row.profile).map(|profile| profile.approvals);
    if approvals.is_none_or(|approvals| approvals == Approvals::None) {
        let owner = row.requester.clone();
        approve(world, ssl, &owner);
    }
}

/// An administrator approves. Where two have to, the first moves it to `SAApproved` only.
pub fn approve(world: &mut World, ssl: u64, by: &str) {
    let now = world.now();
    let profile = world.scm.certificates.get(ssl).map(|row| row.profile).and_then(|id| world.scm.profiles.get(id));
    let two = profile.is_some_and(|profile| profile.approvals == Approvals::Two);
    let backend = world.next_id();
    let Some(row) = world.scm.certificates.edit(ssl) else { return };
    if two && row.status == Status::Requested {
        row.status = Status::SaApproved;
        return;
    }
    row.owner = Some(by.to_owned());
    row.approved = Some(now);
    row.backend_id = Some(backend);
    apply(world, ssl);
}

/// Hands the newest version to the CA.
pub fn apply(world: &mut World, ssl: u64) {
    let Some(row) = world.scm.certificates.get(ssl).cloned() else { return };
    let prevalidated = world.scm.customers.get(row.customer).is_some_and(|customer| customer.settings.prevalidated);
    let Some(row) = world.scm.certificates.edit(ssl) else { return };
    row.status = Status::Applied;
    let Some(version) = row.versions.last_mut() else { return };
    if version.quirks.contains(&Quirk::ApprovalRefused) {
        row.status = Status::Rejected;
        return;
    }
    let mut checks: Vec<NameCheck> = Vec::new();
    for name in &version.names {
        let scope = rules::base_name(name);
        match checks.iter_mut().find(|check| check.scope == scope) {
            Some(check) => check.dns_names.push(name.clone()),
            None => checks.push(NameCheck {
                scope: scope.to_owned(),
                dns_names: vec![name.clone()],
                domain: None,
                approved: prevalidated,
            }),
        }
    }
    version.checks = Some(checks);
}

/// What is looked for at one name.
struct Search {
    ssl: u64,
    scope: String,
    mode: DcvMode,
    value: DcvValue,
}

/// Looks once for everything that waits, issues what has become complete, and renews what SCM renews by itself.
pub async fn check_pending(app: &App) {
    let waiting: Vec<u64> = {
        let world = app.store.lock();
        world.scm.certificates.iter().filter(|row| row.status == Status::Applied).map(|row| row.id).collect()
    };
    for ssl in waiting {
        check(app, ssl).await;
    }
    super::domain_orders::check_pending(app).await;
    let mut world = app.store.lock();
    if app.dcv.is_instant() {
        super::domain_orders::believe(&mut world);
    }
    renew::automatic(&mut world);
}

/// Looks for what one certificate waits for. Answers what was wrong.
pub async fn check(app: &App, ssl: u64) -> Option<String> {
    let searches = searches(&app.store.lock(), ssl);
    let mut trouble = None;
    let mut proven = Vec::new();
    for search in searches {
        match search.value.look(&app.dcv, search.mode, &search.scope).await {
            Ok(()) => proven.push(search),
            Err(why) => trouble = Some(why),
        }
    }
    let mut world = app.store.lock();
    for Search { ssl, scope, .. } in proven {
        prove(&mut world, ssl, &scope);
    }
    let now = world.now();
    if let Some(version) = world.scm.certificates.edit(ssl).and_then(|row| row.versions.last_mut()) {
        version.checked = Some(now);
    }
    advance(&mut world, &app.ca, ssl);
    trouble
}

fn searches(world: &World, ssl: u64) -> Vec<Search> {
    let Some(row) = world.scm.certificates.get(ssl) else { return Vec::new() };
    let Some(version) = row.versions.last() else { return Vec::new() };
    let open = version.checks.iter().flatten().filter(|check| !check.approved);
    let mode = row.dcv_mode.unwrap_or(DcvMode::Cname);
    open.map(|check| Search { ssl, scope: check.scope.clone(), mode, value: version.dcv_value.clone() }).collect()
}

/// Control over one name was shown.
pub fn prove(world: &mut World, ssl: u64, scope: &str) {
    let version = world.scm.certificates.edit(ssl).and_then(|row| row.versions.last_mut());
    let checks = version.and_then(|version| version.checks.as_mut());
    for check in checks.into_iter().flatten().filter(|check| check.scope == scope) {
        check.approved = true;
    }
}

/// Issues the newest version when nothing is missing any more.
pub fn advance(world: &mut World, ca: &Ca, ssl: u64) {
    let Some(row) = world.scm.certificates.get(ssl).filter(|row| ready(world, row)).cloned() else { return };
    let Some(version) = row.versions.last() else { return };
    match issue(world, ca, &row, version) {
        Ok(issued) => finish(world, &row, issued),
        Err(error) => tracing::error!(ssl, error, "not issued"),
    }
}

fn ready(world: &World, row: &Ssl) -> bool {
    let Some(version) = row.versions.last() else { return false };
    let dv = world.scm.profiles.get(row.profile).is_some_and(|profile| profile.validation == Validation::Dv);
    let organization = world.scm.organizations.get(row.organization);
    row.status == Status::Applied
        && version.checks.as_ref().is_some_and(|checks| checks.iter().all(|check| check.approved))
        && (dv || organization.is_some_and(|row| asked::organization_valid(world, row)))
        && !version.quirks.contains(&Quirk::StayPending)
}

fn issue(world: &World, ca: &Ca, row: &Ssl, version: &Version) -> Result<Issued, String> {
    let now = world.now();
    let today = day(now);
    let quirk = |quirk| version.quirks.contains(&quirk);
    let (valid_from, valid_till) = match quirk(Quirk::Expired) {
        true => (days_after(today, -30), days_after(today, -1)),
        false => (today, limits::end(row.term, version.until, today)),
    };
    let names = if quirk(Quirk::WrongNames) { vec!["wrong-names.invalid".to_owned()] } else { version.names.clone() };
    let profile = world.scm.profiles.get(row.profile);
    let dv = profile.is_some_and(|profile| profile.validation == Validation::Dv);
    let organization = world.scm.organizations.get(row.organization).filter(|_| !dv);
    let leaf = LeafRequest {
        public_key: &csr::certified_key(&version.csr, quirk(Quirk::OtherKey))?,
        common_name: names.first().map_or("", String::as_str),
        dns_names: &names,
        organization: organization.map(|organization| organization.name.as_str()),
        days: (valid_from, valid_till),
        signature_hash: "sha256",
        ocsp_only: quirk(Quirk::OcspOnly),
    };
    ca.sign(&leaf, now).map_err(|error| error.to_string())
}

fn finish(world: &mut World, row: &Ssl, issued: Issued) {
    let now = world.now();
    let Some(row) = world.scm.certificates.edit(row.id) else { return };
    row.status = Status::Issued;
    if row.versions.len() > 1 {
        row.replaced = Some(now);
    }
    if let Some(version) = row.versions.last_mut() {
        version.issued = Some(issued);
    }
}
