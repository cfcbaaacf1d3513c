//! Request bodies and queries, read field by field: numbers may come as strings, and null counts as absent.

use std::collections::HashMap;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::request::Parts,
};
use serde_json::{Map, Value};

use super::errors::ApiError;
use crate::state::scm::FieldValue;

/// A JSON object.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub Map<String, Value>);

impl Fields {
    /// Of at most `longest` characters.
    pub fn text(&self, name: &str, longest: usize) -> Result<Option<String>, ApiError> {
        let text = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(flag)) => flag.to_string(),
            Some(_) => return Err(ApiError::unreadable()),
        };
        if text.chars().count() > longest { Err(ApiError::invalid(name)) } else { Ok(Some(text)) }
    }

    /// As `text`, and not empty.
    pub fn required(&self, name: &str, longest: usize) -> Result<String, ApiError> {
        self.text(name, longest)?.filter(|text| !text.is_empty()).ok_or_else(|| ApiError::missing(name))
    }

    pub fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => number.as_i64().map(Some).ok_or_else(ApiError::unreadable),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => text.parse().map(Some).map_err(|_| ApiError::unreadable()),
            Some(_) => Err(ApiError::unreadable()),
        }
    }

    /// A number from 1 on.
    pub fn id(&self, name: &str) -> Result<Option<u64>, ApiError> {
        let number = self.number(name)?;
        number.map(|number| u64::try_from(number).ok().filter(|id| *id > 0).ok_or(ApiError::invalid(name))).transpose()
    }

    pub fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) => text.parse().map(Some).map_err(|_| ApiError::unreadable()),
            Some(_) => Err(ApiError::unreadable()),
        }
    }

    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let texts = |rows: &Vec<Value>| -> Option<Vec<String>> {
            rows.iter().map(|row| row.as_str().map(str::to_owned)).collect()
        };
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(rows)) => texts(rows).map(Some).ok_or_else(ApiError::unreadable),
            Some(_) => Err(ApiError::unreadable()),
        }
    }

    pub fn object(&self, name: &str) -> Result<Option<Fields>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Fields(fields.clone()))),
            Some(_) => Err(ApiError::unreadable()),
        }
    }

    pub fn objects(&self, name: &str) -> Result<Option<Vec<Fields>>, ApiError> {
        let object = |row: &Value| row.as_object().cloned().map(Fields).ok_or_else(ApiError::unreadable);
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(rows)) => rows.iter().map(object).collect::<Result<_, _>>().map(Some),
            Some(_) => Err(ApiError::unreadable()),
        }
    }

    /// `[{"name", "value"}]`
    pub fn custom_fields(&self) -> Result<Option<Vec<FieldValue>>, ApiError> {
        let value = |row: &Fields| {
            let name = row.required("name", 256)?;
            Ok(FieldValue { name, value: row.text("value", 256)?.unwrap_or_default() })
        };
        self.objects("customFields")?.map(|rows| rows.iter().map(value).collect()).transpose()
    }
}

/// The body; anything but an object, and so an empty body, cannot be read.
impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Json::from_request(request, state).await?.0 {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(ApiError::unreadable()),
        }
    }
}

/// A body that may be left out.
pub struct Optional(pub Fields);

impl<S: Send + Sync> FromRequest<S> for Optional {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Json::from_request(request, state).await?.0 {
            Value::Null => Ok(Self(Fields::default())),
            Value::Object(fields) => Ok(Self(Fields(fields))),
            _ => Err(ApiError::unreadable()),
        }
    }
}

/// Any JSON; null when there is no body.
pub struct Json(pub Value);

impl<S: Send + Sync> FromRequest<S> for Json {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state).await.map_err(|_| ApiError::unreadable())?;
        if bytes.is_empty() {
            return Ok(Self(Value::Null));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|_| ApiError::unreadable())
    }
}

/// The query. A parameter without a value counts as absent.
#[derive(Clone, Debug, Default)]
pub struct Query(HashMap<String, String>);

impl Query {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        self.text(name).map(|text| text.parse().map_err(|_| ApiError::invalid(name))).transpose()
    }

    /// `size` (at most 200, which is also what is given when none is asked for) and `position`.
    pub fn page<T>(&self, rows: Vec<T>) -> Result<Page<T>, ApiError> {
        let size = self.number("size")?.unwrap_or(LARGEST_PAGE);
        if size > LARGEST_PAGE {
            return Err(ApiError::invalid("size"));
        }
        let position = self.number("position")?.unwrap_or(0);
        let total = rows.len();
        let skip = usize::try_from(position).unwrap_or(usize::MAX);
        Ok(Page { total, rows: rows.into_iter().skip(skip).take(size as usize).collect() })
    }
}

const LARGEST_PAGE: u64 = 200;

/// Rows, and how many there are in all: the header `X-Total-Count`.
pub struct Page<T> {
    pub total: usize,
    pub rows: Vec<T>,
}

impl Page<Value> {
    pub fn into_response(self) -> axum::response::Response {
        let count = [("X-Total-Count", self.total.to_string())];
        axum::response::IntoResponse::into_response((count, axum::Json(self.rows)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = axum::extract::Query::<HashMap<String, String>>::from_request_parts(parts, state).await;
        let mut query = query.map_err(|_| ApiError::bad(-1601, "The query cannot be read."))?.0;
        query.retain(|_, value| !value.is_empty());
        Ok(Self(query))
    }
}
