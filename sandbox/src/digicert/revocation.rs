//! Revocation of one certificate or of all of an order.

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
    body::{Body, flag},
    errors::{ApiError, Reply},
    gate::Caller,
    lookup, requests, submit, views,
};
use crate::{
    app::App,
    issuance,
    state::{
        World,
        records::{Certificate, OperationKind, Order, OrderStatus, RequestKind},
    },
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Revoke {
    revocation_reason: Option<String>,
    comments: Option<String>,
    #[serde(deserialize_with = "flag")]
    skip_approval: bool,
}

const REASONS: [&str; 6] =
    ["unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation", "privilegeWithdrawn"];

/// *Revoke certificate*, by certificate id or serial number.
pub async fn revoke(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(certificate): Path<String>,
    Body(body): Body<Revoke>,
) -> Reply {
    let mut world = app.store.lock();
    let certificate = lookup::certificate(&world, &caller, &certificate)?.clone();
    let order = world.orders.get(certificate.order).cloned();
    let order = order.ok_or_else(|| ApiError::not_found("order"))?;
    if certificate.issued.is_none() {
        return Err(ApiError::bad("certificate_not_issued", "The certificate is not issued."));
    }
    if issuance::revoked(&certificate, world.now()) {
        return Err(ApiError::bad("certificate_already_revoked", "The certificate has been revoked already."));
    }
    request_revocation(&app, &mut world, &order, Some(&certificate), &body)
}

/// *Revoke order certificates*: all of them, and the order with them.
pub async fn revoke_order(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(order): Path<String>,
    Body(body): Body<Revoke>,
) -> Reply {
    let mut world = app.store.lock();
    let order = lookup::order(&world, &caller, &order)?.clone();
    match order.status {
        OrderStatus::Issued | OrderStatus::ReissuePending => {}
        OrderStatus::Revoked => {
            return Err(ApiError::bad("order_already_revoked", "The order is revoked already."));
        }
        _ => return Err(ApiError::bad("order_status_invalid", "The order is not issued.")),
    }
    request_revocation(&app, &mut world, &order, None, &body)
}

fn request_revocation(
    app: &App,
    world: &mut World,
    order: &Order,
    certificate: Option<&Certificate>,
    body: &Revoke,
) -> Reply {
    let reason = body.revocation_reason.as_deref().unwrap_or("unspecified");
    let reason = REASONS.into_iter().find(|known| known.eq_ignore_ascii_case(reason));
    let reason = reason.ok_or_else(|| ApiError::invalid("revocation_reason", "Unknown reason."))?;
    if order.status == OrderStatus::ReissuePending || views::has_pending_request(world, order) {
        return Err(ApiError::bad("reissue_pending", "Cancel the pending reissue or request, or wait for it."));
    }
    let only = certificate.map(|row| row.id);
    let comments = body.comments.as_deref();
    let request = requests::open(world, order, only, RequestKind::Revoke, comments, Some(reason));
    submit::record(world, OperationKind::Revoke, order, certificate, Some(request.id));
    let strict = world.settings(order.account).approval_required;
    if body.skip_approval && !strict {
        issuance::approve(world, &app.ca, request.id, app.dcv.is_instant());
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let answer = json!({
        "id": request.id,
        "date": views::date_time(request.created),
        "type": "revoke",
        "status": views::request_status(request.status),
        "requester": views::person(),
        "comments": request.comments,
    });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}
