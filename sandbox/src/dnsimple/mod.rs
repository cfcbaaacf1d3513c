//! DNSimple's API v2, as the vendor documents it: certificates, zone records and webhooks.

mod batch;
mod certificates;
mod content;
mod delivery;
mod domains;
mod errors;
mod events;
mod fields;
pub mod forms;
mod gate;
mod identity;
mod issuance;
mod keys;
mod ledger;
mod letsencrypt;
mod list;
mod lookup;
pub mod mails;
mod operation;
mod quota;
mod records;
mod scopes;
mod served;
pub mod setup;
pub mod views;
mod webhooks;
mod zone;

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{get, patch, post},
};

use crate::{app::App, dns::Zones};
use delivery::Hooks;
pub use delivery::run as deliver;
use errors::ApiError;
pub use operation::{common_name, operation};
use quota::Quota;
pub use quota::rate_limited;
use served::Served;

/// Clients that know the host put it behind that by themselves.
pub const PATH: &str = "/v2";

/// What does not survive a restart.
pub struct Runtime {
    quota: Quota,
    served: Served,
    hooks: Hooks,
}

impl Runtime {
    /// `plain_webhooks`: plain HTTP to loopback addresses too.
    pub fn new(zones: Zones, plain_webhooks: bool) -> Self {
        Self { quota: Quota::default(), served: Served::new(zones), hooks: Hooks::new(plain_webhooks) }
    }

    /// Something may have happened that webhooks are told of.
    pub fn tell(&self) {
        self.hooks.wake();
    }
}

/// Issues and renews what is due, and serves the records that have had their time.
pub async fn check_pending(app: &App) {
    issuance::check_pending(app);
    app.dnsimple.served.sync(app).await;
    app.dnsimple.tell();
}

pub fn router(app: &Arc<App>) -> Router {
    // Of a method that is not allowed there is nothing but the header `Allow`, as at the vendor.
    let routes = Router::new()
        .route("/whoami", get(identity::whoami))
        .route("/accounts", get(identity::accounts))
        .route("/{account}/domains", get(domains::list))
        .route("/{account}/domains/{domain}", get(domains::show))
        .nest("/{account}/domains/{domain}/certificates", certificates())
        .route("/{account}/zones", get(domains::list_zones))
        .route("/{account}/zones/{zone}", get(domains::show_zone))
        .route("/{account}/zones/{zone}/distribution", get(domains::distribution))
        .route("/{account}/zones/{zone}/batch", post(batch::change))
        .route("/{account}/zones/{zone}/records", get(records::list).post(records::create))
        .route(
            "/{account}/zones/{zone}/records/{id}",
            patch(records::update).get(records::show).delete(records::delete),
        )
        .route("/{account}/zones/{zone}/records/{id}/distribution", get(records::distribution))
        .route("/{account}/webhooks", get(webhooks::list).post(webhooks::create))
        .route("/{account}/webhooks/{id}", get(webhooks::show).delete(webhooks::delete))
        .fallback(async || ApiError::no_route())
        .layer(from_fn_with_state(app.clone(), gate::enter))
        .with_state(app.clone());
    Router::new().nest(PATH, routes)
}

fn certificates() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(certificates::list))
        .route("/{id}", get(certificates::show))
        .route("/{id}/download", get(certificates::download))
        .route("/{id}/private_key", get(certificates::private_key))
        .route("/letsencrypt", post(letsencrypt::purchase))
        .route("/letsencrypt/{id}/issue", post(letsencrypt::issue))
        .route("/letsencrypt/{id}/renewals", post(letsencrypt::purchase_renewal))
        .route("/letsencrypt/{id}/renewals/{renewal}/issue", post(letsencrypt::issue_renewal))
}
