//! How often each call was made: what an operation costs an account's rate limit.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json,
    extract::State,
    http::{Method, StatusCode},
};
use serde_json::{Value, json};

use crate::app::App;

/// By method and path, as `GET /order/certificate/{id}`.
#[derive(Default)]
pub struct Calls(Mutex<BTreeMap<String, u64>>);

impl Calls {
    pub fn count(&self, method: &Method, path: &str) {
        let call = format!("{method} {}", path.split('/').map(without_id).collect::<Vec<_>>().join("/"));
        *self.lock().entry(call).or_default() += 1;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// No word of the APIs has a digit but their versions, and every id has.
fn without_id(segment: &str) -> &str {
    if ["v1", "v2"].contains(&segment) {
        return segment;
    }
    if segment.contains(|character: char| character.is_ascii_digit()) { "{id}" } else { segment }
}

/// Every call since the start, or since they were forgotten.
pub async fn show(State(app): State<Arc<App>>) -> Json<Value> {
    let calls = app.calls.lock();
    Json(json!({"total": calls.values().sum::<u64>(), "calls": *calls}))
}

pub async fn forget(State(app): State<Arc<App>>) -> StatusCode {
    app.calls.lock().clear();
    StatusCode::NO_CONTENT
}
