//! Clients of DNSimple.

use std::sync::Arc;

use super::{Accounts, Built, endpoint, invalid, not_allowed, not_found, rate_limit};
use crate::{
    api::issuer as api,
    controller::{any_issuer::AnyIssuer, error::Error},
    provider::{
        dnsimple::{Account, AccountConfig, DnSimple},
        limits::RateLimit,
    },
};

/// API v2, *Base URL*.
pub(super) const URL: &str = "https://api.dnsimple.com/v2";

impl Accounts {
    pub(super) async fn dnsimple(&self, issuer: &AnyIssuer, account: &api::DnSimple) -> Result<Built, Error> {
        let url = account.url.as_deref().unwrap_or(URL);
        if let Err(message) = endpoint::judge_url(url, issuer.namespace.is_some(), &self.network) {
            return Ok(Err(not_allowed(message)));
        }
        let token = match self.secret(issuer, &account.token_secret_ref).await? {
            Ok(token) => token,
            Err(message) => return Ok(Err(not_found(message))),
        };
        let line = self.line(url, &token, rate_limit(issuer, RateLimit::DNSIMPLE));
        let config = AccountConfig {
            base_url: url.to_owned(),
            account_id: account.account_id.unsigned_abs(),
            token,
            ca_bundle_pem: issuer.spec.ca_bundle.clone(),
            limiter: line.limiter.clone(),
            observer: self.observer(issuer, &line),
            call_timeout: self.call_timeout,
        };
        let provider = Account::new(&config).map(|account| DnSimple::new(account, self.call_timeout));
        Ok(provider.map(|provider| line.with(Arc::new(provider))).map_err(invalid))
    }
}
