//! DigiCert CertCentral, Services API v2.

mod account;
mod body;
mod changes;
mod client;
mod dcv;
mod ending;
mod endpoints;
mod errors;
mod find;
mod organization;
mod progress;
mod wire;

use async_trait::async_trait;
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::limits::Limiter;
use super::validations::bounded;
use super::{
    Accepted, AccountFacts, CallError, CallObserver, Changed, ConfigError, DcvMethod, Found, OrderFacts, Permit,
    Placed, Provider, Request, RevocationReason, Revoked, Standing, Urgency, Validation, Wanted,
};
use client::{Call, Client};
use endpoints::DOWNLOAD_CERTIFICATE;

/// What an issuer says about its CertCentral account.
pub struct DigiCertConfig {
    /// `https://www.digicert.com/services/v2`, or the European or a test host.
    pub base_url: String,
    pub api_key: SecretString,
    /// Checked by [`Provider::account`]; what is ordered for stands in each request.
    pub organization_id: Option<u64>,
    pub product: String,
    /// The only roots trusted for this API, instead of the system's.
    pub ca_bundle_pem: Option<String>,
    pub limiter: Arc<Limiter>,
    pub observer: CallObserver,
    /// Of one call, from connecting to the last byte.
    pub call_timeout: Duration,
}

/// One CertCentral account.
pub struct DigiCert {
    client: Client,
    organization_id: Option<u64>,
    product: String,
}

impl DigiCert {
    pub fn new(config: DigiCertConfig) -> Result<Self, ConfigError> {
        let client = Client::new(&config)?;
        Ok(Self { client, organization_id: config.organization_id, product: config.product })
    }
}

/// CertCentral, *DNS CAA resource record check*; DigiCert Public Trust CP/CPS §4.2.1.
const CAA: [&str; 10] = [
    "digicert.com",
    "www.digicert.com",
    "digicert.ne.jp",
    "cybertrust.ne.jp",
    "thawte.com",
    "geotrust.com",
    "rapidssl.com",
    "symantec.com",
    "digitalcertvalidation.com",
    "quovadisglobal.com",
];

#[async_trait]
impl Provider for DigiCert {
    async fn account(&self) -> Result<AccountFacts, CallError> {
        account::account(self).await
    }

    fn caa_identities(&self) -> &'static [&'static str] {
        &CAA
    }

    async fn permit(&self, urgency: Urgency) -> Result<Permit, CallError> {
        self.client.permit(urgency).await
    }

    async fn submit(
        &self,
        request: &Request,
        permit: Permit,
        timeout: Duration,
    ) -> Result<Option<Accepted>, CallError> {
        let (endpoint, id, body) = body::submission(request)?;
        let answer = self.client.call_once(Call::of(endpoint, id).json(body), permit, timeout).await?;
        let placed: wire::Placed = answer.read()?;
        let delivered = placed.delivered();
        let order_id = placed.id.ok_or_else(|| answer.unreadable("the answer names no order"))?;
        let request_id = placed.requests.into_iter().find_map(|request| request.id);
        Ok(Some(Accepted { order_id, certificate_id: placed.certificate_id, request_id, delivered }))
    }

    async fn find(&self, wanted: &Wanted) -> Result<Found, CallError> {
        self.look_for(wanted).await
    }

    async fn order(&self, order_id: &str) -> Result<OrderFacts, CallError> {
        Ok(progress::order_facts(self.order_info(order_id).await?, order_id))
    }

    async fn changes(&self, window: Duration) -> Result<Option<Vec<Changed>>, CallError> {
        self.changed_orders(window).await.map(Some)
    }

    fn credential(&self) -> &str {
        &self.client.credential
    }

    async fn matching(&self, names: &BTreeSet<String>) -> Result<Vec<OrderFacts>, CallError> {
        self.orders_for(names).await
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

    async fn resend_dcv_emails(&self, order_id: &str) -> Result<(), CallError> {
        self.resend_emails(order_id).await
    }

    async fn download(&self, certificate_id: &str) -> Result<String, CallError> {
        let call = Call::of(&DOWNLOAD_CERTIFICATE, certificate_id).accept("*/*");
        let answer = self.client.call(call).await?;
        let pem = String::from_utf8(answer.body.clone()).ok().filter(|pem| pem.contains("-----BEGIN CERTIFICATE-----"));
        pem.ok_or_else(|| answer.unreadable("the answer holds no certificate in PEM"))
    }

    async fn revoke(&self, certificate: &str, reason: RevocationReason) -> Result<Revoked, CallError> {
        self.revoke_certificate(certificate, reason).await
    }

    async fn revoke_order(&self, order_id: &str, reason: RevocationReason) -> Result<Revoked, CallError> {
        self.revoke_whole_order(order_id, reason).await
    }

    async fn cancel(&self, placed: &Placed, note: &str) -> Result<(), CallError> {
        self.cancel_pending(placed, note).await
    }
}

/// Whether a certificate is for this key and none of the earlier ones for it.
fn is_ours(certificate: &wire::Certificate, public_key_sha256: &str, earlier: &BTreeSet<String>) -> bool {
    key_of(certificate).is_some_and(|key| key == public_key_sha256)
        && !certificate.id.as_ref().is_some_and(|id| earlier.contains(id))
}

/// SHA-256 of the public key in the CSR that CertCentral shows with a certificate.
fn key_of(certificate: &wire::Certificate) -> Option<String> {
    crate::pki::csr::public_key_sha256_of_csr(certificate.csr.as_deref()?).ok()
}
