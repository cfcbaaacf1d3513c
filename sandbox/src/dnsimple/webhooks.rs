//! The webhooks of an account.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{
    errors::{ApiError, Reply},
    events,
    fields::Fields,
    gate::Caller,
    list::Listing,
    views,
};
use crate::{
    app::App,
    state::{World, dnsimple::Webhook},
};

/// *List webhooks*
pub async fn list(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, listing: Listing) -> Reply {
    let world = app.store.lock();
    let mine = world.dnsimple.webhooks.iter().filter(|row| row.account == caller.account);
    listing.whole(mine.map(views::webhook).collect(), &[("id", "id")])
}

/// *Create a webhook*
pub async fn create(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>, body: Fields) -> Reply {
    let url = body.text("url")?.filter(|url| !url.is_empty());
    let url = url.ok_or_else(|| ApiError::invalid("url", "can't be blank"))?;
    if !app.dnsimple.hooks.takes(&url) {
        return Err(ApiError::invalid("url", "is not a valid HTTPS URL"));
    }
    let mut world = app.store.lock();
    let id = world.next_id();
    let row = Webhook { id, account: caller.account, url, suppressed: None, failures: 0 };
    let data = views::webhook(&row);
    world.dnsimple.webhooks.insert(row);
    tell(&mut world, "webhook.create", &caller, &data);
    Ok((StatusCode::CREATED, Json(json!({"data": data}))).into_response())
}

/// *Retrieve a webhook*
pub async fn show(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((_, id)): Path<(String, String)>,
) -> Reply {
    let world = app.store.lock();
    Ok(Json(json!({"data": views::webhook(find(&world, &caller, &id)?)})).into_response())
}

/// *Delete a webhook*
pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((_, id)): Path<(String, String)>,
) -> Reply {
    let mut world = app.store.lock();
    let row = find(&world, &caller, &id)?.clone();
    world.dnsimple.webhooks.remove(row.id);
    tell(&mut world, "webhook.delete", &caller, &views::webhook(&row));
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn find<'a>(world: &'a World, caller: &Caller, id: &str) -> Result<&'a Webhook, ApiError> {
    let found = id.parse().ok().and_then(|id| world.dnsimple.webhooks.get(id));
    found.filter(|row| row.account == caller.account).ok_or_else(|| ApiError::not_found("Webhook", id))
}

/// In an event it is its id and address.
fn tell(world: &mut World, name: &str, caller: &Caller, data: &Value) {
    let webhook = json!({"id": data["id"], "url": data["url"]});
    events::emit(world, caller.account, name, json!({"webhook": webhook}), caller.into());
}
