//! Validation mails that wait for an answer, and their links.

use serde_json::{Value, json};

use super::issuance;
use crate::{
    ca::Ca,
    state::{
        World,
        scm::{DcvMode, Domain, Ssl, Status},
    },
};

pub fn waiting(world: &World) -> Vec<Value> {
    let certificates = world.scm.certificates.iter().filter(|row| row.status == Status::Applied);
    let domains = world.scm.domains.iter();
    certificates.flat_map(of_certificate).chain(domains.filter_map(of_domain)).collect()
}

fn of_certificate(row: &Ssl) -> Vec<Value> {
    let version = row.versions.last().filter(|_| row.dcv_mode == Some(DcvMode::Email));
    let open = version.into_iter().flat_map(|version| version.checks.iter().flatten()).filter(|check| !check.approved);
    let mail = |scope: &str| mail(row.id, scope, row.dcv_email.as_deref());
    open.map(|check| mail(&check.scope)).collect()
}

fn of_domain(row: &Domain) -> Option<Value> {
    let order = row.order.as_ref().filter(|order| order.mode == DcvMode::Email && order.submitted.is_some())?;
    Some(mail(row.id, &row.name, order.email.as_deref()))
}

fn mail(id: u64, domain: &str, to: Option<&str>) -> Value {
    let link = format!("/_sandbox/mails/{id}/{domain}");
    json!({"orderId": id, "domain": domain, "to": to.into_iter().collect::<Vec<_>>(), "sent": 1, "link": link})
}

/// False when the mail is not one of these.
pub fn follow(world: &mut World, ca: &Ca, id: u64, name: &str) -> bool {
    if world.scm.certificates.get(id).is_some() {
        issuance::prove(world, id, name);
        issuance::advance(world, ca, id);
        return true;
    }
    let known = world.scm.domains.get(id).is_some();
    super::domain_orders::prove(world, id);
    known
}
