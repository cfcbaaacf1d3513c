//! The account as one that certificates come from. What elsewhere is an order is here a certificate of a domain, and is
//! known as `<domain>/<certificate>`.

use async_trait::async_trait;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::endpoints::ISSUE_LETSENCRYPT;
use super::names::{Below, label, not_below};
use super::wire::{Certificate, State};
use super::{Account, LetsEncrypt, NOT_AVAILABLE, NOT_FOUND, SignatureAlgorithm};
use crate::pki::Leaf;
use crate::provider::{
    Accepted, AccountFacts, AutoRenewal, ByHand, CallError, DcvMethod, Found, Operation, OrderContent, OrderFacts,
    OrderStatus, Permit, Placed, Progress, Provider, Request, RevocationReason, Revoked, Standing, Urgency, Validation,
    Wanted, not_offered,
};

/// An account at DNSimple, for certificates of the domains in it.
pub struct DnSimple {
    pub(super) account: Account,
    /// Of one call.
    timeout: Duration,
    /// Domains by the names they were asked for with.
    domains: Mutex<BTreeMap<String, String>>,
}

/// Longest name of a domain: with the number of a certificate it has to fit into an id.
const LONGEST_DOMAIN: usize = 100;

impl DnSimple {
    pub fn new(account: Account, timeout: Duration) -> Self {
        Self { account, timeout, domains: Mutex::default() }
    }

    /// The closest domain of the account above a name.
    pub(super) async fn domain(&self, name: &str) -> Result<String, CallError> {
        if let Some(known) = self.domains.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(known.clone());
        }
        let found = self.account.domain_of(name).await?.filter(|domain| domain.len() <= LONGEST_DOMAIN);
        let Some(domain) = found else {
            return Err(CallError::Blocked {
                call: "getDomain",
                code: "unknown_domain".into(),
                message: format!(
                    "account {} has no domain that {name} is in, or the token may not see it",
                    self.account.id()
                ),
                action: "Add the domain to the account, or use a token that may read it".into(),
            });
        };
        self.domains.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), domain.clone());
        Ok(domain)
    }

    async fn purchase(
        &self,
        request: &Request,
        permit: Permit,
        timeout: Duration,
    ) -> Result<Option<Accepted>, CallError> {
        let begun = Instant::now();
        let signature_algorithm = match request.details.signature_algorithm.as_deref() {
            Some("RSA") => SignatureAlgorithm::Rsa,
            _ => SignatureAlgorithm::Ecdsa,
        };
        match &request.operation {
            Operation::Order => {
                // Known since the preflight, as a rule. A failure of this read is none of the purchase, which has to end
                // in time, this read included.
                let late = || CallError::NotSent {
                    call: "getDomain",
                    message: "no time was left once the domain was known".into(),
                };
                let domain = tokio::time::timeout(timeout, self.domain(&request.common_name)).await;
                let domain = domain.map_err(|_| late())?.map_err(unsent)?;
                let left = timeout.saturating_sub(begun.elapsed());
                if left.is_zero() {
                    return Err(late());
                }
                let wanted = LetsEncrypt {
                    name: label(&request.common_name, &domain)
                        .ok_or_else(|| not_below(&request.common_name, &domain))?,
                    alternate_names: Below::of(&request.common_name, &domain).alternate(&request.dns_names),
                    signature_algorithm,
                    auto_renew: false,
                };
                let bought = self.account.purchase_letsencrypt(&domain, &wanted, permit, left).await?;
                Ok(Some(accepted(&domain, &bought.certificate_id.unwrap_or_default(), bought.id)))
            }
            Operation::Renew { order_id } => {
                let (domain, certificate) = parts(order_id)?;
                let account = &self.account;
                let bought = account
                    .purchase_letsencrypt_renewal(domain, certificate, false, signature_algorithm, permit, timeout)
                    .await?;
                Ok(Some(accepted(domain, &bought.new_certificate_id.unwrap_or_default(), bought.id)))
            }
            Operation::Reissue { .. } | Operation::Duplicate { .. } | Operation::Amend { .. } => {
                Err(not_offered("reissue a certificate"))
            }
        }
    }

    async fn read(&self, order_id: &str) -> Result<Certificate, CallError> {
        let (domain, certificate) = parts(order_id)?;
        self.account.certificate(domain, certificate).await
    }

    pub(super) async fn bundle(&self, order_id: &str) -> Result<Option<String>, CallError> {
        let (domain, certificate) = parts(order_id)?;
        Ok(self.account.download(domain, certificate).await?.and_then(|bundle| bundle.pem()))
    }

    pub(super) async fn key(&self, order_id: &str) -> Result<Option<SecretString>, CallError> {
        let (domain, certificate) = parts(order_id)?;
        self.account.private_key(domain, certificate).await
    }
}

#[async_trait]
impl Provider for DnSimple {
    async fn account(&self) -> Result<AccountFacts, CallError> {
        self.account.facts().await
    }

    async fn permit(&self, urgency: Urgency) -> Result<Permit, CallError> {
        self.account.permit(urgency).await
    }

    /// All names are in one domain of the account.
    async fn preflight(&self, request: &Request) -> Result<(), CallError> {
        let domain = self.domain(&request.common_name).await?;
        match request.dns_names.iter().find(|name| label(name, &domain).is_none()) {
            None => Ok(()),
            Some(name) => Err(not_below(name, &domain)),
        }
    }

    async fn submit(
        &self,
        request: &Request,
        permit: Permit,
        timeout: Duration,
    ) -> Result<Option<Accepted>, CallError> {
        self.purchase(request, permit, timeout).await
    }

    async fn find(&self, wanted: &Wanted) -> Result<Found, CallError> {
        self.look_for(wanted).await
    }

    async fn order(&self, order_id: &str) -> Result<OrderFacts, CallError> {
        let certificate = self.read(order_id).await?;
        let pem = if certificate.state() == State::Issued { self.bundle(order_id).await? } else { None };
        Ok(facts(order_id, &certificate, pem.and_then(|pem| Leaf::from_pem(&pem).ok())))
    }

    fn credential(&self) -> &str {
        self.account.credential()
    }

    async fn matching(&self, _names: &BTreeSet<String>) -> Result<Vec<OrderFacts>, CallError> {
        Err(not_offered("look for orders to adopt"))
    }

    async fn progress(&self, placed: &Placed) -> Result<Standing, CallError> {
        let certificate = self.read(&placed.order_id).await?;
        let progress = progress(placed, &certificate);
        Ok(Standing { progress, order_valid_till: None, delivered: None })
    }

    /// DNSimple's own affair, since it serves the domain.
    async fn validations(&self, _placed: &Placed, _method: DcvMethod) -> Result<Vec<Validation>, CallError> {
        Ok(Vec::new())
    }

    async fn organization_trouble(&self, _placed: &Placed) -> Result<Option<String>, CallError> {
        Ok(None)
    }

    async fn check_dcv(&self, _placed: &Placed, _domains: &[String]) -> Result<(), CallError> {
        Ok(())
    }

    async fn issue(&self, placed: &Placed) -> Result<(), CallError> {
        let (domain, certificate) = parts(&placed.order_id)?;
        // Before more is bought: at the limit of the account all would be bought and few issued.
        let permit = self.account.client.room(&ISSUE_LETSENCRYPT).await?;
        let issued = match (&placed.operation, &placed.request_id) {
            (Operation::Renew { order_id }, Some(renewal)) => {
                let (_, old) = parts(order_id)?;
                self.account.issue_letsencrypt_renewal(domain, old, renewal, permit, self.timeout).await
            }
            (_, purchase) => {
                // A purchase that was found again is known by its certificate, whose number it has.
                let purchase = purchase.as_deref().unwrap_or(certificate);
                self.account.issue_letsencrypt(domain, purchase, permit, self.timeout).await
            }
        };
        issued.map(drop)
    }

    async fn private_key(&self, certificate_id: &str) -> Result<Option<SecretString>, CallError> {
        self.key(certificate_id).await
    }

    async fn issued_by_hand(&self, wanted: &Wanted) -> Result<ByHand, CallError> {
        self.watch(wanted).await
    }

    async fn download(&self, certificate_id: &str) -> Result<String, CallError> {
        self.bundle(certificate_id).await?.ok_or_else(|| CallError::Rejected {
            call: "downloadCertificate",
            code: NOT_AVAILABLE.into(),
            message: "it is not issued".into(),
        })
    }

    async fn revoke(&self, _certificate: &str, _reason: RevocationReason) -> Result<Revoked, CallError> {
        Ok(Revoked::ByHand("DNSimple has no call for it: ask DNSimple's support to have the CA revoke it".to_owned()))
    }

    async fn revoke_order(&self, order_id: &str, reason: RevocationReason) -> Result<Revoked, CallError> {
        self.revoke(order_id, reason).await
    }

    async fn cancel(&self, _placed: &Placed, _note: &str) -> Result<(), CallError> {
        Err(not_offered("cancel a purchase"))
    }
}

pub(super) fn accepted(domain: &str, certificate: &str, purchase: Option<String>) -> Accepted {
    let id = format!("{domain}/{certificate}");
    Accepted { order_id: id.clone(), certificate_id: Some(id), request_id: purchase, delivered: None }
}

/// Domain and certificate.
pub(super) fn parts(order_id: &str) -> Result<(&str, &str), CallError> {
    order_id.split_once('/').ok_or_else(|| CallError::Rejected {
        call: "getCertificate",
        code: NOT_FOUND.into(),
        message: format!("{order_id} is no <domain>/<certificate>"),
    })
}

/// The purchase was not made.
fn unsent(error: CallError) -> CallError {
    match error {
        CallError::Rejected { call, message, .. } | CallError::Ambiguous { call, message } => {
            CallError::NotSent { call, message }
        }
        other => other,
    }
}

fn progress(placed: &Placed, certificate: &Certificate) -> Progress {
    let word = certificate.state.clone().unwrap_or_default();
    let renews = matches!(placed.operation, Operation::Renew { .. });
    match certificate.state() {
        // It is issued by the number of the renewal, which only the answer to its purchase tells.
        State::New | State::Purchased if renews && placed.request_id.is_none() => Progress::Refused {
            reason: format!("the answer to the renewal {} was lost, and with it what it is issued by", placed.order_id),
        },
        State::New | State::Purchased => Progress::Bought,
        State::Issued => Progress::Issued { certificate_id: placed.order_id.clone() },
        State::Rejected | State::Refunded | State::Cancelled | State::Failed => {
            Progress::Refused { reason: format!("certificate {} is {word} at DNSimple", placed.order_id) }
        }
        State::Configured | State::Submitted | State::Requesting | State::Unknown => {
            Progress::Processing { status: word }
        }
    }
}

fn facts(order_id: &str, certificate: &Certificate, leaf: Option<Leaf>) -> OrderFacts {
    let status = match certificate.state() {
        State::New | State::Purchased | State::Configured | State::Submitted | State::Requesting => {
            OrderStatus::Pending
        }
        State::Issued => OrderStatus::Active,
        State::Rejected | State::Refunded | State::Cancelled | State::Failed => OrderStatus::Canceled,
        State::Unknown => OrderStatus::Unknown,
    };
    let end = leaf.as_ref().map(|leaf| leaf.not_after.to_zoned(TimeZone::UTC).date());
    let letsencrypt = certificate.authority_identifier.as_deref() == Some("letsencrypt");
    OrderFacts {
        order_id: order_id.to_owned(),
        status,
        valid_till: end.or(certificate.expires_on),
        renewed_by: None,
        pending: false,
        // No call switches it off.
        auto_renew: if certificate.auto_renew { AutoRenewal::Started } else { AutoRenewal::Off },
        certificate_id: Some(order_id.to_owned()),
        serial_number: leaf.as_ref().map(|leaf| leaf.serial.clone()),
        certificate_revoked: false,
        certificate_valid_till: end.or(certificate.expires_on),
        certificates: None,
        content: Box::new(OrderContent {
            product: Some(if letsencrypt { "LetsEncrypt" } else { "Existing" }.to_owned()),
            common_name: certificate.common_name.clone(),
            names: certificate.names(),
            csr: certificate.csr.clone(),
            public_key_sha256: leaf.map(|leaf| leaf.public_key_sha256),
            idempotency_key: None,
            renewed_unseen: false,
            amendable: false,
        }),
    }
}
