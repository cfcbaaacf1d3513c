//! DNSimple, API v2: an account's certificates, zones and webhooks.
//!
//! DNSimple orders and renews Let's Encrypt certificates over its API, with keys it makes itself. Those of other CAs can
//! be read there and nothing else.

mod account;
mod certificates;
mod client;
mod endpoints;
mod errors;
mod find;
mod letsencrypt;
mod names;
mod provider;
mod webhooks;
pub mod wire;
mod zones;

use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

use super::limits::Limiter;
use super::{CallError, CallObserver, ConfigError, Permit, Urgency};
use client::Client;

pub use errors::{ALREADY_EXISTS, NOT_AVAILABLE, NOT_FOUND, PLAN};
pub use letsencrypt::{LetsEncrypt, SignatureAlgorithm};
pub use provider::DnSimple;
pub use zones::{NewRecord, RecordType};

/// What is needed to call an account.
pub struct AccountConfig {
    /// `https://api.dnsimple.com/v2`, or that of the vendor's sandbox, which has no certificates and serves no zones.
    pub base_url: String,
    pub account_id: u64,
    /// Of the account, or of one of its users.
    pub token: SecretString,
    /// The only roots trusted for this API, instead of the system's.
    pub ca_bundle_pem: Option<String>,
    pub limiter: Arc<Limiter>,
    pub observer: CallObserver,
    /// Of one call, from connecting to the last byte.
    pub call_timeout: Duration,
}

/// One DNSimple account, as one token sees it: what the token may not see is not found.
pub struct Account {
    client: Client,
}

impl Account {
    /// Asks nobody.
    pub fn new(config: &AccountConfig) -> Result<Self, ConfigError> {
        Ok(Self { client: Client::new(config)? })
    }

    /// The host of the API, with its port when that is not the default.
    pub fn host(&self) -> &str {
        &self.client.host
    }

    pub fn id(&self) -> &str {
        &self.client.account_id
    }

    /// The same for all clients of one token and account, and no key material.
    pub fn credential(&self) -> &str {
        &self.client.credential
    }

    /// Waits for room for one call. `NotSent`: the account is not to be called at all just now.
    pub async fn permit(&self, urgency: Urgency) -> Result<Permit, CallError> {
        self.client.permit(urgency).await
    }
}
