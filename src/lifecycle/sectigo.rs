//! What goes to Sectigo Certificate Manager beside names and key: the issuer's defaults under the Certificate's
//! overrides, and how far these may go.
//!
//! | who | may set |
//! |---|---|
//! | the issuer alone | external requester, who gets mail and stands for the order |
//! | a Certificate, from the lists of its policy rule | profile (under products), organization |
//! | a Certificate, at most what the issuer has | term |
//! | a Certificate, beside what the issuer has | custom fields |
//! | a Certificate | comments |

use std::collections::BTreeSet;

use super::publishing;
use crate::api::{
    CertificateSpec, IssuerSpec,
    certificate::{SectigoOverrides, SignatureHash},
    issuance::{Operation, SectigoRequest, ValidationMethod},
    issuer::{NamedField, PolicyRule, Sectigo, SectigoOptions, Vendor},
};

/// Everything that any endpoint takes, for these names.
pub fn resolve(
    issuer: &IssuerSpec,
    account: &Sectigo,
    overrides: &SectigoOverrides,
    names: &BTreeSet<String>,
) -> SectigoRequest {
    SectigoRequest {
        term: Some(overrides.term.unwrap_or(account.term)),
        dcv_method: match publishing::method(issuer, names.iter().map(String::as_str)) {
            ValidationMethod::Email => ValidationMethod::DnsCname,
            method => method,
        },
        external_requester: account.external_requester.clone(),
        plus_addressing: account.plus_addressing.filter(|plus| *plus),
        options: SectigoOptions {
            comments: overrides.options.comments.clone().or(account.options.comments.clone()),
            custom_fields: fields(account.options.custom_fields.clone(), overrides.options.custom_fields.clone()),
        },
    }
}

fn fields(mut fixed: Vec<NamedField>, own: Vec<NamedField>) -> Vec<NamedField> {
    let added: Vec<_> = own.into_iter().filter(|field| value_of(&fixed, &field.name).is_none()).collect();
    fixed.extend(added);
    fixed
}

fn value_of<'a>(fields: &'a [NamedField], name: &str) -> Option<&'a str> {
    fields.iter().find(|field| field.name == name).map(|field| field.value.as_str())
}

/// The profile a Certificate is for, as products are named.
pub fn profile(account: &Sectigo, overrides: &SectigoOverrides) -> String {
    overrides.profile_id.unwrap_or(account.profile_id).to_string()
}

/// As much as the endpoint of the operation takes: a renewal has the parameters of the certificate before (*Renew*), its
/// term among them, a replacement also its end, with a reason for people (*Replace*).
pub fn for_endpoint(request: SectigoRequest, operation: Operation) -> SectigoRequest {
    let SectigoRequest { term, dcv_method, options, .. } = request.clone();
    let bare = SectigoRequest {
        term: None,
        dcv_method,
        external_requester: None,
        plus_addressing: None,
        options: SectigoOptions::default(),
    };
    match operation {
        Operation::Order => request,
        Operation::Renew => SectigoRequest { term, ..bare },
        Operation::Reissue | Operation::Amend => SectigoRequest {
            options: SectigoOptions { comments: options.comments, ..SectigoOptions::default() },
            ..bare
        },
        Operation::Adopt | Operation::Duplicate | Operation::Collect => bare,
    }
}

/// What the issuer lets no Certificate ask for, for a sentence that begins "the issuer does not allow"; `rule` is that
/// of the Certificate's namespace. Profiles are judged with the names.
pub fn refusal(account: &Sectigo, rule: Option<&PolicyRule>, overrides: &SectigoOverrides) -> Option<String> {
    if let Some(id) = overrides.org_id.filter(|id| *id != account.org_id)
        && !rule.is_some_and(|rule| rule.organizations.contains(&id))
    {
        return Some(format!("organization {id}"));
    }
    let default = &account.options.custom_fields;
    let changed = overrides
        .options
        .custom_fields
        .iter()
        .find(|field| value_of(default, &field.name).is_some_and(|value| value != field.value));
    if let Some(field) = changed {
        return Some(format!("another value for custom field {}, which it sets itself", field.name));
    }
    let term = overrides.term.filter(|term| *term > account.term)?;
    Some(format!("a term of {term} days, only of {}", account.term))
}

/// What a spec says and a provider has no place for: nothing is silently left out.
pub fn misfit(spec: &CertificateSpec, issuer: &IssuerSpec) -> Option<&'static str> {
    match issuer.vendor() {
        Vendor::DigiCert if spec.sectigo.is_some() => {
            Some("spec.sectigo is for an issuer at Sectigo, and this one is at DigiCert: remove it")
        }
        Vendor::DigiCert => None,
        Vendor::Sectigo if spec.digicert.is_some() => {
            Some("spec.digicert is for an issuer at DigiCert, and this one is at Sectigo: remove it")
        }
        Vendor::Sectigo if spec.validity.is_some() => {
            Some("SCM enrolls for the terms of a profile: set spec.sectigo.term instead of spec.validity")
        }
        Vendor::Sectigo if spec.signature_hash.is_some_and(|hash| hash != SignatureHash::Sha256) => {
            Some("at SCM the profile decides which hash signs: remove spec.signatureHash")
        }
        Vendor::Sectigo | Vendor::DnSimple => None,
    }
}

#[cfg(test)]
mod tests;
