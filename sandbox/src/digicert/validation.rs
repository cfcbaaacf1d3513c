//! Domain control validation of orders: status, random value, method, checks.

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
    lookup, views,
};
use crate::{
    app::App,
    issuance,
    state::{
        World,
        records::{Certificate, CertificateStatus, NameCheck, Order},
    },
    validation,
};

/// Values of `dcv_method`.
pub const METHODS: [&str; 5] = ["email", "dns-txt-token", "dns-cname-token", "http-token", "http-token-dynamic"];

/// *Validation status*. Ids are strings here.
pub async fn status(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(order): Path<String>,
) -> Reply {
    let world = app.store.lock();
    let order = lookup::order(&world, &caller, &order)?;
    let checks = newest(&world, order).and_then(|row| row.checks.clone()).unwrap_or_default();
    let names: Vec<Value> = checks.iter().map(|check| name_row(&world, order, check)).collect();
    let mut view = json!({
        "order_id": order.id.to_string(),
        "order_status": views::order_status(order, world.now()),
        "order_name_scope": "fqdn",
        "order_dcv_method": order.dcv_method,
        "dns_name_validations": names,
    });
    if let Some(organization) = order.organization.and_then(|id| world.organizations.get(id)) {
        let valid = issuance::organization_valid(&world, order);
        view["organization_id"] = json!(organization.id.to_string());
        view["organization_name"] = json!(organization.name);
        view["organization_validations"] = json!([{
            "type": "ov",
            "name": "OV",
            "description": "Normal Organization Validation",
            "date_created": organization.validated.map(views::date_time),
            "status": if valid { "active" } else { "pending" },
            "verified_contacts": [],
        }]);
    }
    Ok(Json(view).into_response())
}

fn name_row(world: &World, order: &Order, check: &NameCheck) -> Value {
    let mut row = json!({
        "domain_id": check.domain.map(|id| id.to_string()),
        "name_scope": check.scope,
        "approval_scope": check.scope,
        "status": if check.approved { "approved" } else { "unapproved" },
        "method": order.dcv_method,
        "dns_names": check.dns_names,
    });
    let domain = check.domain.and_then(|id| world.domains.get(id));
    if let Some(at) = domain.and_then(|domain| domain.validated) {
        row["approval_date"] = json!(views::date_time(at));
    }
    row
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Names {
    dns_names_validations: Option<Vec<String>>,
}

/// *Check DCV*: looks for the random value now, at the names given or at all.
pub async fn check(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(order): Path<String>,
    Body(body): Body<Names>,
) -> Reply {
    let (id, method, pending) = {
        let world = app.store.lock();
        let order = lookup::order(&world, &caller, &order)?;
        let pending =
            newest(&world, order).filter(|row| row.status == CertificateStatus::Pending && row.checks.is_some());
        (order.id, order.dcv_method.clone(), pending.map(|row| row.id))
    };
    if method == "email" {
        return Err(ApiError::bad("invalid_dns_method", "E-mail cannot be checked."));
    }
    let mut trouble = None;
    if let Some(certificate) = pending {
        trouble = check_certificate(&app, certificate, body.dns_names_validations.as_deref()).await;
    }
    let world = app.store.lock();
    let order = world.orders.get(id).ok_or_else(|| ApiError::not_found("order"))?;
    let row = pending.and_then(|id| world.certificates.get(id)).or_else(|| newest(&world, order));
    let row = row.ok_or_else(|| ApiError::not_found("certificate"))?;
    let checks = row.checks.clone().unwrap_or_default();
    let http = method.starts_with("http-token");
    let open = checks.iter().filter(|check| !check.approved).count();
    // A file must be everywhere; DNS methods answer name by name as soon as one is found.
    if open > 0 && (http || open == checks.len()) {
        let code = if http { "file_random_value_not_found" } else { "invalid_dns_txt" };
        let found = trouble.unwrap_or_default();
        return Err(ApiError::bad(code, format!("The random value was not found. {found}")));
    }
    let names: Vec<Value> = checks
        .iter()
        .flat_map(|check| check.dns_names.iter().map(|name| (name, check.approved)))
        .map(|(name, approved)| json!({"dns_name": name, "status": if approved { "approved" } else { "pending" }}))
        .collect();
    let view = json!({
        "order_status": views::order_status(order, world.now()),
        "certificate_id": row.id,
        "dcv_status": if open == 0 { "valid" } else { "pending" },
        "dns_name_validations": names,
    });
    Ok(Json(view).into_response())
}

/// Checks everything that waits, as the vendor does by itself from time to time.
pub async fn check_pending(app: &App) {
    let waiting: Vec<u64> = {
        let world = app.store.lock();
        let pending =
            world.certificates.iter().filter(|row| row.status == CertificateStatus::Pending && row.checks.is_some());
        pending.map(|row| row.id).collect()
    };
    for certificate in waiting {
        check_certificate(app, certificate, None).await;
    }
}

/// Looks for the random value of one certificate's order, and issues when nothing is missing. Answers what was wrong.
async fn check_certificate(app: &App, certificate: u64, only: Option<&[String]>) -> Option<String> {
    let (method, token, scopes) = {
        let mut world = app.store.lock();
        validation::refresh(&mut world, certificate);
        let row = world.certificates.get(certificate)?;
        let order = world.orders.get(row.order)?;
        let wanted = |check: &&NameCheck| {
            let named = |names: &[String]| check.dns_names.iter().any(|name| names.contains(name));
            !check.approved && only.is_none_or(named)
        };
        let scopes: Vec<NameCheck> = row.checks.iter().flatten().filter(wanted).cloned().collect();
        let token = order.token.clone().filter(|token| token.expires > world.now());
        (order.dcv_method.clone(), token, scopes)
    };
    let mut proven = Vec::new();
    let mut trouble = None;
    for check in scopes {
        let Some(token) = &token else {
            trouble = Some("The random value has expired.".into());
            break;
        };
        match app.dcv.check(&method, &check, &token.value).await {
            Ok(domains) => proven.push((check.scope, domains)),
            Err(message) => trouble = Some(message),
        }
    }
    let mut world = app.store.lock();
    let mut checks = world.certificates.get(certificate)?.checks.clone()?;
    for (scope, domains) in &proven {
        for check in checks.iter_mut().filter(|check| check.scope == *scope) {
            validation::approve(&mut world, check, domains);
        }
    }
    if !proven.is_empty()
        && let Some(row) = world.certificates.edit(certificate)
    {
        row.checks = Some(checks);
    }
    issuance::advance(&mut world, &app.ca, certificate);
    trouble
}

/// *Get order DCV random value*: the live one; a new one only when that has expired.
pub async fn random_value(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(order): Path<String>,
) -> Reply {
    let mut world = app.store.lock();
    let order = lookup::order(&world, &caller, &order)?.id;
    let token = validation::live_token(&mut world, order);
    let expires = views::date_time(token.expires);
    Ok(Json(json!({"dcv_random_value": token.value, "expiration_date": expires})).into_response())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Method {
    pub dcv_method: Option<String>,
}

/// *Change DCV method* of a pending order.
pub async fn change_method(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(order): Path<String>,
    Body(body): Body<Method>,
) -> Reply {
    let mut world = app.store.lock();
    let order = lookup::order(&world, &caller, &order)?.clone();
    let method = body.dcv_method.filter(|method| METHODS.contains(&method.as_str()));
    let method = method.ok_or_else(|| ApiError::invalid("dcv_method", "Unknown DCV method."))?;
    let pending = newest(&world, &order).is_some_and(|row| row.status == CertificateStatus::Pending);
    if !pending {
        return Err(ApiError::bad("order_status_invalid", "The order is not pending."));
    }
    if let Some(row) = world.orders.edit(order.id) {
        row.dcv_method.clone_from(&method);
    }
    if method == "email" {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let token = validation::live_token(&mut world, order.id);
    let expires = views::date_time(token.expires);
    Ok(Json(json!({"dcv_random_value": token.value, "expiration_date": expires})).into_response())
}

/// The certificate validation is about: the latest that was asked for.
fn newest<'a>(world: &'a World, order: &'a Order) -> Option<&'a Certificate> {
    order.certificates.iter().rev().find_map(|id| world.certificates.get(*id))
}
