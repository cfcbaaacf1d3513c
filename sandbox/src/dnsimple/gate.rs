//! Who calls, how often, and what that token may do.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{AUTHORIZATION, CONTENT_TYPE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;

use super::{
    errors::ApiError,
    issuance, lookup,
    quota::{Left, STRANGER},
    scopes::Scope,
};
use crate::{
    app::App,
    state::{
        World,
        dnsimple::{Settings, Token},
    },
};

#[derive(Clone)]
pub struct Caller {
    pub token: Token,
    /// The account in the path, else that of the token; 0 for a user's token without either.
    pub account: u64,
    pub settings: Settings,
}

impl Caller {
    /// Whether a list shows this item.
    pub fn sees(&self, resource: &'static str, item: &str) -> bool {
        let scope = Scope { resource, item: item.to_owned(), write: false };
        self.token.scopes.as_ref().is_none_or(|scopes| scope.is_in(scopes))
    }
}

pub async fn enter(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    app.calls.count(request.method(), request.uri().path());
    if app.dcv.is_instant() {
        issuance::check_pending(&app);
    }
    let (admitted, left) = admit(&app, &request);
    let mut response = match admitted {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    };
    app.dnsimple.tell();
    // The published answers to what is not there say nothing of the limit.
    if response.status() != StatusCode::NOT_FOUND {
        left.write(response.headers_mut());
    }
    name_charset(response.headers_mut());
    response
}

fn name_charset(headers: &mut HeaderMap) {
    if let Some(kind) = headers.get_mut(CONTENT_TYPE)
        && *kind == "application/json"
    {
        *kind = HeaderValue::from_static("application/json; charset=utf-8");
    }
}

fn admit(app: &App, request: &Request) -> (Result<Caller, ApiError>, Left) {
    let world = app.store.lock();
    let now = Timestamp::now();
    let Some(token) = token(&world, request.headers()) else {
        let refusal = |taken| match taken {
            Ok(left) => (Err(ApiError::unauthorized()), left),
            Err(left) => (Err(ApiError::quota()), left),
        };
        return refusal(app.dnsimple.quota.take(0, STRANGER, now));
    };
    let path = request.uri().path();
    let named = path.split('/').nth(1).and_then(|part| part.parse().ok());
    let account = named.or(token.account).and_then(|id| world.dnsimple.accounts.get(id));
    let settings = account.map(|account| account.settings).unwrap_or_default();
    let counted = token.account.or(account.map(|account| account.id)).unwrap_or(token.id);
    let left = match app.dnsimple.quota.take(counted, settings.requests_per_hour, now) {
        Ok(left) => left,
        Err(left) => return (Err(ApiError::quota()), left),
    };
    let strange = named.is_some() && (account.is_none() || token.account.is_some_and(|own| named != Some(own)));
    let caller = Caller { account: account.map_or(0, |account| account.id), settings, token };
    let admitted = match permitted(&world, &caller, request.method(), path) {
        _ if strange => Err(ApiError::no_route()),
        Ok(()) => Ok(caller),
        Err(error) => Err(error),
    };
    (admitted, left)
}

fn token(world: &World, headers: &HeaderMap) -> Option<Token> {
    let given = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    world.dnsimple.tokens.iter().find(|token| token.value == given && !token.revoked).cloned()
}

fn permitted(world: &World, caller: &Caller, method: &Method, path: &str) -> Result<(), ApiError> {
    let (Some(scopes), Some(mut needed)) = (&caller.token.scopes, Scope::of(method, path)) else {
        return Ok(());
    };
    let (as_domain, as_zone) = (lookup::domain(world, caller, &needed.item), lookup::zone(world, caller, &needed.item));
    if let Ok(domain) = as_domain.or(as_zone) {
        needed.item = domain.name.clone();
    }
    if needed.is_in(scopes) { Ok(()) } else { Err(ApiError::denied(&needed.name())) }
}
