//! The REST API of Sectigo Certificate Manager: v1 as the reference of 25.5 has it, v2 as the description of 25.9.2.

mod approval;
mod asked;
mod certificate_dcv;
mod collect;
mod details;
mod domain_list;
mod domain_orders;
mod domain_validation;
mod domains;
mod enroll;
mod errors;
mod facts;
mod fields;
mod gate;
mod import;
pub mod issuance;
mod keygen;
mod ledger;
mod limits;
mod list;
mod locations;
mod lookup;
pub mod mails;
mod operation;
mod organizations;
mod profiles;
mod proof;
mod renew;
mod replace;
mod report;
mod revoke;
pub mod setup;
mod token;
mod update;
mod wording;

use std::sync::Arc;

use axum::{
    Extension, Router,
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
};

use crate::app::App;
use errors::ApiError;
use gate::Door;
pub use operation::{common_name, operation};
use wording::Edition;

/// Of the token server, as at the vendor.
pub const TOKEN_PATH: &str = "/auth/realms/apiclients/protocol/openid-connect/token";
/// Where passwords and tokens are taken, and where certificates are.
pub const PATHS: [&str; 2] = ["/api", "/private/api"];

pub fn router(app: &Arc<App>) -> Router {
    let doors = PATHS.into_iter().zip([Door::Public, Door::Private]);
    let api = doors.fold(Router::new(), |router, (path, door)| {
        let gate = from_fn_with_state((app.clone(), door), gate::enter);
        router.nest(path, api().fallback(no_route).method_not_allowed_fallback(no_route).layer(gate))
    });
    api.route(TOKEN_PATH, post(token::grant)).with_state(app.clone())
}

fn api() -> Router<Arc<App>> {
    Router::new()
        .nest("/ssl/v1", ssl().layer(Extension(Edition::V1)))
        .nest("/ssl/v2", ssl().layer(Extension(Edition::V2)))
        .nest("/dcv/v1/validation", validation().layer(Extension(Edition::V1)))
        .nest("/dcv/v2/validation", validation().layer(Extension(Edition::V2)))
        .route("/domain/v1", get(domains::list).post(domains::create))
        .route("/domain/v1/{id}", get(domains::show).delete(domains::delete))
        .route("/domain/v1/{id}/delegation", post(domains::delegate).delete(domains::withdraw))
        .route("/domain/v1/{id}/delegation/{decision}", post(domains::decide))
        .route("/report/v1/ssl-certificates", post(report::ssl))
        .route("/customField/v2", get(profiles::definitions).post(profiles::define))
        .route("/organization/v1", get(organizations::list).post(organizations::create))
        .route(
            "/organization/v1/{id}",
            get(organizations::show).put(organizations::update).delete(organizations::delete),
        )
}

/// The same in both versions.
fn ssl() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(list::list).put(update::update))
        .route("/types", get(profiles::list))
        .route("/customFields", get(profiles::custom_fields))
        .route("/enroll", post(enroll::enroll))
        .route("/enroll-keygen", post(keygen::enroll))
        .route("/import", post(import::import))
        .route("/keystore/{id}/{format}", get(keygen::link).post(keygen::link))
        .route("/collect/{id}", get(collect::by_query))
        .route("/collect/{id}/{format}", get(collect::by_path))
        .route("/renewById/{id}", post(renew::by_id))
        .route("/renew/{renew_id}", post(renew::by_renew_id))
        .route("/renew/manual/{id}", post(renew::manual))
        .route("/replace/{id}", post(replace::replace))
        .route("/revoke/{id}", post(revoke::by_id))
        .route("/revoke/serial/{serial}", post(revoke::by_serial))
        .route("/revoke/manual", post(revoke::manual))
        .route("/approve/{id}", post(approval::approve))
        .route("/decline/{id}", post(approval::decline))
        .route("/{id}/location", get(locations::list).post(locations::create))
        .route("/{id}/location/{location}", get(locations::show).put(locations::update).delete(locations::delete))
        .route("/{id}/dcv", get(certificate_dcv::show))
        .route("/{id}/dcv/recheck", post(certificate_dcv::recheck))
        .route("/{id}", get(details::show).delete(revoke::delete))
        .layer(from_fn(charset))
}

fn validation() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(domain_list::list))
        .route("/status", post(domain_validation::show))
        .route("/sync", post(domain_validation::sync))
        .route("/clear", post(domain_validation::clear))
        .route("/delete", post(domain_validation::delete))
        .route("/start/domain/{mode}", post(domain_validation::start))
        .route("/submit/domain/{mode}", post(domain_validation::submit))
        .route("/submit-bulk/domain/email", post(domain_validation::submit_bulk))
}

/// This part of the API says `application/json;charset=UTF-8`, the others do not.
async fn charset(request: axum::extract::Request, next: axum::middleware::Next) -> axum::response::Response {
    use axum::http::{HeaderValue, header::CONTENT_TYPE};
    let mut response = next.run(request).await;
    let success = response.status().is_success();
    if let Some(kind) = response.headers_mut().get_mut(CONTENT_TYPE)
        && success
        && *kind == "application/json"
    {
        *kind = HeaderValue::from_static("application/json;charset=UTF-8");
    }
    response
}

async fn no_route() -> ApiError {
    ApiError::not_found("Resource")
}

/// Days that a certificate issued on this day may be valid for.
pub fn longest(day: jiff::civil::Date) -> i32 {
    limits::on(day).certificate
}
