//! *Domains* and their delegation to organizations and departments (`/api/domain/v1`).

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{
    asked,
    details::{object, without_blanks},
    domain_validation::{status, valid_until},
    errors::{ApiError, Reply},
    fields::{Fields, Query},
    gate::Caller,
    wording::Wording,
};
use crate::{
    app::App,
    rules,
    state::{
        World,
        scm::{DcvMode, Delegation, Domain},
    },
};

/// `GET /api/domain/v1`
pub async fn list(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, query: Query) -> Reply {
    let world = app.store.lock();
    let rows = world.scm.domains.iter().filter(|row| row.customer == caller.customer && fits(row, &query));
    let rows = rows.map(|row| json!({"id": row.id, "name": row.name}));
    Ok(query.page(rows.collect())?.into_response())
}

fn fits(row: &Domain, query: &Query) -> bool {
    let requested = row.delegations.iter().any(|delegation| delegation.requested);
    let to = |id: &str| row.delegations.iter().any(|delegation| delegation.organization.to_string() == id);
    query.text("name").is_none_or(|asked| row.name.contains(&asked.to_lowercase()))
        && query.text("state").is_none_or(|state| row.active == (state == "active"))
        && query.text("status").is_none_or(|status| requested == (status == "requested"))
        && query.text("orgId").is_none_or(to)
}

/// `GET /api/domain/v1/{id}`: validation is shown where the customer has it.
pub async fn show(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    wording: Wording,
) -> Reply {
    let world = app.store.lock();
    let row = find(&world, &caller, &id)?;
    let now = world.now();
    let requested = row.delegations.iter().any(|delegation| delegation.requested);
    let mut view = object(json!({
        "id": row.id,
        "name": row.name,
        "state": if row.active { "ACTIVE" } else { "SUSPENDED" },
        "delegationStatus": delegation_status(requested),
        "delegations": row.delegations.iter().map(delegation_view).collect::<Vec<_>>(),
        "ctLogMonitoring": {"enabled": false, "includeSubdomains": false},
    }));
    if caller.settings.prevalidated {
        view.extend(object(json!({
            "validationStatus": wording.word(status(row, now)),
            "validationMethod": row.method.map(DcvMode::method),
            "dcvValidation": row.validated.map(|at| wording.dcv_day(at)),
            "dcvExpiration": valid_until(row, now).map(|until| wording.dcv_day(until)),
        })));
    }
    Ok(Json(without_blanks(view)).into_response())
}

fn delegation_status(requested: bool) -> &'static str {
    if requested { "REQUESTED" } else { "ACTIVE" }
}

fn delegation_view(delegation: &Delegation) -> Value {
    json!({
        "orgId": delegation.organization,
        "certTypes": delegation.cert_types,
        "domainCertificateRequestPrivileges":
            if delegation.privileges.is_empty() { PRIVILEGES.map(str::to_owned).to_vec() } else { delegation.privileges.clone() },
        "status": delegation_status(delegation.requested),
    })
}

const PRIVILEGES: [&str; 4] = ["DOMAIN", "SUBDOMAIN", "WILDCARD_1ST_LEVEL", "WILDCARD_2ND_LEVEL"];

/// `POST /api/domain/v1`: 201 and where it is.
pub async fn create(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, fields: Fields) -> Reply {
    let name = fields.required("name", 255)?;
    let name = rules::dns_name(&name).ok_or_else(|| ApiError::bad(-732, "Invalid domain name."))?;
    let mut world = app.store.lock();
    if world.scm.domains.iter().any(|row| row.customer == caller.customer && row.name == name) {
        return Err(ApiError::bad(-700, "Such domain already exists"));
    }
    let given = fields.objects("delegations")?.filter(|rows| !rows.is_empty());
    let given = given
        .ok_or_else(|| ApiError::bad(-709, "Please delegate domain to at least one organization or department."))?;
    let delegations = given.iter().map(|row| delegation(&world, &caller, row)).collect::<Result<Vec<_>, _>>()?;
    let active = fields.flag("active")?.unwrap_or(true);
    let id = world.next_id();
    world.scm.domains.insert(Domain {
        id,
        customer: caller.customer,
        name,
        active,
        delegations,
        validated: None,
        method: None,
        order: None,
    });
    let location = format!("{}/api/domain/v1/{id}", app.url);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]).into_response())
}

fn delegation(world: &World, caller: &Caller, fields: &Fields) -> Result<Delegation, ApiError> {
    let organization = asked::organization(world, caller, fields.id("orgId")?)?.id;
    let cert_types = fields.texts("certTypes")?.filter(|kinds| !kinds.is_empty());
    Ok(Delegation {
        organization,
        cert_types: cert_types.ok_or_else(|| ApiError::missing("certTypes"))?,
        privileges: fields.texts("domainCertificateRequestPrivileges")?.unwrap_or_default(),
        requested: false,
    })
}

/// `DELETE /api/domain/v1/{id}`: 204, not while there are certificates for it.
pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Reply {
    let mut world = app.store.lock();
    let row = find(&world, &caller, &id)?;
    let (id, name) = (row.id, row.name.clone());
    let uses = |ssl: &crate::state::scm::Ssl| {
        ssl.customer == caller.customer
            && ssl.versions.iter().flat_map(|version| &version.names).any(|used| rules::covers(&name, used))
    };
    if world.scm.certificates.iter().any(uses) {
        let text =
            "This operation cannot be performed due to SSL certificates enrolled for this domain or its subdomains.";
        return Err(ApiError::bad(-740, text));
    }
    world.scm.domains.remove(id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /api/domain/v1/{id}/delegation`
pub async fn delegate(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    fields: Fields,
) -> Reply {
    change(&app, &caller, &id, &fields, |row, _, new| {
        row.delegations.retain(|known| known.organization != new.organization);
        row.delegations.push(new);
        Ok(())
    })
}

/// `DELETE /api/domain/v1/{id}/delegation`: of these kinds of certificates.
pub async fn withdraw(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    fields: Fields,
) -> Reply {
    change(&app, &caller, &id, &fields, |row, _, gone| {
        for known in row.delegations.iter_mut().filter(|known| known.organization == gone.organization) {
            known.cert_types.retain(|kind| !gone.cert_types.contains(kind));
        }
        row.delegations.retain(|known| !known.cert_types.is_empty());
        Ok(())
    })
}

fn change(
    app: &App,
    caller: &Caller,
    id: &str,
    fields: &Fields,
    apply: fn(&mut Domain, u64, Delegation) -> Result<(), ApiError>,
) -> Reply {
    let mut world = app.store.lock();
    let id = find(&world, caller, id)?.id;
    let delegation = delegation(&world, caller, fields)?;
    let row = world.scm.domains.edit(id).ok_or_else(ApiError::lost)?;
    apply(row, id, delegation)?;
    Ok(StatusCode::OK.into_response())
}

/// `POST /api/domain/v1/{id}/delegation/{approve|reject}`
pub async fn decide(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((id, decision)): Path<(String, String)>,
    fields: Fields,
) -> Reply {
    let mut world = app.store.lock();
    let id = find(&world, &caller, &id)?.id;
    let organization = asked::organization(&world, &caller, fields.id("orgId")?)?.id;
    let row = world.scm.domains.edit(id).ok_or_else(ApiError::lost)?;
    let requested = |known: &Delegation| known.organization == organization && known.requested;
    if !row.delegations.iter().any(requested) {
        let text = "This operation cannot be performed as the delegation status is other than 'Requested'.";
        return Err(ApiError::bad(-705, text));
    }
    match decision.as_str() {
        "approve" => row
            .delegations
            .iter_mut()
            .filter(|known| known.organization == organization)
            .for_each(|known| known.requested = false),
        "reject" => row.delegations.retain(|known| known.organization != organization),
        _ => return Err(ApiError::not_found("Resource")),
    }
    Ok(StatusCode::OK.into_response())
}

fn find<'a>(world: &'a World, caller: &Caller, id: &str) -> Result<&'a Domain, ApiError> {
    let row = id.parse().ok().and_then(|id| world.scm.domains.get(id));
    let unknown = || ApiError::new(StatusCode::NOT_FOUND, -727, format!("The domain '{id}' does not exist."));
    row.filter(|row| row.customer == caller.customer).ok_or_else(unknown)
}
