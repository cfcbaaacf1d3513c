//! *Approve SSL certificate* and *Decline SSL certificate*.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};

use super::{
    errors::{ApiError, Reply},
    fields::Fields,
    gate::Caller,
    issuance, lookup,
};
use crate::{
    app::App,
    state::scm::{Ssl, Status, Validation},
};

pub async fn approve(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    fields: Fields,
) -> Reply {
    fields.required("message", 512)?;
    let mut world = app.store.lock();
    let row = waiting(lookup::subject(&world, &caller, &id)?)?;
    let (id, own) = (row.id, row.requester_id == caller.admin.id);
    let ev = world.scm.profiles.get(row.profile).is_some_and(|profile| profile.validation == Validation::Ev);
    if own && ev {
        let text = "Since you are a requester of this certificate you can't approve it. For EV certificates the";
        return Err(ApiError::bad(-1140, format!("{text} requester and the approver must not be the same person.")));
    }
    issuance::approve(&mut world, id, &caller.admin.login);
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub async fn decline(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    fields: Fields,
) -> Reply {
    fields.required("message", 512)?;
    let mut world = app.store.lock();
    let now = world.now();
    let id = waiting(lookup::subject(&world, &caller, &id)?)?.id;
    if let Some(row) = world.scm.certificates.edit(id) {
        row.status = Status::Declined;
        row.declined = Some(now);
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn waiting(row: &Ssl) -> Result<&Ssl, ApiError> {
    match row.status {
        Status::Requested | Status::SaApproved => Ok(row),
        other => Err(ApiError::bad(-1112, format!("Certificate can't be approved cause it has state = {other:?}"))),
    }
}
