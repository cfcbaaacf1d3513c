//! Let's Encrypt certificates: bought for nothing, then issued, each a call of its own. Neither takes a CSR.

use serde_json::{Value, json};
use std::time::Duration;

use super::Account;
use super::client::Call;
use super::endpoints::{ISSUE_LETSENCRYPT, ISSUE_RENEWAL, PURCHASE_LETSENCRYPT, PURCHASE_RENEWAL};
use super::wire::{Certificate, Purchase, Renewal};
use crate::provider::{CallError, Permit};

/// What a Let's Encrypt certificate is asked for with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LetsEncrypt {
    /// The label below the domain: `www`, `*`, or empty for the domain itself.
    pub name: String,
    /// Further names, whole.
    pub alternate_names: Vec<String>,
    pub signature_algorithm: SignatureAlgorithm,
    /// DNSimple renews it by itself, with another key.
    pub auto_renew: bool,
}

/// Of the key that DNSimple makes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    #[default]
    Ecdsa,
    Rsa,
}

impl SignatureAlgorithm {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ecdsa => "ECDSA",
            Self::Rsa => "RSA",
        }
    }
}

impl Account {
    /// *purchaseLetsencryptCertificate*. `Blocked` with code `plan`: the plan lacks such names.
    pub async fn purchase_letsencrypt(
        &self,
        domain: &str,
        wanted: &LetsEncrypt,
        permit: Permit,
        timeout: Duration,
    ) -> Result<Purchase, CallError> {
        let body = json!({
            "auto_renew": wanted.auto_renew,
            "name": wanted.name,
            "alternate_names": wanted.alternate_names,
            "signature_algorithm": wanted.signature_algorithm.as_str(),
        });
        let call = Call::of(&PURCHASE_LETSENCRYPT, domain).json(body);
        let answer = self.client.call_once(call, permit, timeout).await?;
        let purchase: Purchase = answer.read()?;
        match purchase.id.is_some() && purchase.certificate_id.is_some() {
            true => Ok(purchase),
            false => Err(answer.unreadable("the answer names no certificate")),
        }
    }

    /// *issueLetsencryptCertificate*: the certificate, which is requested from then on.
    pub async fn issue_letsencrypt(
        &self,
        domain: &str,
        purchase_id: &str,
        permit: Permit,
        timeout: Duration,
    ) -> Result<Certificate, CallError> {
        self.issued(Call::of(&ISSUE_LETSENCRYPT, domain).and(purchase_id), permit, timeout).await
    }

    /// *purchaseRenewalLetsencryptCertificate*: of one that DNSimple does not renew by itself.
    pub async fn purchase_letsencrypt_renewal(
        &self,
        domain: &str,
        certificate_id: &str,
        auto_renew: bool,
        signature_algorithm: SignatureAlgorithm,
        permit: Permit,
        timeout: Duration,
    ) -> Result<Renewal, CallError> {
        let body: Value = json!({ "auto_renew": auto_renew, "signature_algorithm": signature_algorithm.as_str() });
        let call = Call::of(&PURCHASE_RENEWAL, domain).and(certificate_id).json(body);
        let answer = self.client.call_once(call, permit, timeout).await?;
        let renewal: Renewal = answer.read()?;
        match renewal.id.is_some() && renewal.new_certificate_id.is_some() {
            true => Ok(renewal),
            false => Err(answer.unreadable("the answer names no certificate")),
        }
    }

    /// *issueRenewalLetsencryptCertificate*: the new certificate, which is requested from then on.
    pub async fn issue_letsencrypt_renewal(
        &self,
        domain: &str,
        certificate_id: &str,
        renewal_id: &str,
        permit: Permit,
        timeout: Duration,
    ) -> Result<Certificate, CallError> {
        self.issued(Call::of(&ISSUE_RENEWAL, domain).and(certificate_id).and(renewal_id), permit, timeout).await
    }

    async fn issued(&self, call: Call<'_>, permit: Permit, timeout: Duration) -> Result<Certificate, CallError> {
        let answer = self.client.call_once(call, permit, timeout).await?;
        let certificate: Certificate = answer.read()?;
        match certificate.id.is_some() {
            true => Ok(certificate),
            false => Err(answer.unreadable("the answer names no certificate")),
        }
    }
}
