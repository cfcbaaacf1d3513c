//! The middleware that lets faults happen around the provider APIs.

use std::{io, sync::Arc, time::Duration};

use axum::{
    Json,
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use serde_json::json;

use super::{Effects, FaultKind, Subject};
use crate::{
    app::App,
    digicert, dnsimple, sectigo,
    wire::{Cut, Peer},
};

/// Larger than any request of a client.
const BODY_LIMIT: usize = 4 << 20;

pub async fn inject(
    State(app): State<Arc<App>>,
    ConnectInfo(Peer { cut, .. }): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let (vendor, operation, common_name) = addressed(&method, &path, &body);
    let subject = Subject { method: method.as_str(), path: &path, operation, common_name: common_name.as_deref() };

    for (_, fault) in app.faults.take(&subject, FaultKind::is_before) {
        if let Some(response) = before(fault, &cut, vendor).await {
            return response;
        }
    }
    let taken = app.faults.take(&subject, FaultKind::is_effect);
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(effects(taken.iter().map(|(_, fault)| fault)));
    let response = next.run(request).await;
    if !response.status().is_success() {
        app.faults.give_back(&taken);
        return response;
    }
    match app.faults.take_one(&subject, FaultKind::is_after) {
        Some(fault) => after(fault, response, &cut, vendor).await,
        None => response,
    }
}

/// Whose API a request is for: they do not fail alike.
#[derive(Clone, Copy)]
enum Vendor {
    DigiCert,
    DNSimple,
    Sectigo,
}

/// Its operation, and the name that a certificate is asked for.
fn addressed(method: &Method, path: &str, body: &[u8]) -> (Vendor, Option<&'static str>, Option<String>) {
    if let Some(operation) = sectigo::operation(method, path) {
        return (Vendor::Sectigo, Some(operation), sectigo::common_name(body));
    }
    if let Some(operation) = dnsimple::operation(method, path) {
        return (Vendor::DNSimple, Some(operation), dnsimple::common_name(path, body));
    }
    (Vendor::DigiCert, digicert::operation(method, path, body), digicert::common_name(body))
}

fn effects<'a>(faults: impl Iterator<Item = &'a FaultKind>) -> Effects {
    let mut effects = Effects::default();
    for fault in faults {
        effects.quirks.extend(fault.quirk());
        if let FaultKind::LookupLag { seconds } = fault {
            effects.lag_seconds = Some(*seconds);
        }
    }
    effects
}

async fn before(fault: FaultKind, cut: &Cut, vendor: Vendor) -> Option<Response> {
    match fault {
        FaultKind::Latency { milliseconds } => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            None
        }
        FaultKind::RateLimit { retry_after } => {
            let mut response = match vendor {
                Vendor::DigiCert => digicert::rate_limited(),
                Vendor::DNSimple => return Some(dnsimple::rate_limited(retry_after.unwrap_or(3600))),
                // No document tells what it looks like there.
                Vendor::Sectigo => (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests").into_response(),
            };
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            Some(response)
        }
        FaultKind::ErrorBeforeCommit { status } => Some(error(status, vendor)),
        FaultKind::Refuse { status, code, description } => {
            let body = match vendor {
                Vendor::DigiCert => json!({"errors": [{"code": code, "message": description}]}),
                // Its errors have no codes: by field, when an object is given.
                Vendor::DNSimple if code.is_object() => json!({"message": description, "errors": code}),
                Vendor::DNSimple => json!({"message": description}),
                Vendor::Sectigo => json!({"code": code, "description": description}),
            };
            Some((status_code(status), Json(body)).into_response())
        }
        FaultKind::ResetBeforeCommit => {
            cut.now();
            Some(StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }
        _ => None,
    }
}

async fn after(fault: FaultKind, response: Response, cut: &Cut, vendor: Vendor) -> Response {
    match fault {
        FaultKind::ErrorAfterCommit { status } => error(status, vendor),
        FaultKind::ResetAfterCommit => {
            cut.now();
            response
        }
        FaultKind::HangAfterCommit => std::future::pending().await,
        FaultKind::TruncateBody => truncated(response, cut).await,
        FaultKind::NonJson => {
            let page = "<html><body><h1>It works!</h1></body></html>";
            (response.status(), [(header::CONTENT_TYPE, "text/html")], page).into_response()
        }
        _ => response,
    }
}

/// What stands before the API answers when it cannot be reached, or breaks.
fn error(status: u16, vendor: Vendor) -> Response {
    let (kind, page) = match vendor {
        Vendor::DigiCert => ("text/html", "<html><body>upstream error</body></html>"),
        Vendor::DNSimple => {
            ("text/html", "<html>\n<head><title>Bad Gateway</title></head>\n<body>nginx</body>\n</html>\n")
        }
        Vendor::Sectigo => ("text/plain", "upstream connect error or disconnect/reset before headers"),
    };
    (status_code(status), [(header::CONTENT_TYPE, kind)], page).into_response()
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Announces the whole body, sends half of it, and ends the connection; without a body, only ends it.
async fn truncated(response: Response, cut: &Cut) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    if whole.is_empty() {
        cut.now();
    }
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let half: Result<Bytes, io::Error> = Ok(whole.slice(..whole.len() / 2));
    // The pause between the two lets the half be flushed before the error ends the connection.
    let end = stream::once(async {
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::UnexpectedEof))
    });
    let body = Body::from_stream(stream::iter([half]).chain(end));
    Response::from_parts(parts, body)
}
