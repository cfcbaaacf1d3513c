//! What the process says over HTTP: of itself probes, metrics and the level of its log; and validation files.

pub mod files;
mod health;
mod strangers;
pub mod telemetry;
#[cfg(test)]
mod tests;
pub mod webhook;

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{ConnectInfo, State},
    http::{StatusCode, header},
    response::IntoResponse,
    routing::{get, put},
};
use prometheus_client::{encoding::text::encode, metrics::info::Info, registry::Registry};
use tokio::net::TcpListener;

pub use self::health::Health;
use self::telemetry::LogLevel;

/// The content type that OpenMetrics 1.0 asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where the other rooms register their metrics; every name starts with `evercert_`.
pub fn registry() -> Registry {
    let mut registry = Registry::with_prefix("evercert");
    let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "The version that runs", version);
    registry
}

/// What the endpoints show and set.
#[derive(Clone)]
pub struct Shown {
    pub health: Health,
    pub registry: Arc<Registry>,
    pub log_level: LogLevel,
}

/// Answers on `listener` until `stop` resolves:
///
/// - `GET /livez`: 200 while the runtime turns
/// - `GET /readyz`: 200, or 503 with the names of what is still awaited
/// - `GET /metrics`: OpenMetrics text
/// - `PUT /log-level`, from loopback only (`kubectl port-forward` comes from there): `error`, `warn`, `info`,
///   `debug` or `trace` as the body
pub async fn serve(
    listener: TcpListener,
    shown: Shown,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = Router::new()
        .route("/livez", get("ok"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/log-level", put(log_level))
        .with_state(shown);
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).with_graceful_shutdown(stop).await
}

async fn readyz(State(shown): State<Shown>) -> impl IntoResponse {
    let missing = shown.health.missing();
    if missing.is_empty() {
        return (StatusCode::OK, "ok".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("waiting for {}", missing.join(", ")))
}

async fn metrics(State(shown): State<Shown>) -> impl IntoResponse {
    let mut text = String::new();
    match encode(&mut text, &shown.registry) {
        Ok(()) => Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text)),
        Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    }
}

async fn log_level(
    State(shown): State<Shown>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    level: String,
) -> Result<String, (StatusCode, String)> {
    if !peer.ip().to_canonical().is_loopback() {
        return Err((StatusCode::FORBIDDEN, "only from loopback: use kubectl port-forward".into()));
    }
    let level = level
        .trim()
        .parse()
        .map_err(|_| (StatusCode::BAD_REQUEST, "the body is one of error, warn, info, debug, trace".into()))?;
    shown.log_level.set(level).map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(format!("{level}"))
}
