//! Downloads and chains of issued certificates.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::header,
    response::IntoResponse,
};
use serde_json::json;

use super::{
    bundle, chain,
    errors::{ApiError, Reply},
    gate::Caller,
    lookup, views,
};
use crate::{
    app::App,
    faults::Effects,
    state::{
        World,
        records::{Certificate, Order},
    },
};

/// *Download certificate*, by certificate id: `/certificate/{certificate_id}/download/format/{format}`.
pub async fn download(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path((certificate, format)): Path<(String, String)>,
) -> Reply {
    let world = app.store.lock();
    let certificate = lookup::certificate(&world, &caller, &certificate)?;
    file(&app, certificate, &effects, &format)
}

/// By order id: the active certificate of the order only.
pub async fn download_by_order(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path((order, format)): Path<(String, String)>,
) -> Reply {
    let world = app.store.lock();
    let order = lookup::order(&world, &caller, &order)?;
    file(&app, active(&world, order)?, &effects, &format)
}

/// The format that suits a server platform; without a number that of the certificate.
pub async fn download_for_platform(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path(certificate): Path<String>,
) -> Reply {
    let world = app.store.lock();
    let certificate = lookup::certificate(&world, &caller, &certificate)?;
    file(&app, certificate, &effects, bundle::platform_format(certificate.server_platform))
}

pub async fn download_for_given_platform(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path((certificate, platform)): Path<(String, String)>,
) -> Reply {
    let world = app.store.lock();
    let certificate = lookup::certificate(&world, &caller, &certificate)?;
    file(&app, certificate, &effects, bundle::platform_format(platform.parse().unwrap_or(-1)))
}

pub async fn download_by_order_for_platform(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path((order, platform)): Path<(String, String)>,
) -> Reply {
    let world = app.store.lock();
    let order = lookup::order(&world, &caller, &order)?;
    let format = bundle::platform_format(platform.parse().unwrap_or(-1));
    file(&app, active(&world, order)?, &effects, format)
}

fn active<'a>(world: &'a World, order: &'a Order) -> Result<&'a Certificate, ApiError> {
    views::primary(world, order).ok_or_else(|| ApiError::not_found("certificate"))
}

fn file(app: &App, certificate: &Certificate, effects: &Effects, format: &str) -> Reply {
    let links = chain::links(&app.ca, certificate, &effects.quirks);
    if links.is_empty() {
        return Err(ApiError::not_found("certificate"));
    }
    let file = bundle::build(&links, &certificate.common_name, format)
        .ok_or_else(|| ApiError::invalid("format_type", "Unknown download format."))?;
    let disposition = format!("attachment; filename=\"{}\"", file.name);
    let headers = [(header::CONTENT_TYPE, file.content_type.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, file.content).into_response())
}

/// *Certificate chain*: `intermediates`, the leaf among them and the root last.
pub async fn chain(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(effects): Extension<Effects>,
    Path(certificate): Path<String>,
) -> Reply {
    let world = app.store.lock();
    let certificate = lookup::certificate(&world, &caller, &certificate)?;
    if certificate.issued.is_none() {
        return Err(ApiError::not_found("certificate"));
    }
    let links = chain::links(&app.ca, certificate, &effects.quirks);
    Ok(Json(json!({"intermediates": chain::json_links(&links)})).into_response())
}
