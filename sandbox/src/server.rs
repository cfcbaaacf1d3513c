//! One port for everything: the provider APIs behind the faults, and what only the sandbox has.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::{get, post},
};

use crate::{admin, app::App, digicert, dnsimple, faults, issuance, ocsp, page, sectigo};

pub const OCSP_PATH: &str = "/ocsp";
pub const CRL_PATH: &str = "/crl/tls-ca-1.crl";

pub fn router(app: &Arc<App>) -> Router {
    let providers = digicert::router(app).merge(sectigo::router(app)).merge(dnsimple::router(app));
    let providers = providers.layer(from_fn_with_state(app.clone(), faults::inject));
    let own = Router::new()
        .route("/", get(page::page))
        .route(CRL_PATH, get(crl))
        .route(OCSP_PATH, post(status))
        .nest("/_sandbox", admin::router())
        .with_state(app.clone());
    providers.merge(own)
}

async fn crl(State(app): State<Arc<App>>) -> Response {
    let (now, revoked) = {
        let world = app.store.lock();
        (world.now(), issuance::revoked_serials(&world))
    };
    match app.ca.crl(now, &revoked) {
        Ok(crl) => ([(header::CONTENT_TYPE, "application/pkix-crl")], crl).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn status(State(app): State<Arc<App>>, request: Bytes) -> Response {
    let (now, revoked) = {
        let world = app.store.lock();
        (world.now(), issuance::revoked_serials(&world))
    };
    match ocsp::answer(&app.ca, &request, now, &revoked) {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/ocsp-response")], answer).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error).into_response(),
    }
}
