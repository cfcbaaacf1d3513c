//! From an accepted operation to a certificate: approval, validation, issuance, revocation.

use jiff::{SignedDuration, Timestamp};

use crate::{
    ca::{Ca, LeafRequest, RevokedSerial},
    clock::{day, days_after},
    csr, products,
    products::Validation,
    rules,
    state::{
        World,
        records::{
            Certificate, CertificateStatus, Issued, Kind, Order, OrderStatus, Quirk, Request, RequestKind,
            RequestStatus, Revocation, Witness,
        },
    },
    validation,
};

/// A request was approved: does what it asked for.
pub fn approve(world: &mut World, ca: &Ca, request: u64, instant: bool) {
    let now = world.now();
    let Some(request) = world.requests.edit(request) else {
        return;
    };
    request.status = RequestStatus::Approved;
    request.processed = Some(now);
    let request = request.clone();
    match (request.kind, request.certificate) {
        (RequestKind::Revoke, _) => revoke(world, &request),
        (_, Some(certificate)) => {
            let waiting = match request.kind {
                RequestKind::Reissue => OrderStatus::ReissuePending,
                _ => OrderStatus::Pending,
            };
            if request.kind != RequestKind::Duplicate {
                set_status(world, request.order, waiting);
            }
            validation::begin(world, certificate, instant);
            advance(world, ca, certificate);
        }
        (_, None) => {}
    }
}

/// A request was rejected, or its pending operation cancelled.
pub fn reject(world: &mut World, request: u64, comment: &str, order_becomes: OrderStatus) {
    let now = world.now();
    let Some(request) = world.requests.edit(request) else {
        return;
    };
    request.status = RequestStatus::Rejected;
    request.processed = Some(now);
    request.processor_comment = comment.to_owned();
    let (kind, order, certificate) = (request.kind, request.order, request.certificate);
    if kind == RequestKind::Revoke {
        return;
    }
    if let Some(certificate) = certificate.and_then(|id| world.certificates.edit(id)) {
        certificate.status = CertificateStatus::Rejected;
    }
    if kind == RequestKind::NewRequest {
        set_status(world, order, order_becomes);
        release_renewed(world, order);
    } else {
        set_status(world, order, OrderStatus::Issued);
    }
}

/// Issues the certificate when nothing is missing any more.
pub fn advance(world: &mut World, ca: &Ca, certificate: u64) {
    let Some(certificate) = world.certificates.get(certificate).cloned() else {
        return;
    };
    let Some(order) = world.orders.get(certificate.order).cloned() else {
        return;
    };
    if ready(world, &order, &certificate) {
        match issue(world, ca, &order, &certificate) {
            Ok(issued) => finish(world, &order, &certificate, issued),
            Err(error) => tracing::error!(certificate = certificate.id, error, "not issued"),
        }
    }
}

fn ready(world: &World, order: &Order, certificate: &Certificate) -> bool {
    let validated = certificate.checks.as_ref().is_some_and(|checks| checks.iter().all(|check| check.approved));
    certificate.status == CertificateStatus::Pending
        && validated
        && organization_valid(world, order)
        && !certificate.quirks.contains(&Quirk::StayPending)
}

/// DV needs no organization; the others one whose validation may still be reused.
pub fn organization_valid(world: &World, order: &Order) -> bool {
    if products::find(&order.product).is_some_and(|product| product.validation == Validation::Dv) {
        return true;
    }
    let now = world.now();
    let days = rules::limits(day(now)).organization;
    let organization = order.organization.and_then(|id| world.organizations.get(id));
    organization.is_some_and(|organization| rules::reusable(organization.validated, days, now))
}

fn issue(world: &World, ca: &Ca, order: &Order, certificate: &Certificate) -> Result<Issued, String> {
    let now = world.now();
    let today = day(now);
    let (_, order_end) = order.term.unwrap_or((today, order.validity.end(today)));
    let (mut valid_from, mut valid_till) =
        (today, rules::certificate_end(certificate.validity, today, order_end).max(today));
    if certificate.quirks.contains(&Quirk::Expired) {
        (valid_from, valid_till) = (days_after(today, -30), days_after(today, -1));
    }
    let organization =
        order.organization.and_then(|id| world.organizations.get(id)).map(|organization| organization.name.as_str());
    let names = if certificate.quirks.contains(&Quirk::WrongNames) {
        vec!["wrong-names.invalid".to_owned()]
    } else {
        certificate.dns_names.clone()
    };
    let leaf = LeafRequest {
        public_key: &csr::certified_key(&certificate.csr, certificate.quirks.contains(&Quirk::OtherKey))?,
        common_name: names.first().map_or("", |first| {
            if certificate.quirks.contains(&Quirk::WrongNames) { first } else { &certificate.common_name }
        }),
        dns_names: &names,
        organization,
        days: (valid_from, valid_till),
        signature_hash: &certificate.signature_hash,
        ocsp_only: certificate.quirks.contains(&Quirk::OcspOnly),
    };
    ca.sign(&leaf, now).map_err(|error| error.to_string())
}

/// Records what was issued. A reissue that drops names lets every older certificate of the order be revoked later.
fn finish(world: &mut World, order: &Order, certificate: &Certificate, issued: Issued) {
    let now = world.now();
    let plan = (day(now), order.validity.end(day(now)));
    if let Some(row) = world.certificates.edit(certificate.id) {
        row.status = CertificateStatus::Issued;
        row.issued = Some(issued);
    }
    if let Some(row) = world.orders.edit(order.id) {
        row.term.get_or_insert(plan);
        row.status = OrderStatus::Issued;
        row.changed = now;
        if certificate.kind != Kind::Duplicate {
            row.primary = certificate.id;
        }
    }
    let drops_names = world
        .certificates
        .get(order.primary)
        .is_some_and(|old| !old.dns_names.iter().all(|name| certificate.dns_names.contains(name)));
    if certificate.kind == Kind::Reissue && drops_names {
        let at = now + SignedDuration::from_hours(rules::REMOVED_NAMES_GRACE_HOURS);
        for older in order.certificates.iter().filter(|id| **id != certificate.id) {
            revoke_certificate(world, *older, at, "superseded");
        }
    }
}

fn revoke(world: &mut World, request: &Request) {
    let now = world.now();
    let reason = request.revocation_reason.as_deref().unwrap_or("unspecified");
    match request.certificate {
        Some(certificate) => revoke_certificate(world, certificate, now, reason),
        None => {
            let all = world.orders.get(request.order).map(|order| order.certificates.clone());
            for certificate in all.unwrap_or_default() {
                revoke_certificate(world, certificate, now, reason);
            }
            set_status(world, request.order, OrderStatus::Revoked);
        }
    }
}

/// An earlier revocation stands; one that is still to come is brought forward.
fn revoke_certificate(world: &mut World, certificate: u64, at: Timestamp, reason: &str) {
    let Some(row) = world.certificates.get(certificate) else {
        return;
    };
    let stands = row.revocation.as_ref().is_some_and(|known| known.at <= at);
    if row.issued.is_none() || stands {
        return;
    }
    if let Some(row) = world.certificates.edit(certificate) {
        row.revocation = Some(Revocation { at, reason: reason.to_owned(), only: None });
    }
}

pub fn set_status(world: &mut World, order: u64, status: OrderStatus) {
    let now = world.now();
    if let Some(order) = world.orders.edit(order) {
        order.status = status;
        order.changed = now;
    }
}

/// A renewal that came to nothing lets its order be renewed again.
fn release_renewed(world: &mut World, renewal: u64) {
    let renewed = world.orders.get(renewal).and_then(|order| order.renewal_of);
    if let Some(old) = renewed.and_then(|id| world.orders.edit(id)) {
        old.renewed_by = None;
    }
}

/// What the provider shows.
pub fn revoked(certificate: &Certificate, now: Timestamp) -> bool {
    certificate.revocation.as_ref().is_some_and(|revocation| shown(revocation, now))
}

/// Whether the provider shows a revocation.
pub fn shown(revocation: &Revocation, now: Timestamp) -> bool {
    revocation.at <= now && revocation.only != Some(Witness::Ca)
}

/// By the CA itself; `only`: nobody else knows.
pub fn revoke_now(world: &mut World, serial_number: &str, reason: &str, only: Option<Witness>) -> bool {
    let revocation = Revocation { at: world.now(), reason: reason.to_owned(), only };
    let is_it = |issued: &Option<Issued>| {
        issued.as_ref().is_some_and(|issued| issued.serial_number.eq_ignore_ascii_case(serial_number))
    };
    let certificate = world.certificates.iter().find(|row| is_it(&row.issued)).map(|row| row.id);
    if let Some(row) = certificate.and_then(|id| world.certificates.edit(id)) {
        row.revocation = Some(revocation);
        return true;
    }
    let bought = world.dnsimple.certificates.iter().find(|row| is_it(&row.issued)).map(|row| row.id);
    if let Some(row) = bought.and_then(|id| world.dnsimple.certificates.edit(id)) {
        row.revocation = Some(revocation);
        return true;
    }
    let ssl = world.scm.certificates.iter().find(|row| row.versions.iter().any(|version| is_it(&version.issued)));
    let ssl = ssl.map(|row| row.id).and_then(|id| world.scm.certificates.edit(id));
    let version = ssl.and_then(|row| row.versions.iter_mut().find(|version| is_it(&version.issued)));
    version.map(|version| version.revocation = Some(revocation)).is_some()
}

/// Everything the CRL lists now.
pub fn revoked_serials(world: &World) -> Vec<RevokedSerial> {
    let now = world.now();
    let listed = |known: &&Revocation| known.at <= now && known.only != Some(Witness::Provider);
    let certificates = world.certificates.iter().map(|row| (&row.issued, &row.revocation));
    let versions = world.scm.certificates.iter().flat_map(|row| &row.versions);
    let versions = versions.map(|version| (&version.issued, &version.revocation));
    let bought = world.dnsimple.certificates.iter().map(|row| (&row.issued, &row.revocation));
    let revoked = certificates.chain(versions).chain(bought).filter_map(|(issued, revocation)| {
        let revocation = revocation.as_ref().filter(listed)?;
        Some(RevokedSerial {
            serial_number: issued.as_ref()?.serial_number.clone(),
            at: revocation.at,
            reason: revocation.reason.clone(),
        })
    });
    revoked.collect()
}
