//! Validation files, at an address of their own: strangers ask for them.

use std::{io, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::IntoResponse,
    routing::get,
};
use tokio::net::TcpListener;

use super::strangers::Strangers;

/// The content of a file, by the Host header of the request and its path.
pub type Lookup = Arc<dyn Fn(&str, &str) -> Option<String> + Send + Sync>;

/// Answers `GET /.well-known/pki-validation/<file>` (Baseline Requirements §3.2.2.4.18) on `listener` until `stop` resolves,
/// and 404 to everything else. Neither reads a body nor writes a line for a request.
pub async fn serve(
    listener: TcpListener,
    lookup: Lookup,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = Router::new().route("/.well-known/pki-validation/{file}", get(file)).with_state(lookup);
    axum::serve(Strangers::at(listener), router).with_graceful_shutdown(stop).await
}

async fn file(State(lookup): State<Lookup>, uri: Uri, headers: HeaderMap) -> impl IntoResponse {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let nowhere_kept = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    match lookup(host, uri.path()) {
        Some(content) => (StatusCode::OK, nowhere_kept, content),
        None => (StatusCode::NOT_FOUND, nowhere_kept, String::new()),
    }
}
