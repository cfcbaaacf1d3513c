//! Domain validation of an order: what is open, what to publish and where, and who is mailed.

use serde_json::json;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::DigiCert;
use super::body::dcv_method;
use super::client::Call;
use super::endpoints::{CHANGE_DCV_METHOD, CHECK_DCV, DOMAIN_EMAILS, RANDOM_VALUE, RESEND_EMAILS, VALIDATION_STATUS};
use super::errors;
use super::wire::{DomainEmails, NameValidation, RandomValue, Validations};
use crate::provider::{CallError, DcvMethod, DcvRecord, Placed, Validation};

/// *Domain emails*, `base_emails`: what Baseline Requirements §3.2.2.4.4 allow to be constructed.
const CONSTRUCTED: [&str; 5] = ["admin", "administrator", "hostmaster", "postmaster", "webmaster"];
/// Domains whose addresses are looked up in one look; of the others the constructed ones are told.
const MOST_LOOKED_UP: usize = 10;
const MOST_EMAILS: usize = 32;

/// An open validation, and CertCentral's id of its domain.
struct Scope {
    validation: Validation,
    domain_id: Option<String>,
}

impl DigiCert {
    /// One random value serves all names of an order (*Get order DCV random value*), and is asked for only when needed.
    pub(super) async fn open_validations(
        &self,
        placed: &Placed,
        method: DcvMethod,
    ) -> Result<Vec<Validation>, CallError> {
        let order = placed.order_id.as_str();
        let status: Validations = self.client.call(Call::of(&VALIDATION_STATUS, order)).await?.read()?;
        let mut scopes = by_domain(status.dns_name_validations, method);
        if scopes.iter().all(|scope| scope.validation.valid) {
            return Ok(scopes.into_iter().map(|scope| scope.validation).collect());
        }
        let other_method = status.order_dcv_method.is_some_and(|current| current != dcv_method(method));
        let mut value = match other_method {
            true => self.change_method(order, method).await?,
            false => None,
        };
        let open = scopes.iter_mut().filter(|scope| !scope.validation.valid);
        if method == DcvMethod::Email {
            for (index, scope) in open.enumerate() {
                let known = scope.domain_id.as_ref().filter(|_| index < MOST_LOOKED_UP);
                scope.validation.emails = self.emails(&scope.validation.domain, known).await;
            }
        } else {
            if value.is_none() {
                let answer = self.client.call(Call::of(&RANDOM_VALUE, order)).await?;
                value = answer.read::<RandomValue>()?.dcv_random_value;
            }
            for scope in open {
                scope.validation.record = value.as_ref().map(|value| record(&scope.validation.domain, method, value));
            }
        }
        Ok(scopes.into_iter().map(|scope| scope.validation).collect())
    }

    async fn change_method(&self, order: &str, method: DcvMethod) -> Result<Option<String>, CallError> {
        let call = Call::of(&CHANGE_DCV_METHOD, order).json(json!({ "dcv_method": dcv_method(method) }));
        Ok(self.client.call(call).await?.read::<RandomValue>()?.dcv_random_value)
    }

    /// *Domain emails*, limited to those the account's settings let it mail. A courtesy: a key that may not read domains
    /// has the mails sent all the same.
    async fn emails(&self, domain: &str, id: Option<&String>) -> Vec<String> {
        let told = match id {
            Some(id) => {
                let call = Call::of(&DOMAIN_EMAILS, id).query("consider_dcv_email_preferences", "true");
                self.client.call(call).await.ok().and_then(|answer| answer.read::<DomainEmails>().ok())
            }
            None => None,
        };
        let told = told.unwrap_or_default();
        let told = [told.base_emails, told.dns_txt_emails, told.whois_emails].concat();
        let mut emails: Vec<String> = told.into_iter().filter(|email| is_email(email)).take(MOST_EMAILS).collect();
        if emails.is_empty() {
            emails = CONSTRUCTED.iter().map(|name| format!("{name}@{domain}")).collect();
        }
        emails
    }

    /// *Resend order DCV emails*; without a list, which is optional: to everybody who was mailed before.
    pub(super) async fn resend_emails(&self, order_id: &str) -> Result<(), CallError> {
        self.client.call(Call::of(&RESEND_EMAILS, order_id)).await.map(drop)
    }

    /// Without a list of names, which *Check DCV* makes optional: all open ones are looked at in one call.
    pub(super) async fn ask_to_check(&self, placed: &Placed) -> Result<(), CallError> {
        match self.client.call(Call::of(&CHECK_DCV, &placed.order_id)).await {
            Err(CallError::Rejected { code, .. }) if errors::not_seen_yet(&code) => Ok(()),
            other => other.map(drop),
        }
    }
}

/// One validation per domain: open as long as any row of it is.
fn by_domain(rows: Vec<NameValidation>, method: DcvMethod) -> Vec<Scope> {
    let mut domains: BTreeMap<String, Scope> = BTreeMap::new();
    for row in rows {
        let status = row.status.unwrap_or_default();
        let valid = matches!(status.as_str(), "approved" | "active" | "valid" | "complete");
        // A file counts for the very name it is found at (*Place the file on the correct domain*).
        let names = match row.name_scope {
            Some(scope) if method != DcvMethod::HttpToken || row.dns_names.is_empty() => vec![scope],
            _ => row.dns_names,
        };
        for name in names {
            let domain = name.trim_start_matches("*.").trim_end_matches('.').to_ascii_lowercase();
            if domain.is_empty() {
                continue;
            }
            let validation =
                Validation { domain: domain.clone(), valid, record: None, emails: Vec::new(), status: status.clone() };
            let scope = Scope { validation, domain_id: row.domain_id.clone() };
            match domains.entry(domain) {
                Entry::Vacant(free) => drop(free.insert(scope)),
                Entry::Occupied(mut known) if known.get().validation.valid => {
                    known.insert(scope);
                }
                Entry::Occupied(_) => {}
            }
        }
    }
    domains.into_values().collect()
}

/// CertCentral, *DNS-based DCV methods*: the TXT record at the name itself; the CNAME under `_dnsauth` since 2025-10-28.
/// *Website-based DCV methods*: the file, over plain HTTP.
fn record(domain: &str, method: DcvMethod, value: &str) -> DcvRecord {
    let (name, value) = match method {
        DcvMethod::DnsTxt | DcvMethod::Email => (domain.to_owned(), value.to_owned()),
        DcvMethod::DnsCname => (format!("_dnsauth.{domain}"), format!("{value}.dcv.digicert.com")),
        DcvMethod::HttpToken => (format!("http://{domain}/.well-known/pki-validation/fileauth.txt"), value.to_owned()),
    };
    DcvRecord { name, method, value }
}

/// Shown to people: nothing else gets through.
fn is_email(text: &str) -> bool {
    text.len() <= 320 && text.contains('@') && text.chars().all(|letter| letter.is_ascii_graphic())
}
