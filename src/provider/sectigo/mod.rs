//! Sectigo Certificate Manager (SCM), Admin API.
//!
//! What elsewhere is an order is here an SSL certificate record with an id of its own: an enrollment makes one, a renewal
//! makes another, and a replacement keeps it, with another certificate behind the same id.

mod account;
mod certificates;
mod client;
mod collect;
mod credentials;
mod dcv;
mod domains;
mod ending;
mod endpoints;
mod errors;
mod find;
mod locations;
mod preflight;
mod prevalidation;
mod progress;
mod report;
mod requests;
mod submission;
mod token;
mod version;
pub mod wire;

use async_trait::async_trait;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::limits::Limiter;
use super::validations::bounded;
use super::{
    Accepted, AccountFacts, CallError, CallObserver, ConfigError, DcvMethod, DomainValidation, Found, Locations,
    OrderFacts, Permit, Placed, Provider, Request, RevocationReason, Revoked, Standing, Urgency, Validation, Wanted,
};
use client::Client;

pub use certificates::{AutoRenewalWanted, Filter, Update};
pub use collect::{Format, KeystoreFormat};
pub use credentials::Credentials;
pub use domains::{DomainMethod, ValidationFilter};
pub use report::{ReportDate, ReportQuery};
pub use requests::{Import, KeyHolder, KeygenRequest, Marked};
pub use version::ApiVersion;

/// What an issuer says about its SCM account.
pub struct SectigoConfig {
    /// `https://cert-manager.com/api`, `https://cert-manager.com/private/api` with a client certificate,
    /// `https://admin.enterprise.sectigo.com/api` with OAuth 2.0, or that of another instance.
    pub base_url: String,
    pub api_version: ApiVersion,
    pub credentials: Credentials,
    /// The customer's name in SCM's URLs. With OAuth 2.0 it is not sent; it tells the account in any case.
    pub customer_uri: String,
    /// Checked by [`Provider::account`]; what is asked for stands in each request.
    pub organization_id: u64,
    pub profile_id: u64,
    pub validation: ValidationModel,
    /// The only roots trusted for this API, instead of the system's.
    pub ca_bundle_pem: Option<String>,
    pub limiter: Arc<Limiter>,
    pub observer: CallObserver,
    /// Of one call, from connecting to the last byte.
    pub call_timeout: Duration,
}

/// How a customer's domains are validated, which SCM has set up for the customer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ValidationModel {
    /// With each certificate: pre-validation is off.
    #[default]
    PerCertificate,
    /// Before anything is asked for, by the domain validation endpoints.
    PerDomain,
    /// By somebody else.
    Prevalidated,
}

/// One SCM customer, as one API admin sees it.
pub struct Sectigo {
    client: Client,
    customer_uri: String,
    organization_id: u64,
    profile_id: u64,
    validation: ValidationModel,
}

impl Sectigo {
    pub fn new(config: SectigoConfig) -> Result<Self, ConfigError> {
        let client = Client::new(&config)?;
        Ok(Self {
            client,
            customer_uri: config.customer_uri,
            organization_id: config.organization_id,
            profile_id: config.profile_id,
            validation: config.validation,
        })
    }
}

/// Sectigo TLS CPS §4.2.1.
const CAA: [&str; 7] = [
    "sectigo.com",
    "usertrust.com",
    "trust-provider.com",
    "comodoca.com",
    "comodo.com",
    "entrust.net",
    "affirmtrust.com",
];

#[async_trait]
impl Provider for Sectigo {
    async fn account(&self) -> Result<AccountFacts, CallError> {
        self.account_facts().await
    }

    fn caa_identities(&self) -> &'static [&'static str] {
        &CAA
    }

    async fn permit(&self, urgency: Urgency) -> Result<Permit, CallError> {
        self.client.permit(urgency).await
    }

    async fn preflight(&self, request: &Request) -> Result<(), CallError> {
        self.would_take(request).await
    }

    async fn submit(
        &self,
        request: &Request,
        permit: Permit,
        timeout: Duration,
    ) -> Result<Option<Accepted>, CallError> {
        self.submit_once(request, permit, timeout).await
    }

    async fn find(&self, wanted: &Wanted) -> Result<Found, CallError> {
        self.look_for(wanted).await
    }

    async fn order(&self, order_id: &str) -> Result<OrderFacts, CallError> {
        self.facts_of(order_id).await
    }

    fn credential(&self) -> &str {
        &self.client.credential
    }

    async fn matching(&self, names: &BTreeSet<String>) -> Result<Vec<OrderFacts>, CallError> {
        self.issued_for(names).await
    }

    async fn progress(&self, placed: &Placed) -> Result<Standing, CallError> {
        self.standing(placed).await
    }

    async fn validations(&self, placed: &Placed, method: DcvMethod) -> Result<Vec<Validation>, CallError> {
        self.open_validations(placed, method).await.map(bounded)
    }

    async fn organization_trouble(&self, placed: &Placed) -> Result<Option<String>, CallError> {
        self.what_the_organization_lacks(placed).await
    }

    async fn check_dcv(&self, placed: &Placed, _domains: &[String]) -> Result<(), CallError> {
        self.ask_to_check(placed).await
    }

    async fn stop_auto_renewal(&self, order_id: &str) -> Result<(), CallError> {
        self.schedule_no_renewal(order_id).await
    }

    async fn download(&self, certificate_id: &str) -> Result<String, CallError> {
        self.chain(certificate_id).await
    }

    async fn revoke(&self, certificate: &str, reason: RevocationReason) -> Result<Revoked, CallError> {
        self.revoke_certificate(certificate, reason).await
    }

    async fn revoke_order(&self, order_id: &str, reason: RevocationReason) -> Result<Revoked, CallError> {
        self.revoke_by_id(order_id, reason).await
    }

    async fn cancel(&self, placed: &Placed, note: &str) -> Result<(), CallError> {
        self.decline_pending(placed, note).await
    }

    fn domain_validation(&self) -> Option<&dyn DomainValidation> {
        (self.validation == ValidationModel::PerDomain).then_some(self)
    }

    fn locations(&self) -> Option<&dyn Locations> {
        Some(self)
    }
}
