//! Who a token stands for, and the accounts it is good for.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, response::IntoResponse};
use serde_json::{Value, json};

use super::{errors::Reply, gate::Caller, views};
use crate::app::App;

/// *whoami*
pub async fn whoami(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Reply {
    let world = app.store.lock();
    let account = caller.token.account.and_then(|id| world.dnsimple.accounts.get(id)).map(views::account);
    let user = account.is_none().then(|| {
        let since = world.dnsimple.accounts.iter().next().map(|account| views::time(account.created));
        json!({"id": caller.token.id, "email": "user@sandbox.invalid", "created_at": since, "updated_at": since})
    });
    Ok(Json(json!({"data": {"user": user, "account": account}})).into_response())
}

/// *List accounts*
pub async fn accounts(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Reply {
    let world = app.store.lock();
    let mine = world.dnsimple.accounts.iter().filter(|row| caller.token.account.is_none_or(|id| id == row.id));
    let rows: Vec<Value> = mine.map(views::account).collect();
    Ok(Json(json!({"data": rows})).into_response())
}
