//! Who calls, and whether that key may do this.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    http::{
        HeaderValue, Method, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{errors::ApiError, validation::check_pending};
use crate::{
    app::App,
    state::records::{ApiKey, Restriction},
};

/// The key of this request.
#[derive(Clone)]
pub struct Caller(pub ApiKey);

impl Caller {
    pub fn account(&self) -> u64 {
        self.0.account
    }
}

pub async fn enter(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    app.calls.count(request.method(), request.uri().path());
    let mut response = match admit(&app, &request) {
        Ok(caller) => {
            // What was believed at once is issued by the time anybody looks.
            if app.dcv.is_instant() {
                check_pending(&app).await;
            }
            let mut request = request;
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    };
    // A path or query nobody can read is refused by the framework, in its own words.
    if response.status().is_client_error() && !is_json(&response) {
        response = ApiError::bad("bad_request_format", "The request cannot be read.").into_response();
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private,no-cache"));
    response
}

fn is_json(response: &Response) -> bool {
    response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json")
}

fn admit(app: &App, request: &Request) -> Result<Caller, ApiError> {
    let given = request.headers().get("x-dc-devkey");
    let given = given.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = app.store.lock().api_keys.iter().find(|key| key.key == given && !key.revoked).cloned();
    let key = key.ok_or_else(|| ApiError::denied("access_denied_invalid_key", "The API key is invalid."))?;
    if !permitted(key.restriction, request.method(), request.uri().path()) {
        return Err(ApiError::denied(
            "missing_permission",
            "The API key does not have the permission for this request.",
        ));
    }
    if !app.limits.admit(key.id, Instant::now()) {
        return Err(too_many());
    }
    Ok(Caller(key))
}

/// The answer to one request too many.
pub fn rate_limited() -> Response {
    too_many().into_response()
}

fn too_many() -> ApiError {
    let message = "Service unavailable, please limit the request rate.";
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "request_limit_exceeded", message)
}

/// "API key permissions": view only means GET; the orders key leaves domains and organizations alone.
fn permitted(restriction: Restriction, method: &Method, path: &str) -> bool {
    let reads = method == Method::GET;
    let guarded = ["/domain", "/organization"];
    match restriction {
        Restriction::None | Restriction::OrdersDomainsOrganizations => true,
        Restriction::Orders => reads || !guarded.iter().any(|prefix| path.starts_with(prefix)),
        Restriction::ViewOnly => reads,
    }
}
