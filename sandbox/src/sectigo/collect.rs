//! *Collect SSL certificate*, in every format, and what is said while there is nothing to collect.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};

use super::{
    errors::{ApiError, Reply},
    fields::Query,
    gate::Caller,
    lookup,
};
use crate::{
    app::App,
    ca::Ca,
    chain::{self, Link, Role, concatenated},
    faults::Effects,
    pkcs7,
    state::scm::{DuringReplacement, NotReady, Settings, Ssl, Status, Version},
};

/// `GET collect/{sslId}?format=`
pub async fn by_query(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path(id): Path<String>,
    query: Query,
) -> Reply {
    collect(&app, &caller, &effects, &id, query.text("format").unwrap_or("base64"))
}

/// `GET collect/{sslId}/{format}`: in no document, and what most clients call.
pub async fn by_path(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path((id, format)): Path<(String, String)>,
) -> Reply {
    collect(&app, &caller, &effects, &id, &format)
}

fn collect(app: &App, caller: &Caller, effects: &Effects, id: &str, format: &str) -> Reply {
    let world = app.store.lock();
    let row = lookup::ssl(&world, caller, id)?;
    if ![Status::Applied, Status::Issued].contains(&row.status) {
        return not_ready(caller.settings.not_ready);
    }
    let Some(version) = collectable(row, &caller.settings) else { return not_ready(caller.settings.not_ready) };
    if version.is_revoked(world.now()) {
        return Err(ApiError::bad(-110, "Certificate has been revoked and cannot be downloaded."));
    }
    let quirks = [version.quirks.as_slice(), &effects.quirks].concat();
    let Some(issued) = &version.issued else { return Err(ApiError::lost()) };
    let links = chain::links(&app.ca, &version.common_name, issued, &quirks);
    let body = body(&app.ca, &links, format, &caller.settings);
    let body =
        body.ok_or_else(|| ApiError::bad(-126, format!("Unknown SSL certificate file format requested: {format}")))?;
    let name = format!("attachment; filename=\"{}.cert\"", version.common_name.replace("*.", "star."));
    Ok((octets(), [(header::CONTENT_DISPOSITION, name)], body).into_response())
}

/// What the id means now; while it is replaced, that depends.
fn collectable<'a>(row: &'a Ssl, settings: &Settings) -> Option<&'a Version> {
    let version = row.shown()?;
    if version.issued.is_some() {
        return Some(version);
    }
    match settings.during_replacement {
        DuringReplacement::Old => row.issued(),
        DuringReplacement::NotReady => None,
    }
}

fn not_ready(how: NotReady) -> Reply {
    match how {
        NotReady::BeingProcessed => Err(ApiError::bad(0, "Being processed by Sectigo")),
        NotReady::RequestProcessed => Err(ApiError::bad(-1400, "The request is being processed by Sectigo.")),
        NotReady::NotCollectable => Err(ApiError::bad(-183, "Certificate is not collectable.")),
        NotReady::Empty => Ok(empty()),
    }
}

fn empty() -> Response {
    (octets(), "").into_response()
}

fn octets() -> [(header::HeaderName, &'static str); 1] {
    [(header::CONTENT_TYPE, "application/octet-stream;charset=UTF-8")]
}

/// None for a format nobody knows.
fn body(ca: &Ca, links: &[Link<'_>], format: &str, settings: &Settings) -> Option<Vec<u8>> {
    let leaf = || concatenated(links.iter().filter(|link| link.role == Role::Leaf));
    let issuers = || links.iter().filter(|link| link.role != Role::Leaf);
    let leaf_first = || concatenated(links);
    let root_first = || concatenated(links.iter().rev());
    let text = match format.to_lowercase().as_str() {
        "x509" => root_first(),
        "x509r" => leaf_first(),
        "pem" if settings.pem_leaf_first => leaf_first(),
        "pem" => root_first(),
        "x509co" | "pemco" => leaf(),
        "x509io" => concatenated(issuers().rev()),
        "x509ior" => concatenated(issuers()),
        "pemia" => leaf() + ca.intermediate_pem(),
        "base64" if settings.base64_is_pem => root_first(),
        "base64" => pkcs7::pem(links),
        "bin" => return Some(pkcs7::der(links)),
        _ => return None,
    };
    Some(text.into_bytes())
}
