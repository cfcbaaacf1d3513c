//! Requests: the approval objects behind orders, reissues, duplicates and revocations.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    body::Body,
    errors::{ApiError, Reply},
    gate::Caller,
    list::Query,
    lookup, views,
};
use crate::{
    app::App,
    issuance,
    state::{
        World,
        records::{Order, OrderStatus, Request, RequestKind, RequestStatus},
    },
};

/// *List requests*.
pub async fn list(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, query: Query) -> Reply {
    let world = app.store.lock();
    let wanted = query.get("filters[status]");
    let rows = world.requests.iter().rev().filter(|row| row.account == caller.account());
    let rows = rows.filter(|row| lookup::request_visible(&world, row));
    let rows =
        rows.filter(|row| wanted.is_none_or(|status| views::request_status(row.status).eq_ignore_ascii_case(status)));
    let rows = rows.map(|row| view(&world, row)).collect();
    Ok(Json(query.page("requests", rows)).into_response())
}

/// *Request info*.
pub async fn info(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(request): Path<String>,
) -> Reply {
    let world = app.store.lock();
    let request = find(&world, &caller, &request)?;
    let mut view = view(&world, request);
    if let Some(at) = request.processed {
        view["date_processed"] = json!(views::date_time(at));
        view["processor"] = views::person();
    }
    view["processor_comment"] = json!(request.processor_comment);
    Ok(Json(view).into_response())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Status {
    status: Option<String>,
    processor_comment: Option<String>,
}

/// *Update request status*: approves or rejects.
pub async fn update_status(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(request): Path<String>,
    Body(body): Body<Status>,
) -> Reply {
    let mut world = app.store.lock();
    let request = find(&world, &caller, &request)?.clone();
    // Where even an administrator's requests wait, no key may approve: a person does.
    let strict = world.settings(request.account).approval_required;
    let comment = body.processor_comment.unwrap_or_default();
    match body.status.as_deref() {
        Some("approved") if !strict => decide(&app, &mut world, &request, true, &comment)?,
        Some("approved") => {
            return Err(ApiError::denied("invalid_approver", "This user cannot approve this request."));
        }
        Some("rejected") => decide(&app, &mut world, &request, false, &comment)?,
        Some("pending" | "submitted") => {}
        _ => return Err(ApiError::invalid("status", "approved or rejected.")),
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Opens the request for an operation on an order; without a certificate it is about all of them.
pub fn open(
    world: &mut World,
    order: &Order,
    certificate: Option<u64>,
    kind: RequestKind,
    comments: Option<&str>,
    revocation_reason: Option<&str>,
) -> Request {
    let submitted = world.settings(order.account).requests_are_submitted;
    let request = Request {
        id: world.next_id(),
        account: order.account,
        order: order.id,
        certificate,
        kind,
        status: if submitted { RequestStatus::Submitted } else { RequestStatus::Pending },
        created: world.now(),
        processed: None,
        comments: comments.unwrap_or_default().to_owned(),
        processor_comment: String::new(),
        revocation_reason: revocation_reason.map(str::to_owned),
    };
    world.requests.insert(request.clone());
    if let Some(order) = world.orders.edit(order.id) {
        order.requests.push(request.id);
    }
    request
}

/// Approves or rejects a request that is still open.
pub fn decide(app: &App, world: &mut World, request: &Request, approved: bool, comment: &str) -> Result<(), ApiError> {
    if !views::is_open(request) {
        return Err(ApiError::bad("request_already_processed", "The request has been approved or rejected already."));
    }
    if approved {
        issuance::approve(world, &app.ca, request.id, app.dcv.is_instant());
    } else {
        issuance::reject(world, request.id, comment, OrderStatus::Rejected);
    }
    Ok(())
}

fn find<'a>(world: &'a World, caller: &Caller, id: &str) -> Result<&'a Request, ApiError> {
    let request = id.parse().ok().and_then(|id| world.requests.get(id));
    request.filter(|request| request.account == caller.account()).ok_or_else(|| ApiError::not_found("request"))
}

fn view(world: &World, request: &Request) -> Value {
    let order = world.orders.get(request.order);
    let certificate =
        request.certificate.or(order.map(|order| order.primary)).and_then(|id| world.certificates.get(id));
    let mut inner = json!({"id": request.order});
    if let Some(order) = order {
        inner["product"] = views::product(&order.product);
        inner["container"] = json!({"id": order.container.unwrap_or(1), "name": "Sandbox"});
        if let Some(organization) = order.organization {
            inner["organization"] = views::organization_reference(world, organization);
        }
    }
    if let Some(row) = certificate {
        inner["certificate"] = json!({
            "id": row.id,
            "common_name": row.common_name,
            "dns_names": row.dns_names,
        });
    }
    json!({
        "id": request.id,
        "date": views::date_time(request.created),
        "type": views::request_kind(request.kind),
        "status": views::request_status(request.status),
        "requester": views::person(),
        "comments": request.comments,
        "order": inner,
    })
}
