//! Domains of an account and their validation ahead of orders.

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
    body::{Body, Reference},
    errors::{ApiError, Reply},
    gate::Caller,
    list::Query,
    validation::{METHODS, Method},
    views,
};
use crate::{
    app::App,
    clock::{day, days_after, end_of},
    rules,
    state::{
        World,
        records::{Domain, NameCheck},
    },
    validation,
};

/// *List domains*.
pub async fn list(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, query: Query) -> Reply {
    let world = app.store.lock();
    let rows = world.domains.iter().filter(|row| row.account == caller.account());
    let wanted = query.get("filters[search]").or(query.get("filters[name]"));
    let rows = rows.filter(|row| wanted.is_none_or(|name| row.name == name.trim_matches('%')));
    let rows = rows.map(|row| view(&world, row, &query)).collect();
    Ok(Json(query.page("domains", rows)).into_response())
}

/// *Domain info*.
pub async fn info(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(domain): Path<String>,
    query: Query,
) -> Reply {
    let world = app.store.lock();
    let domain = find(&world, &caller, &domain)?;
    let mut view = view(&world, domain, &query);
    // Only here is this flag a string.
    if domain.organization.is_some() {
        view["organization"]["is_active"] = json!("1");
    }
    Ok(Json(view).into_response())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct NewDomain {
    name: Option<String>,
    organization: Option<Reference>,
    dcv_method: Option<String>,
}

/// *Add domain*: begins its validation.
pub async fn add(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Body(body): Body<NewDomain>,
) -> Reply {
    let mut world = app.store.lock();
    let name = body.name.as_deref().and_then(rules::dns_name);
    let name = name
        .filter(|name| !name.starts_with("*."))
        .ok_or_else(|| ApiError::invalid("name", "The domain name is missing or not valid."))?;
    let method = method(body.dcv_method)?;
    let organization = body.organization.and_then(|organization| organization.id);
    let organization = organization.and_then(|id| u64::try_from(id).ok());
    let organization = organization
        .and_then(|id| world.organizations.get(id))
        .filter(|organization| organization.account == caller.account())
        .map(|organization| organization.id)
        .ok_or_else(|| ApiError::not_found("organization"))?;
    let known = world.domains.iter().find(|row| row.account == caller.account() && row.name == name).map(|row| row.id);
    let id = known.unwrap_or_else(|| validation::add_domain(&mut world, caller.account(), Some(organization), &name));
    if let Some(row) = world.domains.edit(id) {
        row.dcv_method = method;
    }
    let token = world.domains.get(id).map(|row| views::dcv_token(&row.token, false));
    Ok((StatusCode::CREATED, Json(json!({"id": id, "dcv_token": token}))).into_response())
}

/// *Submit for validation*: a new random value; what is valid stays valid meanwhile.
pub async fn submit(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(domain): Path<String>,
    Body(body): Body<Method>,
) -> Reply {
    let method = method(body.dcv_method)?;
    renew_token(&app, &caller, &domain, Some(method), StatusCode::CREATED)
}

/// *Generate DCV token*.
pub async fn new_token(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(domain): Path<String>,
) -> Reply {
    renew_token(&app, &caller, &domain, None, StatusCode::CREATED)
}

/// *Change DCV method* of a domain.
pub async fn change_method(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(domain): Path<String>,
    Body(body): Body<Method>,
) -> Reply {
    let method = method(body.dcv_method)?;
    renew_token(&app, &caller, &domain, Some(method), StatusCode::OK)
}

fn renew_token(app: &App, caller: &Caller, domain: &str, method: Option<String>, status: StatusCode) -> Reply {
    let mut world = app.store.lock();
    let now = world.now();
    let id = find(&world, caller, domain)?.id;
    let domain = world.domains.edit(id).ok_or_else(|| ApiError::not_found("domain"))?;
    if domain.token.expires <= now || method.is_none() {
        domain.token = validation::new_token(now);
    }
    if let Some(method) = method {
        domain.dcv_method = method;
    }
    let token = views::dcv_token(&domain.token, false);
    Ok((status, Json(json!({"id": id, "dcv_token": token}))).into_response())
}

/// *Validate token*: checks one domain now.
pub async fn check(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(domain): Path<String>,
) -> Reply {
    let domain = find(&app.store.lock(), &caller, &domain)?.clone();
    let check = NameCheck {
        scope: domain.name.clone(),
        dns_names: vec![domain.name.clone()],
        domain: Some(domain.id),
        approved: false,
    };
    app.dcv.check(&domain.dcv_method, &check, &domain.token.value).await.map_err(|message| {
        let http = domain.dcv_method.starts_with("http-token");
        let code = if http { "file_random_value_not_found" } else { "invalid_dns_txt" };
        ApiError::bad(code, format!("The random value was not found. {message}"))
    })?;
    let mut world = app.store.lock();
    let now = world.now();
    if let Some(row) = world.domains.edit(domain.id) {
        row.validated = Some(now);
    }
    Ok(Json(json!({"token": domain.token.value, "status": "active"})).into_response())
}

/// *Domain emails*: who is mailed to prove control of a domain.
pub async fn emails(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(domain): Path<String>,
) -> Reply {
    let world = app.store.lock();
    let domain = find(&world, &caller, &domain)?;
    let emails = validation::addresses(&domain.name);
    Ok(Json(json!({"name_scope": domain.name, "base_emails": emails, "dns_txt_emails": []})).into_response())
}

fn find<'a>(world: &'a World, caller: &Caller, id: &str) -> Result<&'a Domain, ApiError> {
    let domain = id.parse().ok().and_then(|id| world.domains.get(id));
    domain.filter(|domain| domain.account == caller.account()).ok_or_else(|| ApiError::not_found("domain"))
}

fn method(asked: Option<String>) -> Result<String, ApiError> {
    match asked.filter(|method| !method.is_empty()) {
        None => Ok("email".into()),
        Some(method) if METHODS.contains(&method.as_str()) => Ok(method),
        Some(_) => Err(ApiError::invalid("dcv_method", "Unknown DCV method.")),
    }
}

fn view(world: &World, domain: &Domain, query: &Query) -> Value {
    let valid = validation::valid(world, domain);
    let days = rules::limits(day(world.now())).domain;
    let until = domain.validated.map(|at| end_of(days_after(day(at), days - 1)));
    let mut view = json!({
        "id": domain.id,
        "name": domain.name,
        "is_active": domain.active,
        "status": if valid { "active" } else { "pending" },
        "is_pending_validation": !valid,
        "date_created": views::date_time(domain.created),
        "dcv_method": domain.dcv_method,
        "container": {"id": 1, "name": "Sandbox"},
    });
    if let Some(organization) = domain.organization {
        view["organization"] = views::organization_reference(world, organization);
    }
    if let (Some(at), Some(until)) = (domain.validated, until) {
        view["dcv_approval_datetime"] = json!(views::date_time(at));
        view["dcv_expiration_datetime"] = json!(views::date_time(until));
        view["dcv_expiration"] = json!({"ov": day(until).to_string(), "ev": day(until).to_string()});
    }
    if query.flag("include_dcv") {
        view["dcv_token"] = views::dcv_token(&domain.token, valid);
    }
    if query.flag("include_validation") {
        let status = if valid { "active" } else { "pending" };
        let rows = ["ov", "ev"].map(|kind| {
            let mut row =
                json!({"type": kind, "status": status, "dcv_status": if valid { "complete" } else { "pending" }});
            if let Some(until) = until {
                row["validated_until"] = json!(views::date_time(until));
            }
            row
        });
        view["validations"] = json!(rows);
    }
    view
}
