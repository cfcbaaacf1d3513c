//! Orders, renewals, reissues and duplicates: what is asked is checked, then accepted once and recorded.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{
    asked::{Asked, check_certificate_within_order, order_validity},
    body::{Body, Submission},
    chain,
    errors::{ApiError, Reply},
    extras,
    gate::Caller,
    lookup, requests, views,
};
use crate::{
    app::App,
    clock::{day, days_after},
    faults::Effects,
    issuance,
    products::{self, Product, Validation},
    rules::{self, Validity},
    state::{
        World,
        records::{Certificate, Kind, Operation, OperationKind, Order, OrderStatus, Quirk, Request, RequestKind},
    },
};

/// *Order …*: `POST /order/certificate/{product_name_id}`.
pub async fn order(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path(product): Path<String>,
    Body(body): Body<Submission>,
) -> Reply {
    let product = products::find(&product).ok_or_else(|| ApiError::not_found("product"))?;
    let mut world = app.store.lock();
    let now = world.now();
    let asked = Asked::read(&body, product, now)?;
    let validity = order_validity(&body, now)?;
    check_certificate_within_order(&asked, validity, now)?;
    let organization = organization(&world, &caller, product, &body)?;
    let renewal_of = renewal(&world, &caller, &body)?;
    let extras = extras::read(&body)?;

    let order = world.next_id();
    let dcv_method = asked.dcv_method.clone().unwrap_or_else(|| "email".into());
    let certificate = asked.insert(&mut world, order, Kind::Original, &effects);
    let renews = renewal_of.is_some();
    world.orders.insert(Order {
        id: order,
        account: caller.account(),
        api_key: caller.0.name.clone(),
        product: product.name_id.to_owned(),
        status: OrderStatus::NeedsApproval,
        created: now,
        changed: now,
        validity,
        term: None,
        organization,
        container: body.container.as_ref().and_then(|container| id(container.id)),
        dcv_method,
        token: None,
        certificates: vec![certificate],
        primary: certificate,
        requests: Vec::new(),
        renewal_of,
        renewed_by: None,
        alternative_order_id: body.alternative_order_id.clone().filter(|id| !id.is_empty()),
        auto_renew: body.auto_renew,
        auto_reissue: body.auto_reissue,
        disable_renewal_notifications: body.disable_renewal_notifications,
        extras,
        comments: body.comments.clone().unwrap_or_default(),
        mailings: 1,
        hidden_until: effects.hidden_until(),
    });
    if let Some(old) = renewal_of.and_then(|id| world.orders.edit(id)) {
        old.renewed_by = Some(order);
    }
    let kind = if renews { OperationKind::Renew } else { OperationKind::Order };
    accept(&app, &mut world, &body, kind, certificate)
}

/// *Reissue certificate*: `POST /order/certificate/{order_id}/reissue`.
pub async fn reissue(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path(order): Path<String>,
    Body(body): Body<Submission>,
) -> Reply {
    let mut world = app.store.lock();
    let order = lookup::order(&world, &caller, &order)?.clone();
    let product = products::find(&order.product).ok_or_else(|| ApiError::not_found("product"))?;
    let now = world.now();
    reissuable(&world, &order)?;
    let asked = Asked::read(&body, product, now)?;
    let method = asked.dcv_method.clone();
    let certificate = asked.insert(&mut world, order.id, Kind::Reissue, &effects);
    if let Some(row) = world.orders.edit(order.id) {
        row.certificates.push(certificate);
        row.dcv_method = method.unwrap_or_else(|| order.dcv_method.clone());
    }
    accept(&app, &mut world, &body, OperationKind::Reissue, certificate)
}

/// *Duplicate certificate*: `POST /order/certificate/{order_id}/duplicate`. The same names for another key, at once.
pub async fn duplicate(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path(order): Path<String>,
    Body(body): Body<Submission>,
) -> Reply {
    let mut world = app.store.lock();
    let order = lookup::order(&world, &caller, &order)?.clone();
    let product = products::find(&order.product).ok_or_else(|| ApiError::not_found("product"))?;
    let now = world.now();
    reissuable(&world, &order)?;
    let mut asked = Asked::read(&body, product, now)?;
    let original = world.certificates.get(order.primary).cloned();
    let original = original.ok_or_else(|| ApiError::not_found("certificate"))?;
    let added = asked.dns_names.iter().filter(|name| !original.dns_names.contains(name));
    let wildcard = |name: &String| name.split_once('.').map(|(_, parent)| format!("*.{parent}"));
    let covered = |name: &String| wildcard(name).is_some_and(|wildcard| original.dns_names.contains(&wildcard));
    let whole = original.dns_names.iter().all(|name| asked.dns_names.contains(name));
    if !whole || !added.into_iter().all(covered) {
        return Err(ApiError::invalid("dns_names", "A duplicate has the names of its original."));
    }
    asked.validity = original.issued.as_ref().map(|issued| Validity::Until(issued.valid_till));
    let certificate = asked.insert(&mut world, order.id, Kind::Duplicate, &effects);
    if let Some(row) = world.orders.edit(order.id) {
        row.certificates.push(certificate);
    }
    accept(&app, &mut world, &body, OperationKind::Duplicate, certificate)
}

fn organization(world: &World, caller: &Caller, product: &Product, body: &Submission) -> Result<Option<u64>, ApiError> {
    let asked = body.organization.as_ref().and_then(|organization| organization.id);
    match asked.filter(|id| *id != 0) {
        None if product.validation == Validation::Dv => Ok(None),
        None => Err(ApiError::invalid("organization", "The organization is missing.")),
        Some(_) if product.validation == Validation::Dv => Ok(None),
        Some(asked) => {
            let known = id(Some(asked)).and_then(|id| world.organizations.get(id));
            known
                .filter(|organization| organization.account == caller.account())
                .map(|organization| Some(organization.id))
                .ok_or_else(|| ApiError::not_found("organization"))
        }
    }
}

fn renewal(world: &World, caller: &Caller, body: &Submission) -> Result<Option<u64>, ApiError> {
    let Some(asked) = body.renewal_of_order_id.filter(|id| *id != 0) else {
        return Ok(None);
    };
    let old = lookup::order(world, caller, &asked.to_string())?;
    if old.renewed_by.is_some() {
        return Err(ApiError::bad("order_renewed_already", "The order has been renewed already."));
    }
    let issued = matches!(old.status, OrderStatus::Issued | OrderStatus::ReissuePending);
    let today = day(world.now());
    let near = old.term.is_some_and(|(_, end)| today >= days_after(end, -rules::RENEWAL_WINDOW_DAYS));
    if !issued || !near {
        return Err(ApiError::bad(
            "order_not_eligible_for_renewal",
            "The order can be renewed from 90 days before it ends.",
        ));
    }
    Ok(Some(old.id))
}

/// Reissues and duplicates need an issued order that has not ended and no operation under way.
fn reissuable(world: &World, order: &Order) -> Result<(), ApiError> {
    if views::has_pending_request(world, order) || order.status == OrderStatus::ReissuePending {
        return Err(ApiError::bad("reissue_pending", "The order has a pending reissue or request."));
    }
    if views::order_status(order, world.now()) != "issued" {
        return Err(ApiError::bad("order_status_invalid", "The order is not in a state in which it can be reissued."));
    }
    Ok(())
}

/// Writes the request and the ledger, goes on as far as nothing is missing, and answers 201.
fn accept(app: &App, world: &mut World, body: &Submission, kind: OperationKind, certificate: u64) -> Reply {
    let lost = || ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Lost a row.");
    let row = world.certificates.get(certificate).cloned().ok_or_else(lost)?;
    let order = world.orders.get(row.order).cloned().ok_or_else(lost)?;
    let request_kind = match row.kind {
        Kind::Original => RequestKind::NewRequest,
        Kind::Reissue => RequestKind::Reissue,
        Kind::Duplicate => RequestKind::Duplicate,
    };
    let request = requests::open(world, &order, Some(certificate), request_kind, body.comments.as_deref(), None);
    record(world, kind, &order, Some(&row), Some(request.id));

    let refused = row.quirks.contains(&Quirk::ApprovalRefused);
    let approved = body.skip_approval && !world.settings(order.account).approval_required && !refused;
    if approved {
        issuance::approve(world, &app.ca, request.id, app.dcv.is_instant());
    }
    let answer = answer(app, world, certificate, &request, approved).ok_or_else(lost)?;
    if refused {
        issuance::reject(world, request.id, "Refused.", OrderStatus::Rejected);
    }
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

fn answer(app: &App, world: &World, certificate: u64, request: &Request, approved: bool) -> Option<Value> {
    let certificate = world.certificates.get(certificate)?;
    let order = world.orders.get(certificate.order)?;
    if !approved {
        let status = views::request_status(request.status);
        return Some(json!({"id": order.id, "requests": [{"id": request.id, "status": status}]}));
    }
    let mut answer = json!({
        "id": order.id,
        "certificate_id": certificate.id,
        "requests": [{"id": request.id, "status": "approved"}],
    });
    let open = certificate.checks.iter().flatten().any(|check| !check.approved);
    if open && let Some(token) = &order.token {
        answer["dcv_random_value"] = json!(token.value);
        if certificate.kind == Kind::Original {
            answer["domains"] = views::order_domains(world, certificate);
        }
    }
    if certificate.issued.is_some() && !world.settings(order.account).chain_withheld {
        answer["certificate_chain"] = chain::json_links(&chain::links(&app.ca, certificate, &[]));
    }
    Some(answer)
}

/// Adds one accepted operation to the ledger.
pub fn record(
    world: &mut World,
    kind: OperationKind,
    order: &Order,
    certificate: Option<&Certificate>,
    request: Option<u64>,
) {
    let operation = Operation {
        id: world.next_id(),
        at: world.now(),
        kind,
        paid: matches!(kind, OperationKind::Order | OperationKind::Renew),
        account: order.account,
        order_id: order.id,
        certificate_id: certificate.map(|certificate| certificate.id),
        common_name: certificate.map(|row| row.common_name.clone()).unwrap_or_default(),
        dns_names: certificate.map(|row| row.dns_names.clone()).unwrap_or_default(),
        public_key_sha256: certificate.map(|row| row.public_key_sha256.clone()).unwrap_or_default(),
        alternative_order_id: order.alternative_order_id.clone(),
        renewal_of: order.renewal_of.filter(|_| kind == OperationKind::Renew),
        request_id: request,
        comments: None,
    };
    world.ledger.insert(operation);
}

fn id(value: Option<i64>) -> Option<u64> {
    value.and_then(|value| u64::try_from(value).ok())
}
