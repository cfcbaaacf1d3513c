//! Records as the vendor's JSON shows them.

mod certificates;

use jiff::{Timestamp, civil::Date};
use serde_json::{Value, json};

use super::lookup;
use crate::{
    clock::{day, days_between, end_of},
    products,
    state::{
        World,
        records::{Certificate, Kind, Order, OrderStatus, Request, RequestKind, RequestStatus, Token},
    },
};
use certificates::{add_issued, certificate};
pub use certificates::{certificate_status, reissue_row};

/// `2026-11-24T07:34:00+00:00`
pub fn date_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// Status of an order at `now`; an issued one expires with its plan.
pub fn order_status(order: &Order, now: Timestamp) -> &'static str {
    let over = order.term.is_some_and(|(_, end)| end_of(end) < now);
    match order.status {
        OrderStatus::Issued | OrderStatus::ReissuePending if over => "expired",
        OrderStatus::NeedsApproval => "needs_approval",
        OrderStatus::Pending => "pending",
        OrderStatus::Issued => "issued",
        OrderStatus::ReissuePending => "reissue_pending",
        OrderStatus::Canceled => "canceled",
        OrderStatus::Rejected => "rejected",
        OrderStatus::Revoked => "revoked",
    }
}

/// Whether anything of this order waits for approval, shown or not.
pub fn has_pending_request(world: &World, order: &Order) -> bool {
    order.requests.iter().filter_map(|id| world.requests.get(*id)).any(is_open)
}

pub fn is_open(request: &Request) -> bool {
    matches!(request.status, RequestStatus::Pending | RequestStatus::Submitted)
}

/// The requests look-ups show.
fn requests<'a>(world: &'a World, order: &'a Order) -> impl Iterator<Item = &'a Request> {
    let rows = order.requests.iter().filter_map(|id| world.requests.get(*id));
    rows.filter(|row| lookup::request_visible(world, row))
}

fn renewed_by(world: &World, order: &Order) -> Option<u64> {
    let renewal = order.renewed_by.and_then(|id| world.orders.get(id));
    renewal.filter(|renewal| lookup::visible(renewal.hidden_until)).map(|renewal| renewal.id)
}

/// First and last day of the plan; provisional until the first certificate is issued.
pub fn term(order: &Order) -> (Date, Date) {
    let from = day(order.created);
    order.term.unwrap_or((from, order.validity.end(from)))
}

/// *Order info*.
pub fn order(world: &World, order: &Order) -> Value {
    let now = world.now();
    let (valid_from, valid_till) = term(order);
    let shown = primary(world, order);
    let mut view = json!({
        "id": order.id,
        "status": shown_status(world, order, now),
        "is_renewal": order.renewal_of.is_some(),
        "is_renewed": renewed_by(world, order).is_some(),
        "renewed_order_id": renewed_by(world, order).unwrap_or(0),
        "date_created": date_time(order.created),
        "order_valid_till": valid_till.to_string(),
        "has_pending_request": requests(world, order).any(is_open),
        "dcv_method": order.dcv_method,
        "auto_renew": u8::from(order.auto_renew),
        "auto_reissue": u8::from(order.auto_reissue),
        "disable_renewal_notifications": order.disable_renewal_notifications,
        "payment_method": order.extras.payment_method,
        "price": 100,
        "currency": "USD",
        "allow_duplicates": true,
        "allow_reissues": true,
        "duplicates_count": count(world, order, Kind::Duplicate),
        "reissues_count": count(world, order, Kind::Reissue),
        "validity_years": days_between(valid_from, valid_till).max(365) / 365,
        "product": product(&order.product),
        "container": {"id": order.container.unwrap_or(1), "name": "Sandbox"},
        "custom_fields": order.extras.custom_fields,
        "additional_emails": order.extras.additional_emails,
        "custom_renewal_message": order.extras.custom_renewal_message,
        "locale": order.extras.locale,
        "comments": order.comments,
        "notes": [],
        "api_key": {"name": order.api_key, "key_type": "permanent_api_key"},
        "user": user(),
        "requests": requests(world, order).map(request_row).collect::<Vec<_>>(),
        "certificate": shown.map_or(Value::Null, |row| certificate(world, row)),
    });
    // Two years and more are a Multi-year Plan; the vendor says so with a string.
    if days_between(valid_from, valid_till) > 397 {
        view["is_multi_year_plan"] = json!("1");
    }
    if order.term.is_some() {
        view["order_valid_from"] = json!(valid_from.to_string());
    }
    if let Some(old) = order.renewal_of {
        view["renewal_of_order_id"] = json!(old);
    }
    if let Some(id) = &order.alternative_order_id {
        view["alternative_order_id"] = json!(id);
    }
    if let Some(organization) = order.organization {
        view["organization"] = organization_reference(world, organization);
    }
    add_contacts(order, &mut view);
    view
}

/// One person each for organization and technology, and a list of those who may approve EV.
fn add_contacts(order: &Order, view: &mut Value) {
    let of = |kind: &str| -> Vec<Value> {
        let all = order.extras.contacts.iter().filter(|contact| contact["contact_type"] == kind);
        all.map(|contact| {
            json!({"type": kind, "user_id": contact["user_id"], "first_name": contact["first_name"],
            "last_name": contact["last_name"], "email": contact["email"], "job_title": contact["job_title"],
            "telephone": contact["telephone"]})
        })
        .collect()
    };
    for kind in ["organization_contact", "technical_contact"] {
        if let Some(person) = of(kind).pop() {
            view[kind] = person;
        }
    }
    let verified = of("verified_contact");
    if !verified.is_empty() {
        view["verified_contacts"] = json!(verified);
    }
}

/// A row of *List orders*. It carries no CSR.
pub fn order_row(world: &World, order: &Order) -> Value {
    let now = world.now();
    let (valid_from, valid_till) = term(order);
    let mut row = json!({
        "id": order.id,
        "status": shown_status(world, order, now),
        "is_renewed": renewed_by(world, order).is_some(),
        "date_created": date_time(order.created),
        "order_valid_till": valid_till.to_string(),
        "validity_years": days_between(valid_from, valid_till).max(365) / 365,
        "container": {"id": order.container.unwrap_or(1), "name": "Sandbox"},
        "product": product(&order.product),
        "product_name_id": order.product,
        "has_duplicates": count(world, order, Kind::Duplicate) > 0,
        "duplicates_count": count(world, order, Kind::Duplicate),
        "reissues_count": count(world, order, Kind::Reissue),
        "price": 100,
    });
    if let Some(organization) = order.organization {
        row["organization"] = organization_reference(world, organization);
    }
    if let Some(shown) = primary(world, order) {
        let mut inner = json!({
            "id": shown.id,
            "common_name": shown.common_name,
            "dns_names": shown.dns_names,
            "signature_hash": shown.signature_hash,
        });
        add_issued(world, shown, &mut inner);
        row["certificate"] = inner;
    }
    row
}

/// The certificate order info shows: the primary, or under a look-up lag the one before it.
pub fn primary<'a>(world: &'a World, order: &'a Order) -> Option<&'a Certificate> {
    let primary = world.certificates.get(order.primary);
    primary
        .filter(|row| lookup::visible(row.hidden_until))
        .or_else(|| lookup::certificates(world, order).rfind(|row| row.issued.is_some()))
}

/// The status look-ups show: a reissue under a look-up lag is not there yet.
pub fn shown_status(world: &World, order: &Order, now: Timestamp) -> &'static str {
    let hides = |id: &u64| {
        let row = world.certificates.get(*id);
        row.is_some_and(|row| row.kind == Kind::Reissue && !lookup::visible(row.hidden_until))
    };
    match order_status(order, now) {
        "reissue_pending" if order.certificates.iter().any(hides) => "issued",
        status => status,
    }
}

fn count(world: &World, order: &Order, kind: Kind) -> usize {
    lookup::certificates(world, order).filter(|row| row.kind == kind).count()
}

/// `domains` of a submission's answer: what has to be validated.
pub fn order_domains(world: &World, certificate: &Certificate) -> Value {
    let order = world.orders.get(certificate.order);
    let rows = certificate.checks.iter().flatten().map(|check| {
        let mut row = json!({"name": check.scope, "dns_name": check.scope});
        if let Some(domain) = check.domain {
            row["id"] = json!(domain);
        }
        let token = order.and_then(|order| order.token.as_ref());
        if let (false, Some(token)) = (check.approved, token) {
            row["dcv_token"] = dcv_token(token, false);
        }
        row
    });
    rows.collect()
}

pub fn dcv_token(token: &Token, used: bool) -> Value {
    json!({
        "token": token.value,
        "status": if used { "active" } else { "pending" },
        "expiration_date": date_time(token.expires),
    })
}

pub fn product(name_id: &str) -> Value {
    match products::find(name_id) {
        None => json!({"name_id": name_id}),
        Some(product) => json!({
            "name_id": product.name_id,
            "name": product.name,
            "type": product.kind(),
            "validation_type": product.validation_type(),
            "validation_name": product.validation_type().to_uppercase(),
        }),
    }
}

pub fn organization_reference(world: &World, id: u64) -> Value {
    let organization = world.organizations.get(id);
    let name = organization.map_or("", |organization| organization.name.as_str());
    json!({
        "id": id,
        "name": name,
        "assumed_name": "",
        "display_name": name,
        "city": "Springfield",
        "state": "Utah",
        "country": "us",
        "is_active": true,
    })
}

pub fn user() -> Value {
    json!({"id": 1, "firstname": "Sandbox", "lastname": "User", "email": "user@sandbox.test"})
}

/// Requests spell names otherwise than orders do.
pub fn person() -> Value {
    json!({"id": 1, "first_name": "Sandbox", "last_name": "User", "email": "user@sandbox.test"})
}

/// A request inside *Order info*.
fn request_row(request: &Request) -> Value {
    json!({
        "id": request.id,
        "date": date_time(request.created),
        "type": request_kind(request.kind),
        "status": request_status(request.status),
        "comments": request.comments,
    })
}

pub fn request_kind(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::NewRequest => "new_request",
        RequestKind::Reissue => "reissue",
        RequestKind::Duplicate => "duplicate",
        RequestKind::Revoke => "revoke",
    }
}

pub fn request_status(status: RequestStatus) -> &'static str {
    match status {
        RequestStatus::Submitted => "submitted",
        RequestStatus::Pending => "pending",
        RequestStatus::Approved => "approved",
        RequestStatus::Rejected => "rejected",
    }
}
