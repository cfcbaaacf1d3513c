//! What goes to CertCentral beside names, key and product: the issuer's defaults under the Certificate's overrides,
//! and how far these may go.
//!
//! | who | may set |
//! |---|---|
//! | the issuer alone | payment method and contacts; `skipApproval: true` where approval is skipped at all |
//! | a Certificate, from the lists of its policy rule | product, organization, division |
//! | a Certificate, at most what the issuer has | length of the order |
//! | a Certificate, beside what the issuer has | custom fields |
//! | a Certificate | the rest, which costs nothing and says nothing about who somebody is |

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    publishing,
    validity::{self, ValidityError},
};
use crate::{
    api::{
        certificate::{DigiCertOverrides, Validity},
        issuance::{DigiCertRequest, Operation},
        issuer::{CustomField, DigiCert, DigiCertOptions, IssuerSpec, OrderValidity, PolicyRule},
    },
    provider::OrderFacts,
};

/// CertCentral takes no order without a length.
const A_YEAR: OrderValidity = OrderValidity::Years(1);

/// Everything that any endpoint takes, for these names.
pub fn resolve(issuer: &IssuerSpec, overrides: &DigiCertOverrides, names: &BTreeSet<String>) -> DigiCertRequest {
    let account = issuer.digicert.clone().unwrap_or_default();
    DigiCertRequest {
        certificate_validity: None,
        dcv_method: publishing::method(issuer, names.iter().map(String::as_str)),
        payment_method: account.payment_method,
        contacts: account.contacts,
        options: merge(account.options, overrides.options.clone()),
    }
}

fn merge(default: DigiCertOptions, own: DigiCertOptions) -> DigiCertOptions {
    DigiCertOptions {
        container_id: own.container_id.or(default.container_id),
        skip_approval: Some(own.skip_approval.or(default.skip_approval).unwrap_or(true)),
        disable_renewal_notifications: own.disable_renewal_notifications.or(default.disable_renewal_notifications),
        ca_cert_id: own.ca_cert_id.or(default.ca_cert_id),
        preferred_chain: own.preferred_chain.or(default.preferred_chain),
        organization_units: first(own.organization_units, default.organization_units),
        server_platform: own.server_platform.or(default.server_platform),
        comments: own.comments.or(default.comments),
        custom_fields: fields(default.custom_fields, own.custom_fields),
        additional_emails: first(own.additional_emails, default.additional_emails),
        custom_renewal_message: own.custom_renewal_message.or(default.custom_renewal_message),
        locale: own.locale.or(default.locale),
    }
}

fn first<T>(own: Vec<T>, default: Vec<T>) -> Vec<T> {
    if own.is_empty() { default } else { own }
}

fn fields(mut fixed: Vec<CustomField>, own: Vec<CustomField>) -> Vec<CustomField> {
    let added: Vec<_> = own.into_iter().filter(|field| value_of(&fixed, field.metadata_id).is_none()).collect();
    fixed.extend(added);
    fixed
}

fn value_of(fields: &[CustomField], id: i64) -> Option<&str> {
    fields.iter().find(|field| field.metadata_id == id).map(|field| field.value.as_str())
}

pub fn order_validity(account: &DigiCert, overrides: &DigiCertOverrides) -> OrderValidity {
    overrides.order_validity.clone().or(account.order_validity.clone()).unwrap_or(A_YEAR)
}

/// What the issuer lets no Certificate ask for, for a sentence that begins "the issuer does not allow"; `rule` is that
/// of the Certificate's namespace. Products are judged with the names.
pub fn refusal(
    account: &DigiCert,
    rule: Option<&PolicyRule>,
    overrides: &DigiCertOverrides,
    now: Timestamp,
) -> Option<String> {
    let listed = |of: fn(&PolicyRule) -> &Vec<i64>, id: i64| rule.is_some_and(|rule| of(rule).contains(&id));
    let other = |own: Option<i64>, default: Option<i64>| own.filter(|id| Some(*id) != default);
    if let Some(id) = other(overrides.organization_id, account.organization_id)
        && !listed(|rule| &rule.organizations, id)
    {
        return Some(format!("organization {id}"));
    }
    let (own, default) = (&overrides.options, &account.options);
    if let Some(id) = other(own.container_id, default.container_id)
        && !listed(|rule| &rule.containers, id)
    {
        return Some(format!("division {id}"));
    }
    if own.skip_approval == Some(true) && default.skip_approval == Some(false) {
        return Some("to skip the approval at CertCentral".to_owned());
    }
    let changed = own
        .custom_fields
        .iter()
        .find(|field| value_of(&default.custom_fields, field.metadata_id).is_some_and(|value| value != field.value));
    if let Some(field) = changed {
        return Some(format!("another value for custom field {}, which it sets itself", field.metadata_id));
    }
    let longest = validity::order_end(account.order_validity.as_ref().unwrap_or(&A_YEAR), now).ok();
    let asked = overrides.order_validity.as_ref().and_then(|asked| validity::order_end(asked, now).ok());
    match (asked, longest) {
        (Some(asked), Some(longest)) if asked > longest => {
            Some(format!("an order until {asked}, only until {longest}"))
        }
        _ => None,
    }
}

/// As much as the endpoint of the operation takes (*Reissue certificate* lists fewer fields than the order pages), with
/// the validity to ask for: never more than may be issued now, nor than is left of the order.
pub fn for_endpoint(
    request: DigiCertRequest,
    operation: Operation,
    (validity, order_validity): (Option<&Validity>, Option<&OrderValidity>),
    parent: Option<&OrderFacts>,
    now: Timestamp,
) -> Result<DigiCertRequest, ValidityError> {
    if operation == Operation::Reissue {
        let order_end = parent.and_then(|order| order.valid_till);
        let options = request.options;
        return Ok(DigiCertRequest {
            certificate_validity: validity::requested(validity, order_end, now)?,
            dcv_method: request.dcv_method,
            payment_method: None,
            contacts: Vec::new(),
            options: DigiCertOptions {
                skip_approval: options.skip_approval,
                ca_cert_id: options.ca_cert_id,
                preferred_chain: options.preferred_chain,
                organization_units: options.organization_units,
                server_platform: options.server_platform,
                comments: options.comments,
                ..DigiCertOptions::default()
            },
        });
    }
    if operation == Operation::Duplicate {
        // All else is the original's (*Duplicate certificate*).
        let options = request.options;
        return Ok(DigiCertRequest {
            certificate_validity: None,
            dcv_method: request.dcv_method,
            payment_method: None,
            contacts: Vec::new(),
            options: DigiCertOptions {
                skip_approval: options.skip_approval,
                preferred_chain: options.preferred_chain,
                server_platform: options.server_platform,
                comments: options.comments,
                ..DigiCertOptions::default()
            },
        });
    }
    let order_end = order_validity.map(|length| validity::order_end(length, now)).transpose()?;
    Ok(DigiCertRequest { certificate_validity: validity::requested(validity, order_end, now)?, ..request })
}

#[cfg(test)]
mod tests;
