//! CertCentral Services API v2, as the vendor documents it, under `/services/v2`.

mod account;
mod asked;
mod body;
mod bundle;
mod chain;
mod domains;
mod downloads;
mod errors;
mod extras;
mod gate;
mod list;
mod lookup;
mod operation;
mod orders;
mod organizations;
mod products;
mod requests;
mod revocation;
mod submit;
mod validation;
pub mod views;

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{get, post, put},
};

use crate::app::App;
use errors::ApiError;
pub use gate::rate_limited;
pub use operation::{common_name, operation};
pub use requests::decide;
pub use validation::check_pending;

pub const PATH: &str = "/services/v2";

pub fn router(app: &Arc<App>) -> Router {
    let routes = Router::new()
        .route("/user/me", get(account::me))
        .route("/account", get(account::account))
        .route("/product", get(products::list))
        .route("/product/{name_id}", get(products::info))
        .route("/order/certificate", get(orders::list))
        .route("/order/certificate/status-changes", get(orders::status_changes))
        .route("/order/certificate/{id}", get(orders::info).post(submit::order))
        .route("/order/certificate/{id}/reissue", get(orders::reissues).post(submit::reissue))
        .route("/order/certificate/{id}/duplicate", get(orders::duplicates).post(submit::duplicate))
        .route("/order/certificate/{id}/status", put(orders::update_status))
        .route("/order/certificate/{id}/csr", post(orders::replace_csr))
        .route("/order/certificate/{id}/resend-emails", put(orders::resend_emails))
        .route("/order/certificate/{id}/revoke", put(revocation::revoke_order))
        .route("/order/certificate/{id}/validation", get(validation::status))
        .route("/order/certificate/{id}/check-dcv", put(validation::check))
        .route("/order/certificate/{id}/dcv-random-value", put(validation::random_value))
        .route("/order/certificate/{id}/dcv-method", put(validation::change_method))
        .route("/order/alternate/{id}", get(orders::alternate))
        .route("/certificate/{id}/revoke", put(revocation::revoke))
        .route("/certificate/{id}/chain", get(downloads::chain))
        .route("/certificate/{id}/download/platform", get(downloads::download_for_platform))
        .route("/certificate/{id}/download/platform/{platform}", get(downloads::download_for_given_platform))
        .route("/certificate/{id}/download/format/{format}", get(downloads::download))
        .route("/certificate/download/order/{id}/format/{format}", get(downloads::download_by_order))
        .route("/certificate/download/order/{id}/platform/{platform}", get(downloads::download_by_order_for_platform))
        .route("/request", get(requests::list))
        .route("/request/{id}", get(requests::info))
        .route("/request/{id}/status", put(requests::update_status))
        .route("/organization", get(organizations::list))
        .route("/organization/{id}", get(organizations::info))
        .route("/organization/{id}/validation", get(organizations::validation))
        .route("/domain", get(domains::list).post(domains::add))
        // One client asks for the list like this.
        .route("/domain/", get(domains::list))
        .route("/domain/{id}", get(domains::info))
        .route("/domain/{id}/validation", post(domains::submit))
        .route("/domain/{id}/dcv/emails", get(domains::emails))
        .route("/domain/{id}/dcv/token", post(domains::new_token))
        .route("/domain/{id}/dcv/method", put(domains::change_method))
        .route("/domain/{id}/dcv/validate-token", put(domains::check));
    let routes = routes
        .fallback(no_route)
        .method_not_allowed_fallback(no_route)
        .layer(from_fn_with_state(app.clone(), gate::enter))
        .with_state(app.clone());
    Router::new().nest(PATH, routes)
}

async fn no_route() -> ApiError {
    ApiError::not_found("route")
}
