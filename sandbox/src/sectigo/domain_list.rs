//! *List domain validations*.

use std::sync::Arc;

use axum::{Extension, extract::State};
use serde_json::{Value, json};

use super::{
    details::{object, without_blanks},
    domain_validation::{enabled, order_status, status, valid_until},
    errors::Reply,
    fields::Query,
    gate::Caller,
    wording::{Wording, same},
};
use crate::{
    app::App,
    clock::{day, days_between},
    state::{
        World,
        scm::{DcvMode, Domain},
    },
};

/// `GET validation`: every domain, and beside it the names right below it.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    wording: Wording,
    query: Query,
) -> Reply {
    enabled(&caller)?;
    let world = app.store.lock();
    for name in ["org", "department", "expiresIn"] {
        query.number(name)?;
    }
    let rows = world.scm.domains.iter().filter(|row| row.customer == caller.customer && fits(&world, row, &query));
    let rows = rows.flat_map(|row| {
        let below = format!("*.{}", row.name);
        [search_row(&world, row, &row.name, &wording), search_row(&world, row, &below, &wording)]
    });
    Ok(query.page(rows.collect())?.into_response())
}

fn fits(world: &World, row: &Domain, query: &Query) -> bool {
    let now = world.now();
    let until = valid_until(row, now).map(|until| days_between(day(now), day(until)));
    let delegated = |id: &str| row.delegations.iter().any(|delegation| delegation.organization.to_string() == id);
    query.text("domain").is_none_or(|asked| row.name.contains(&asked.to_lowercase()))
        && query.text("org").is_none_or(delegated)
        && query.text("department").is_none_or(delegated)
        && query.text("dcvStatus").is_none_or(|asked| same(asked, status(row, now)))
        && query.text("orderStatus").is_none_or(|asked| same(asked, order_status(row)))
        && query
            .text("expiresIn")
            .is_none_or(|days| until.is_some_and(|left| days.parse().is_ok_and(|days: i32| left <= days)))
}

fn search_row(world: &World, row: &Domain, name: &str, wording: &Wording) -> Value {
    let now = world.now();
    without_blanks(object(json!({
        "domain": name,
        "dcvStatus": wording.word(status(row, now)),
        "dcvMethod": row.method.map(DcvMode::method),
        "dcvOrderStatus": wording.word(order_status(row)),
        "dcvOrderMethod": row.order.as_ref().map(|order| order.mode.name()),
        "expirationDate": valid_until(row, now).map(|until| wording.dcv_day(until)),
    })))
}
