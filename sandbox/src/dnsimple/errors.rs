//! The vendor's error shape, `{"message", "errors"}` (*Errors*).

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

#[derive(Debug)]
pub struct ApiError {
    pub status: StatusCode,
    pub message: String,
    /// By field; absent in most refusals.
    pub errors: Option<Value>,
}

pub type Reply = Result<Response, ApiError>;

impl ApiError {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), errors: None }
    }

    /// A request that cannot be done now.
    pub fn bad(message: impl Into<String>) -> Self {
        Self { errors: Some(json!({})), ..Self::new(StatusCode::BAD_REQUEST, message) }
    }

    /// Of one field, or of the whole under `base`.
    pub fn invalid(field: &str, why: impl Into<String>) -> Self {
        Self::failed(json!({field: [why.into()]}))
    }

    pub fn failed(errors: Value) -> Self {
        Self { errors: Some(errors), ..Self::new(StatusCode::BAD_REQUEST, "Validation failed") }
    }

    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Authentication failed")
    }

    pub fn unpaid() -> Self {
        let message = "This action cannot be completed because you have purchase invoices that need to be paid for: \
            12345-1010. Please retry the payment following these instructions \
            https://support.dnsimple.com/articles/account-invoice-history/#retrying.";
        Self::new(StatusCode::PAYMENT_REQUIRED, message)
    }

    pub fn denied(scope: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, format!("Permission Denied. Required Scope: {scope}"))
    }

    /// `Certificate`, `Zone`, …
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} `{id}` not found"))
    }

    pub fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    /// The plan lacks it.
    pub fn not_in_plan(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, message)
    }

    pub fn precondition(message: &str) -> Self {
        Self::new(StatusCode::PRECONDITION_REQUIRED, message)
    }

    pub fn quota() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "quota exceeded")
    }

    pub fn timed_out() -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "Could not query zone, connection timed out")
    }

    pub fn lost() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }

    pub fn body(&self) -> Value {
        match &self.errors {
            Some(errors) => json!({"message": self.message, "errors": errors}),
            None => json!({"message": self.message}),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self.body())).into_response()
    }
}
