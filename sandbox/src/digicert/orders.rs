//! Reading orders, and cancelling them.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    body::Body,
    errors::{ApiError, Reply},
    gate::Caller,
    list::{self, Query},
    lookup, submit, views,
};
use crate::{
    app::App,
    csr, issuance,
    state::records::{Kind, OperationKind, OrderStatus, RequestKind, RequestStatus},
};

/// *Order info*.
pub async fn info(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(order): Path<String>,
) -> Reply {
    let world = app.store.lock();
    let order = lookup::order(&world, &caller, &order)?;
    Ok(Json(views::order(&world, order)).into_response())
}

/// *List orders*, newest first unless `sort` says otherwise.
pub async fn list(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, query: Query) -> Reply {
    let world = app.store.lock();
    let rows = world.orders.iter().rev();
    let mine = rows
        .filter(|order| order.account == caller.account() && lookup::visible(order.hidden_until))
        .filter(|order| list::matches(&world, order, &query));
    let mut rows: Vec<_> = mine.map(|order| views::order_row(&world, order)).collect();
    list::sort(&mut rows, &query);
    Ok(Json(query.page("orders", rows)).into_response())
}

/// *Get orders by alternative order ID*: every order that carries it; nothing makes it unique.
pub async fn alternate(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(alternative): Path<String>,
    query: Query,
) -> Reply {
    let world = app.store.lock();
    let now = world.now();
    let rows: Vec<_> = world
        .orders
        .iter()
        .filter(|order| order.account == caller.account() && lookup::visible(order.hidden_until))
        .filter(|order| order.alternative_order_id.as_ref() == Some(&alternative))
        .map(|order| {
            json!({
                "order_id": order.id,
                "certificate_id": views::primary(&world, order).map_or(order.primary, |row| row.id),
                "status": views::shown_status(&world, order, now),
            })
        })
        .collect();
    if rows.is_empty() && world.settings(caller.account()).unknown_alternative_is_404 {
        return Err(ApiError::not_found("order"));
    }
    Ok(Json(query.page("orders", rows)).into_response())
}

/// *List reissues*.
pub async fn reissues(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(order): Path<String>,
    query: Query,
) -> Reply {
    certificates(&app, &caller, &order, Kind::Reissue, &query)
}

/// *List duplicates*.
pub async fn duplicates(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(order): Path<String>,
    query: Query,
) -> Reply {
    certificates(&app, &caller, &order, Kind::Duplicate, &query)
}

fn certificates(app: &App, caller: &Caller, order: &str, kind: Kind, query: &Query) -> Reply {
    let world = app.store.lock();
    let order = lookup::order(&world, caller, order)?;
    let rows = lookup::certificates(&world, order).rev().filter(|row| row.kind == kind);
    let rows = rows.map(|row| views::reissue_row(&world, row)).collect();
    Ok(Json(query.page("certificates", rows)).into_response())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Status {
    status: Option<String>,
    note: Option<String>,
}

/// *Update order status*: cancels a pending order, or its pending reissue.
pub async fn update_status(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(order): Path<String>,
    Body(body): Body<Status>,
) -> Reply {
    let mut world = app.store.lock();
    let order = lookup::order(&world, &caller, &order)?.clone();
    match body.status.as_deref() {
        Some("canceled" | "CANCELED") => {}
        Some("renewed" | "not_renewed") => return Ok(StatusCode::NO_CONTENT.into_response()),
        _ => return Err(ApiError::invalid("status", "canceled, renewed or not_renewed.")),
    }
    let note = body.note.filter(|note| !note.is_empty());
    let note = note.ok_or_else(|| ApiError::invalid("note", "A note is required to cancel."))?;
    let cancels = match order.status {
        OrderStatus::Pending => RequestKind::NewRequest,
        OrderStatus::ReissuePending => RequestKind::Reissue,
        _ => {
            return Err(ApiError::bad(
                "order_status_invalid",
                "Only pending orders and pending reissues can be canceled.",
            ));
        }
    };
    let request = order.requests.iter().rev().filter_map(|id| world.requests.get(*id));
    let request = request
        .filter(|request| request.kind == cancels && request.status == RequestStatus::Approved)
        .map(|request| (request.id, request.certificate))
        .next();
    if let Some((request, certificate)) = request {
        let certificate = certificate.and_then(|id| world.certificates.get(id)).cloned();
        let kind = OperationKind::Cancel;
        submit::record(&mut world, kind, &order, certificate.as_ref(), Some(request));
        issuance::reject(&mut world, request, &note, OrderStatus::Canceled);
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct NewCsr {
    csr: Option<String>,
}

/// *Add CSR*: replaces the CSR of an order that is not issued yet.
pub async fn replace_csr(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(order): Path<String>,
    Body(body): Body<NewCsr>,
) -> Reply {
    let mut world = app.store.lock();
    let order = lookup::order(&world, &caller, &order)?.clone();
    let text = body.csr.unwrap_or_default();
    let csr = csr::parse(&text).map_err(|message| ApiError::bad("csr_invalid_cannot_parse", message))?;
    if !matches!(order.status, OrderStatus::NeedsApproval | OrderStatus::Pending) {
        return Err(ApiError::bad("order_status_invalid", "The order is not pending."));
    }
    if let Some(row) = world.certificates.edit(order.primary) {
        row.csr = text;
        row.public_key_sha256 = csr.public_key_sha256;
        row.key_size = csr.key_size;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// *Resend order DCV emails*: once more to everybody, as `/_sandbox/mails` shows.
pub async fn resend_emails(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(order): Path<String>,
) -> Reply {
    let mut world = app.store.lock();
    let order = lookup::order(&world, &caller, &order)?.id;
    if let Some(order) = world.orders.edit(order) {
        order.mailings += 1;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// *Status change list*: orders whose status changed within the window. Nothing changed: an empty object.
pub async fn status_changes(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, query: Query) -> Reply {
    let world = app.store.lock();
    let (from, to) = list::change_window(&query, world.now())?;
    let now = world.now();
    let rows: Vec<_> = world
        .orders
        .iter()
        .filter(|order| order.account == caller.account() && lookup::visible(order.hidden_until))
        .filter(|order| {
            let changed = list::changed(&world, order, now);
            from <= changed && changed <= to
        })
        .map(|order| {
            json!({
                "order_id": order.id,
                "certificate_id": views::primary(&world, order).map_or(order.primary, |row| row.id),
                "status": views::shown_status(&world, order, now),
            })
        })
        .collect();
    if rows.is_empty() {
        return Ok(Json(json!({})).into_response());
    }
    Ok(Json(json!({"orders": rows})).into_response())
}
