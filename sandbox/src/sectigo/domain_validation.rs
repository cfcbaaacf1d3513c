//! *Domain control validation* ahead of certificates: start, submit, status, clear (`/api/dcv`).

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{
    asked,
    details::{object, without_blanks},
    domain_orders,
    errors::{ApiError, Reply},
    fields::Fields,
    gate::Caller,
    limits,
    wording::{Edition, Wording},
};
use crate::{
    app::App,
    clock::{day, days_after, start_of},
    rules,
    state::{
        World,
        scm::{DcvMode, DcvOrder, DcvValue, Domain},
    },
    validation::addresses,
};

/// `POST validation/status`: in v2 with what to publish.
pub async fn show(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    wording: Wording,
    fields: Fields,
) -> Reply {
    let world = app.store.lock();
    let row = find(&world, &caller, &fields)?;
    let mut view = summary(row, world.now(), &wording);
    if wording.edition == Edition::V2 {
        view.extend(under_way(row, &wording));
    }
    Ok(Json(without_blanks(view)).into_response())
}

/// `POST validation/sync`: looks once.
pub async fn sync(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    wording: Wording,
    fields: Fields,
) -> Reply {
    let id = find(&app.store.lock(), &caller, &fields)?.id;
    domain_orders::check(&app, id).await;
    show(State(app), Extension(caller), wording, fields).await
}

fn summary(row: &Domain, now: Timestamp, wording: &Wording) -> Map<String, Value> {
    object(json!({
        "status": wording.word(status(row, now)),
        "validationDate": row.validated.map(|at| wording.dcv_day(at)),
        "expirationDate": valid_until(row, now).map(|until| wording.dcv_day(until)),
        "orderStatus": wording.word(order_status(row)),
    }))
}

fn under_way(row: &Domain, wording: &Wording) -> Map<String, Value> {
    let Some(order) = &row.order else { return Map::new() };
    let next = order.checked.or(order.submitted).map(|at| at + SignedDuration::from_hours(1));
    let mut view = object(json!({
        "orderMode": order.mode.name(),
        "orderBackendId": order.submitted.map(|_| order.backend_id.to_string()),
        "submittedDate": order.submitted.map(|at| wording.dcv_day(at)),
        "lastCheck": order.checked.map(|at| wording.instant(at)),
        "nextCheck": next.filter(|_| order.submitted.is_some()).map(|at| wording.instant(at)),
        "validationEmail": order.email,
        "emailValidationReferenceNumber": order.email.as_ref().map(|_| order.backend_id.to_string()),
    }));
    view.extend(order.value.instructions(order.mode, &row.name));
    view
}

/// `POST validation/clear`: forgets what is under way; what is validated stays so.
pub async fn clear(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    wording: Wording,
    fields: Fields,
) -> Reply {
    let mut world = app.store.lock();
    let now = world.now();
    let id = find(&world, &caller, &fields)?.id;
    let row = world.scm.domains.edit(id).ok_or_else(ApiError::lost)?;
    row.order = None;
    let (status, order) = (wording.word(status(row, now)), wording.word(order_status(row)));
    let message = format!("DCV status: {status}; DCV order status: {order}");
    Ok(Json(json!({"status": status, "orderStatus": order, "message": message})).into_response())
}

/// `POST validation/delete`: the domain is as if it had never been validated.
pub async fn delete(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, fields: Fields) -> Reply {
    let mut world = app.store.lock();
    let id = find(&world, &caller, &fields)?.id;
    let row = world.scm.domains.edit(id).ok_or_else(ApiError::lost)?;
    (row.validated, row.method, row.order) = (None, None, None);
    Ok(StatusCode::OK.into_response())
}

/// The mode that a path names: each has its own, but for AUTO.
fn by_path(mode: &str) -> Result<DcvMode, ApiError> {
    let mode = DcvMode::parse(mode).filter(|mode| *mode != DcvMode::Auto);
    mode.ok_or_else(|| ApiError::not_found("Resource"))
}

/// `POST validation/start/domain/{mode}`: says what to publish.
pub async fn start(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(mode): Path<String>,
    fields: Fields,
) -> Reply {
    let mode = by_path(&mode)?;
    if mode == DcvMode::Email {
        return mailboxes(&app, &caller, &fields);
    }
    let mut world = app.store.lock();
    let row = find(&world, &caller, &fields)?;
    let (id, name) = (row.id, row.name.clone());
    if mode == DcvMode::Txt {
        let message = "DNS TXT validation does not require start operation. Details are provided on submit.";
        return Ok(Json(json!({"message": message})).into_response());
    }
    let order = begin(&mut world, id, mode)?;
    Ok(Json(order.value.instructions(mode, &name)).into_response())
}

/// `POST validation/submit/domain/{mode}`: the CA begins to look.
pub async fn submit(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(mode): Path<String>,
    wording: Wording,
    fields: Fields,
) -> Reply {
    let mode = by_path(&mode)?;
    let email = fields.text("email", 256)?.filter(|email| !email.is_empty());
    let id = {
        let mut world = app.store.lock();
        let now = world.now();
        let row = find(&world, &caller, &fields)?;
        let (id, name) = (row.id, row.name.clone());
        let started = row.order.as_ref().is_some_and(|order| order.mode == mode);
        match mode {
            DcvMode::Email => check_mailbox(&name, email.as_deref())?,
            DcvMode::Txt => {}
            // What is to be published was said by the start.
            _ if !started => {
                let text =
                    format!("The request for '{name}' cannot be processed since it's domain validation status is");
                return Err(ApiError::bad(-724, format!("{text} {}.", wording.word("Not initiated"))));
            }
            _ => {}
        }
        let mut order = begin(&mut world, id, mode)?;
        order.submitted = Some(now);
        order.email = email;
        if let Some(row) = world.scm.domains.edit(id) {
            row.order = Some(order);
        }
        id
    };
    let world = app.store.lock();
    let row = world.scm.domains.get(id).ok_or_else(ApiError::lost)?;
    let mut view = submitted(row, world.now(), &wording);
    if mode == DcvMode::Txt
        && let Some(order) = &row.order
    {
        view.extend(order.value.instructions(mode, &row.name));
    }
    Ok(Json(without_blanks(view)).into_response())
}

fn submitted(row: &Domain, now: Timestamp, wording: &Wording) -> Map<String, Value> {
    let order = row.order.as_ref();
    object(json!({
        "status": wording.word(status(row, now)),
        "orderStatus": wording.word(order_status(row)),
        "message": "Submitted successfully",
        "orderBackendId": order.map(|order| order.backend_id.to_string()),
        "emailValidationReferenceNumber": order.filter(|order| order.email.is_some()).map(|order| order.backend_id.to_string()),
    }))
}

/// `POST validation/submit-bulk/domain/email`: one mailbox for several domains.
pub async fn submit_bulk(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    wording: Wording,
    fields: Fields,
) -> Reply {
    let email = fields.required("email", 256)?;
    let names = fields.texts("domains")?.filter(|names| !names.is_empty());
    let names = names.ok_or_else(|| ApiError::missing("domains"))?;
    let mut world = app.store.lock();
    let now = world.now();
    let mut ids = Vec::new();
    for name in &names {
        let row = named(&world, &caller, name)?;
        check_mailbox(&row.name, Some(&email))?;
        ids.push(row.id);
    }
    let mut backend = 0;
    for id in ids {
        let mut order = begin(&mut world, id, DcvMode::Email)?;
        (order.submitted, order.email) = (Some(now), Some(email.clone()));
        backend = order.backend_id;
        if let Some(row) = world.scm.domains.edit(id) {
            row.order = Some(order);
        }
    }
    let answer = json!({
        "orderStatus": wording.word("Submitted"),
        "message": "Submitted successfully",
        "orderBackendId": backend.to_string(),
    });
    Ok(Json(answer).into_response())
}

/// The order of this mode that is under way, or a new one in its place.
fn begin(world: &mut World, domain: u64, mode: DcvMode) -> Result<DcvOrder, ApiError> {
    let backend_id = world.next_id();
    let row = world.scm.domains.edit(domain).ok_or_else(ApiError::lost)?;
    let known = row.order.take().filter(|order| order.mode == mode);
    let order = known.unwrap_or_else(|| DcvOrder {
        mode,
        value: DcvValue::random(),
        backend_id,
        submitted: None,
        checked: None,
        email: None,
    });
    row.order = Some(order.clone());
    Ok(order)
}

/// *Start validation Email*: whom a mail may go to; of several domains, also who is common to all.
fn mailboxes(app: &App, caller: &Caller, fields: &Fields) -> Reply {
    let world = app.store.lock();
    let names = match fields.texts("domains")? {
        Some(names) if !names.is_empty() => names,
        _ => vec![fields.required("domain", 255)?],
    };
    let mut rows = Vec::new();
    let mut common: Option<Vec<String>> = None;
    for name in &names {
        let name = &named(&world, caller, name)?.name;
        let mine = [vec![whois(name)], addresses(name)].concat();
        common =
            Some(common.map_or(mine.clone(), |common| common.into_iter().filter(|one| mine.contains(one)).collect()));
        rows.push(json!({
            "domainName": name,
            "whoisEmails": [whois(name)],
            "adminEmails": addresses(name),
            "dnsTxtEmails": [],
        }));
    }
    Ok(Json(json!({"emails": common.unwrap_or_default(), "dcvEmails": rows})).into_response())
}

/// One registrant holds all domains of the sandbox.
fn whois(_domain: &str) -> String {
    "registrant@sandbox.example".to_owned()
}

fn check_mailbox(domain: &str, email: Option<&str>) -> Result<(), ApiError> {
    let email = email.ok_or_else(|| ApiError::missing("email"))?;
    let known = addresses(domain).iter().any(|address| address == email) || email == whois(domain);
    if known { Ok(()) } else { Err(ApiError::bad(-518, "Unknown email address")) }
}

fn find<'a>(world: &'a World, caller: &Caller, fields: &Fields) -> Result<&'a Domain, ApiError> {
    let name = fields.required("domain", 255)?;
    named(world, caller, &name)
}

/// Only the highest domain a customer has can be validated; `*.name` means it too.
fn named<'a>(world: &'a World, caller: &Caller, name: &str) -> Result<&'a Domain, ApiError> {
    enabled(caller)?;
    let name = rules::base_name(name).to_lowercase();
    if rules::dns_name(&name).is_none() {
        return Err(ApiError::bad(-732, "Invalid domain name."));
    }
    let mine = || world.scm.domains.iter().filter(|row| row.customer == caller.customer);
    if mine().any(|row| row.name != name && rules::covers(&row.name, &name)) {
        let text = format!("{name} is not a high-level domain. Only high-level domains can be validated.");
        return Err(ApiError::bad(-723, text));
    }
    let unknown = || ApiError::new(StatusCode::NOT_FOUND, -727, format!("The domain '{name}' does not exist."));
    mine().find(|row| row.name == name).ok_or_else(unknown)
}

pub fn enabled(caller: &Caller) -> Result<(), ApiError> {
    let disabled = || ApiError::bad(-1608, "DCV is not enabled for this customer.");
    caller.settings.prevalidated.then_some(()).ok_or_else(disabled)
}

pub fn status(row: &Domain, now: Timestamp) -> &'static str {
    match row.validated {
        None => "Not validated",
        Some(_) if asked::validated(row, now) => "Validated",
        Some(_) => "Expired",
    }
}

pub fn order_status(row: &Domain) -> &'static str {
    match &row.order {
        None => "Not initiated",
        Some(order) if order.submitted.is_some() => "Submitted",
        Some(_) => "Awaiting submission",
    }
}

/// The first day on which the validation counts no more.
pub fn valid_until(row: &Domain, now: Timestamp) -> Option<Timestamp> {
    let days = limits::on(day(now)).domain;
    row.validated.map(|at| start_of(days_after(day(at), days)))
}
