//! Clients of DNSimple that publish records in its zones.

use super::{Accounts, dnsimple::URL, endpoint};
use crate::{
    api::issuer::DnSimpleZones,
    controller::{any_issuer::AnyIssuer, error::Error},
    provider::{
        dnsimple::{Account, AccountConfig},
        limits::RateLimit,
    },
};

impl Accounts {
    /// Shares its rate limit and circuit with whoever else has the token.
    pub async fn zones(&self, issuer: &AnyIssuer, zones: &DnSimpleZones) -> Result<Result<Account, String>, Error> {
        let url = zones.url.as_deref().unwrap_or(URL);
        if let Err(message) = endpoint::judge_url(url, issuer.namespace.is_some(), &self.network) {
            return Ok(Err(message));
        }
        let token = match self.secret(issuer, &zones.token_secret_ref).await? {
            Ok(token) => token,
            Err(message) => return Ok(Err(message)),
        };
        let line = self.line(url, &token, RateLimit::DNSIMPLE);
        let config = AccountConfig {
            base_url: url.to_owned(),
            account_id: zones.account_id.unsigned_abs(),
            token,
            ca_bundle_pem: None,
            limiter: line.limiter.clone(),
            observer: self.observer(issuer, &line),
            call_timeout: self.call_timeout,
        };
        Ok(Account::new(&config).map_err(|error| error.to_string()))
    }
}
