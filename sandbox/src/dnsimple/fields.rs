//! Request bodies, read field by field; null counts as absent.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::header::CONTENT_TYPE,
};
use serde_json::{Map, Value};

use super::errors::ApiError;

/// A JSON object; an empty body is an empty one.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub Map<String, Value>);

impl Fields {
    pub fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(ApiError::invalid(name, "is invalid")),
        }
    }

    /// "is not a number", also for one out of its range.
    pub fn number<N: TryFrom<i64>>(&self, name: &str) -> Result<Option<N>, ApiError> {
        let number = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        let number = number.and_then(|number| N::try_from(number).ok());
        number.map(Some).ok_or_else(|| ApiError::invalid(name, "is not a number"))
    }

    pub fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(ApiError::invalid(name, "is invalid")),
        }
    }

    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let text = |row: &Value| row.as_str().map(str::to_owned).ok_or_else(|| ApiError::invalid(name, "is invalid"));
        self.rows(name)?.map(|rows| rows.iter().map(text).collect()).transpose()
    }

    pub fn objects(&self, name: &str) -> Result<Vec<Fields>, ApiError> {
        let object = |row: &Value| match row {
            Value::Object(fields) => Ok(Self(fields.clone())),
            _ => Err(ApiError::invalid(name, "is invalid")),
        };
        self.rows(name)?.unwrap_or_default().iter().map(object).collect()
    }

    fn rows(&self, name: &str) -> Result<Option<Vec<Value>>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(rows)) => Ok(Some(rows.clone())),
            Some(_) => Err(ApiError::invalid(name, "is invalid")),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let json =
            request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        let unreadable = |_| ApiError::bad("Problems parsing JSON");
        let body = Bytes::from_request(request, state).await.map_err(|_| ApiError::bad("Problems parsing JSON"))?;
        if body.is_empty() {
            return Ok(Self::default());
        }
        if !json {
            return Err(ApiError::bad("Content-Type must be application/json"));
        }
        match serde_json::from_slice(&body).map_err(unreadable)? {
            Value::Object(fields) => Ok(Self(fields)),
            Value::Null => Ok(Self::default()),
            _ => Err(ApiError::bad("Problems parsing JSON")),
        }
    }
}
