//! The vendor's error shape: `{"errors":[{"code","message"}]}`.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

#[derive(Debug)]
pub struct ApiError {
    pub status: StatusCode,
    pub code: String,
    pub message: String,
}

pub type Reply = Result<Response, ApiError>;

impl ApiError {
    pub fn new(status: StatusCode, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into() }
    }

    pub fn bad(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// `invalid_value:<parameter>`
    pub fn invalid(parameter: &str, message: impl Into<String>) -> Self {
        Self::bad(format!("invalid_value:{parameter}"), message)
    }

    /// `not_found|<what>`; also for what belongs to another account.
    pub fn not_found(what: &str) -> Self {
        let message = format!("The {what} was not found.");
        Self::new(StatusCode::NOT_FOUND, format!("not_found|{what}"), message)
    }

    pub fn denied(tail: &str, message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, format!("access_denied|{tail}"), message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({"errors": [{"code": self.code, "message": self.message}]});
        (self.status, Json(body)).into_response()
    }
}
