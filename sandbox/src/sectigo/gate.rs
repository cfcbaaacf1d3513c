//! Who calls, by password, token or client certificate (*Authorization*; DevX hub, *Getting started*).

use std::sync::Arc;

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use rustls_pki_types::{CertificateDer, pem::PemObject};

use super::{TOKEN_PATH, errors::ApiError, issuance, token};
use crate::{
    app::App,
    state::{
        World,
        scm::{Admin, Customer, Identity, Settings},
    },
    wire::Peer,
};

#[derive(Clone)]
pub struct Caller {
    pub customer: u64,
    pub settings: Settings,
    pub admin: Admin,
}

/// Which door the request came to: that for passwords and tokens, or that for certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Public,
    Private,
}

pub async fn enter(
    State((app, door)): State<(Arc<App>, Door)>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    app.calls.count(request.method(), request.uri().path());
    if app.dcv.is_instant() {
        // The clock may have moved.
        issuance::check_pending(&app).await;
    }
    let caller = caller(&app.store.lock(), door, request.headers(), &peer);
    let Some(caller) = caller else {
        return unknown_user(&app, &request);
    };
    if caller.admin.view_only && !looks(&request) {
        return ApiError::denied("this operation").into_response();
    }
    request.extensions_mut().insert(caller);
    let response = next.run(request).await;
    if app.dcv.is_instant() {
        // What is believed is validated and issued at once.
        issuance::check_pending(&app).await;
    }
    // A path or body nobody can read is refused by the framework, in its own words.
    if response.status().is_client_error() && !is_json(&response) {
        return ApiError::bad(-1601, "The request cannot be read.").into_response();
    }
    response
}

/// Some questions are asked by POST.
fn looks(request: &Request) -> bool {
    let path = request.uri().path();
    let asks = path.starts_with("/report/") || path.ends_with("/validation/status");
    request.method() == Method::GET || request.method() == Method::HEAD || asks
}

fn unknown_user(app: &App, request: &Request) -> Response {
    let mut response = ApiError::unknown_user().into_response();
    // Whoever gives no password is told where tokens are to be had.
    if !request.headers().contains_key("password")
        && let Ok(url) = HeaderValue::from_str(&format!("{}{TOKEN_PATH}", app.url))
    {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, url);
    }
    response
}

fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json"))
}

fn caller(world: &World, door: Door, headers: &HeaderMap, peer: &Peer) -> Option<Caller> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let as_admin = |customer: &Customer, admin: &Admin| Caller {
        customer: customer.id,
        settings: customer.settings,
        admin: admin.clone(),
    };
    if door == Door::Public
        && let Some(token) = text("authorization").and_then(|value| value.strip_prefix("Bearer "))
    {
        let customer = token::check(world, token)?;
        return customer.admins.first().map(|admin| as_admin(customer, admin));
    }
    let customer = world.scm.customers.iter().find(|customer| Some(customer.uri.as_str()) == text("customerUri"))?;
    let admin = customer.admins.iter().find(|admin| Some(admin.login.as_str()) == text("login"))?;
    let known = match door {
        Door::Public => text("password") == Some(admin.password.as_str()),
        Door::Private => {
            let shown = peer.certificate.as_deref();
            admin.identity.as_ref().is_some_and(|identity| shown.is_some() && shown == identity.leaf().as_deref())
        }
    };
    known.then(|| as_admin(customer, admin))
}

impl Identity {
    /// DER of the certificate, without its chain.
    fn leaf(&self) -> Option<Vec<u8>> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).map(|der| der.to_vec()).ok()
    }
}
