//! From a request to a certificate, and the renewals that DNSimple makes by itself.

use jiff::{SignedDuration, Timestamp};

use super::{
    events::{self, Actor},
    keys::{self, Algorithm},
    letsencrypt::{self, Asked},
};
use crate::{
    app::App,
    ca::{Ca, LeafRequest},
    clock::{day, days_after},
    csr,
    faults::Effects,
    sectigo,
    state::{
        World,
        dnsimple::{Authority, Certificate, RenewalState, State, Subject},
        records::{Issued, Quirk},
    },
};

/// Let's Encrypt, days.
const LETSENCRYPT: i32 = 90;
/// "tries 30 days before expiry, then daily"
const RENEWAL_DAYS: i32 = 30;

/// Let's Encrypt is asked for a certificate.
pub fn request(world: &mut World, certificate: u64, quirks: &[Quirk]) {
    let now = world.now();
    if let Some(row) = world.dnsimple.certificates.edit(certificate) {
        row.state = State::Requesting;
        row.requested = Some(now);
        row.updated = now;
        row.quirks.extend(quirks);
    }
    set_renewal(world, certificate, RenewalState::Renewing);
}

/// Issues what Let's Encrypt has had its time for, and renews what is due.
pub fn check_pending(app: &App) {
    let mut world = app.store.lock();
    renew_automatically(&mut world);
    let now = world.now();
    let due = |row: &&Certificate| is_due(&world, row, now);
    let ids: Vec<u64> = world.dnsimple.certificates.iter().filter(due).map(|row| row.id).collect();
    for id in ids {
        let Some(row) = world.dnsimple.certificates.get(id).cloned() else { continue };
        let delegated = world.dnsimple.domains.get(row.domain).is_some_and(|domain| domain.delegated);
        if !delegated || row.quirks.contains(&Quirk::ApprovalRefused) {
            set_state(&mut world, id, State::Failed);
            set_renewal(&mut world, id, RenewalState::Failed);
            continue;
        }
        if finish(&mut world, &app.ca, id, row.subject) {
            set_renewal(&mut world, id, RenewalState::Renewed);
            events::certificate(&mut world, "certificate.issue", id, Actor::System);
        }
    }
}

fn is_due(world: &World, row: &Certificate, now: Timestamp) -> bool {
    let account = world.dnsimple.accounts.get(row.account);
    let wait = SignedDuration::from_secs(account.map_or(0, |account| account.settings.issue_seconds));
    row.state == State::Requesting
        && row.requested.is_some_and(|requested| requested.saturating_add(wait).unwrap_or(Timestamp::MAX) <= now)
        && !row.quirks.contains(&Quirk::StayPending)
}

/// Signs for `subject`, which the certificate is for from here on. False: it could not be signed.
pub fn finish(world: &mut World, ca: &Ca, certificate: u64, subject: Subject) -> bool {
    let now = world.now();
    let Some(row) = world.dnsimple.certificates.get(certificate).cloned() else { return false };
    match sign(ca, &row, &subject, now) {
        Ok(issued) => {
            if let Some(row) = world.dnsimple.certificates.edit(certificate) {
                row.issued = Some(issued);
                row.subject = subject;
                row.state = State::Issued;
                row.updated = now;
            }
            true
        }
        Err(error) => {
            tracing::error!(certificate, error, "not issued");
            false
        }
    }
}

fn sign(ca: &Ca, row: &Certificate, subject: &Subject, now: Timestamp) -> Result<Issued, String> {
    let today = day(now);
    let quirk = |quirk| row.quirks.contains(&quirk);
    let longest = match row.authority {
        Authority::Letsencrypt => LETSENCRYPT,
        Authority::Comodo => sectigo::longest(today),
    };
    let days = match quirk(Quirk::Expired) {
        true => (days_after(today, -30), days_after(today, -1)),
        false => (today, days_after(today, longest - 1)),
    };
    let names = if quirk(Quirk::WrongNames) { vec!["wrong-names.invalid".to_owned()] } else { row.names.clone() };
    let leaf = LeafRequest {
        public_key: &csr::certified_key(&subject.csr, quirk(Quirk::OtherKey))?,
        common_name: names.first().map_or("", String::as_str),
        dns_names: &names,
        organization: None,
        days,
        signature_hash: "sha256",
        ocsp_only: quirk(Quirk::OcspOnly),
    };
    ca.sign(&leaf, now).map_err(|error| error.to_string())
}

pub fn set_state(world: &mut World, certificate: u64, state: State) {
    let now = world.now();
    if let Some(row) = world.dnsimple.certificates.edit(certificate) {
        row.state = state;
        row.updated = now;
    }
}

/// Of the renewal that this certificate is the new one of, if any.
fn set_renewal(world: &mut World, certificate: u64, state: RenewalState) {
    let now = world.now();
    let id = world.dnsimple.renewals.iter().find(|row| row.new == certificate).map(|row| row.id);
    if let Some(row) = id.and_then(|id| world.dnsimple.renewals.edit(id)) {
        row.state = state;
        row.updated = now;
    }
}

/// A new certificate with a new key, asked for at once. It goes on renewing; the old one has done so.
fn renew_automatically(world: &mut World) {
    let today = day(world.now());
    let due = |row: &&Certificate| {
        let expires = row.issued.as_ref().map(|issued| issued.valid_till);
        row.auto_renew
            && row.renewed_by.is_none()
            && row.authority == Authority::Letsencrypt
            && row.state == State::Issued
            && expires.is_some_and(|expires| days_after(expires, -RENEWAL_DAYS) <= today)
    };
    let rows: Vec<Certificate> = world.dnsimple.certificates.iter().filter(due).cloned().collect();
    for old in rows {
        let Some(domain) = world.dnsimple.domains.get(old.domain).cloned() else { continue };
        if !domain.delegated {
            fail_daily(world, &old);
            continue;
        }
        let asked = Asked::again(&old);
        let Ok(subject) = keys::make(Algorithm::Ecdsa, &asked.common_name, &asked.names) else { continue };
        let renewal = letsencrypt::renew(world, &domain, &old, asked, subject, &Effects::default());
        let new = world.dnsimple.renewals.get(renewal).map(|row| row.new);
        if let Some(row) = world.dnsimple.certificates.edit(old.id) {
            row.renewed_by = new;
        }
        if let Some(new) = new {
            request(world, new, &[]);
        }
    }
}

/// Tells of a renewal that could not be made, once a day.
fn fail_daily(world: &mut World, old: &Certificate) {
    if day(old.updated) < day(world.now()) {
        set_state(world, old.id, old.state);
        events::certificate(world, "certificate.auto_renewal_failed", old.id, Actor::System);
    }
}
