//! Filters, order and pages of a list (*Pagination*, *Filtering*, *Sorting*).

use std::{cmp::Ordering, collections::HashMap};

use axum::{
    Json,
    extract::{FromRequestParts, Query},
    http::request::Parts,
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::errors::{ApiError, Reply};

pub struct Listing(HashMap<String, String>);

/// The name in `sort`, and the field that it means.
pub type Sortable = (&'static str, &'static str);

impl Listing {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The asked page of the rows, in the asked order; those that are equal stay as they come.
    pub fn reply(&self, mut rows: Vec<Value>, sortable: &[Sortable]) -> Reply {
        self.sort(&mut rows, sortable)?;
        let page = self.number("page")?.unwrap_or(1).max(1);
        let per_page = self.number("per_page")?.unwrap_or(30).clamp(1, 100);
        let total = rows.len();
        let data: Vec<Value> = rows.into_iter().skip((page - 1).saturating_mul(per_page)).take(per_page).collect();
        let pagination = json!({
            "current_page": page, "per_page": per_page, "total_entries": total,
            "total_pages": total.div_ceil(per_page),
        });
        Ok(Json(json!({"data": data, "pagination": pagination})).into_response())
    }

    /// Every row, in the asked order: of what comes without pages.
    pub fn whole(&self, mut rows: Vec<Value>, sortable: &[Sortable]) -> Reply {
        self.sort(&mut rows, sortable)?;
        Ok(Json(json!({"data": rows})).into_response())
    }

    fn number(&self, name: &str) -> Result<Option<usize>, ApiError> {
        let parse = |text: &str| text.parse().map_err(|_| ApiError::bad(format!("Invalid {name}")));
        self.text(name).map(parse).transpose()
    }

    /// `field:asc,field2:desc`; the first counts most.
    fn sort(&self, rows: &mut [Value], sortable: &[Sortable]) -> Result<(), ApiError> {
        for part in self.text("sort").unwrap_or_default().rsplit(',').filter(|part| !part.is_empty()) {
            let (name, direction) = part.split_once(':').unwrap_or((part, "asc"));
            let known = sortable.iter().find(|(known, _)| *known == name);
            let (_, field) = known.ok_or_else(|| ApiError::bad(format!("Invalid sort field {name}")))?;
            rows.sort_by(|one, other| match direction {
                "desc" => compare(&other[field], &one[field]),
                _ => compare(&one[field], &other[field]),
            });
        }
        Ok(())
    }
}

fn compare(one: &Value, other: &Value) -> Ordering {
    match (one.as_i64(), other.as_i64()) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => one.as_str().cmp(&other.as_str()),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Listing {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(pairs)| Self(pairs)).map_err(|_| ApiError::bad("Invalid query"))
    }
}
