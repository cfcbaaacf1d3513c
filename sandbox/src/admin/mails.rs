//! `/_sandbox/mails`: what the administrators of domains find in their mail while an order waits for their answer.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde_json::{Value, json};

use crate::{
    app::App,
    dnsimple, issuance, sectigo,
    state::{
        World,
        records::{Certificate, CertificateStatus},
    },
    validation,
};

/// One entry for each domain that waits, with the link to follow and how often the mail was sent.
pub async fn list(State(app): State<Arc<App>>) -> Json<Value> {
    let world = app.store.lock();
    let waiting = world.certificates.iter().filter(|row| row.status == CertificateStatus::Pending);
    let mails = waiting.flat_map(|row| of(&world, row)).chain(sectigo::mails::waiting(&world));
    let mails: Vec<Value> = mails.chain(dnsimple::mails::waiting(&world)).collect();
    Json(json!({"mails": mails}))
}

fn of(world: &World, row: &Certificate) -> Vec<Value> {
    let Some(order) = world.orders.get(row.order).filter(|order| order.dcv_method == "email") else {
        return Vec::new();
    };
    let open = row.checks.iter().flatten().filter(|check| !check.approved);
    open.map(|check| {
        json!({
            "orderId": order.id,
            "domain": check.scope,
            "to": validation::addresses(&check.scope),
            "sent": order.mailings,
            "link": format!("/_sandbox/mails/{}/{}", row.id, check.scope),
        })
    })
    .collect()
}

/// The link of a mail: its domain is approved.
pub async fn follow(State(app): State<Arc<App>>, Path((certificate, scope)): Path<(u64, String)>) -> StatusCode {
    let mut world = app.store.lock();
    if sectigo::mails::follow(&mut world, &app.ca, certificate, &scope)
        || dnsimple::mails::follow(&mut world, &app.ca, certificate)
    {
        app.dnsimple.tell();
        return StatusCode::NO_CONTENT;
    }
    if world.certificates.get(certificate).is_none() {
        return StatusCode::NOT_FOUND;
    }
    validation::approve_scope(&mut world, certificate, &scope);
    issuance::advance(&mut world, &app.ca, certificate);
    StatusCode::NO_CONTENT
}
