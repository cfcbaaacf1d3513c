//! The vendor's error shape, `{"code", "description"}`, and the codes of the chapter "Errors" that are answered here.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

#[derive(Debug)]
pub struct ApiError {
    pub status: StatusCode,
    pub code: i64,
    pub description: String,
}

pub type Reply = Result<Response, ApiError>;

impl ApiError {
    pub fn new(status: StatusCode, code: i64, description: impl Into<String>) -> Self {
        Self { status, code, description: description.into() }
    }

    /// Most refusals are 400; the code tells the story.
    pub fn bad(code: i64, description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, description)
    }

    pub fn missing(field: &str) -> Self {
        Self::bad(-7, format!("{field} is required but missing."))
    }

    pub fn invalid(field: &str) -> Self {
        Self::bad(-1601, format!("Field '{field}' has invalid value."))
    }

    pub fn unreadable() -> Self {
        Self::bad(-1002, "Cannot parse message body.")
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, -5101, format!("{what} not found."))
    }

    /// In the body of an operation, where an id that is unknown is a mistake of the request.
    pub fn wrong_id(id: impl std::fmt::Display) -> Self {
        Self::bad(-124, format!("Wrong SSL certificate id {id}."))
    }

    pub fn denied(what: &str) -> Self {
        Self::bad(-3, format!("You are not authorized to perform {what}."))
    }

    pub fn unknown_user() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, -16, "Unknown user")
    }

    pub fn lost() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, -2, "Internal error. Please contact Support for details.")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(json!({"code": self.code, "description": self.description}))).into_response()
    }
}
