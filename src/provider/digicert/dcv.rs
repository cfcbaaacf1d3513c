//! Domain validation of an order: what is open, what to publish, and where.

use serde_json::json;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::DigiCert;
use super::body::dcv_method;
use super::client::Call;
use super::endpoints::{CHANGE_DCV_METHOD, CHECK_DCV, RANDOM_VALUE, VALIDATION_STATUS};
use super::errors;
use super::wire::{NameValidation, RandomValue, Validations};
use crate::provider::{CallError, DcvMethod, DcvRecord, Placed, Validation};

impl DigiCert {
    /// One random value serves all names of an order (*Get order DCV random value*), and is asked for only when needed.
    pub(super) async fn open_validations(
        &self,
        placed: &Placed,
        method: DcvMethod,
    ) -> Result<Vec<Validation>, CallError> {
        let order = placed.order_id.as_str();
        let status: Validations = self.client.call(Call::of(&VALIDATION_STATUS, order)).await?.read()?;
        let mut validations = by_domain(status.dns_name_validations);
        if validations.iter().all(|validation| validation.valid) {
            return Ok(validations);
        }
        let other_method = status.order_dcv_method.is_some_and(|current| current != dcv_method(method));
        let value = match other_method {
            true => self.change_method(order, method).await?,
            false => None,
        };
        let value = match value {
            Some(value) => Some(value),
            None => self.client.call(Call::of(&RANDOM_VALUE, order)).await?.read::<RandomValue>()?.dcv_random_value,
        };
        if let Some(value) = value {
            for validation in validations.iter_mut().filter(|validation| !validation.valid) {
                validation.record = Some(record(&validation.domain, method, &value));
            }
        }
        Ok(validations)
    }

    async fn change_method(&self, order: &str, method: DcvMethod) -> Result<Option<String>, CallError> {
        let call = Call::of(&CHANGE_DCV_METHOD, order).json(json!({ "dcv_method": dcv_method(method) }));
        Ok(self.client.call(call).await?.read::<RandomValue>()?.dcv_random_value)
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
fn by_domain(rows: Vec<NameValidation>) -> Vec<Validation> {
    let mut domains: BTreeMap<String, Validation> = BTreeMap::new();
    for row in rows {
        let status = row.status.unwrap_or_default();
        let valid = matches!(status.as_str(), "approved" | "active" | "valid" | "complete");
        let names = match row.name_scope {
            Some(scope) => vec![scope],
            None => row.dns_names,
        };
        for name in names {
            let domain = name.trim_start_matches("*.").trim_end_matches('.').to_ascii_lowercase();
            if domain.is_empty() {
                continue;
            }
            let validation = Validation { domain: domain.clone(), valid, record: None, status: status.clone() };
            match domains.entry(domain) {
                Entry::Vacant(free) => drop(free.insert(validation)),
                Entry::Occupied(mut known) if known.get().valid => {
                    known.insert(validation);
                }
                Entry::Occupied(_) => {}
            }
        }
    }
    domains.into_values().collect()
}

/// CertCentral, *DNS-based DCV methods*: the TXT record at the name itself; the CNAME under `_dnsauth` since 2025-10-28.
fn record(domain: &str, method: DcvMethod, value: &str) -> DcvRecord {
    match method {
        DcvMethod::DnsTxt => DcvRecord { name: domain.into(), method, value: value.into() },
        DcvMethod::DnsCname => {
            DcvRecord { name: format!("_dnsauth.{domain}"), method, value: format!("{value}.dcv.digicert.com") }
        }
    }
}
