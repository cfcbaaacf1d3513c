//! What SCM would refuse, found out without asking it for a certificate: profile, term and key type, mandatory custom
//! fields, domains. Only a clear no counts: a list this admin may not read, or an empty one, says nothing.

use super::client::Call;
use super::endpoints::{CUSTOM_FIELDS, ENROLL, LIST_DOMAINS, PROFILES};
use super::wire::{CustomField, Profile, word};
use super::{Sectigo, errors};
use crate::pki::KeyKind;
use crate::pki::csr::Csr;
use crate::provider::{CallError, Operation, Request, Validity};

impl Sectigo {
    pub(super) async fn would_take(&self, request: &Request) -> Result<(), CallError> {
        let organization = request.organization_id.unwrap_or(self.organization_id);
        let offered = match &request.operation {
            Operation::Order => {
                let profile = self.profile_for(request, organization).await?;
                offers_term(&profile, request)?;
                offers_key(&profile, request)?;
                self.has_mandatory_fields(request).await?;
                self.may_use_domains(request, organization).await
            }
            Operation::Renew { order_id } => offers_key(&self.details(order_id).await?.cert_type, request),
            Operation::Reissue { order_id } | Operation::Amend { order_id } => {
                offers_key(&self.details(order_id).await?.cert_type, request)?;
                self.may_use_domains(request, organization).await
            }
            Operation::Duplicate { .. } => Ok(()),
        };
        offered.and_then(|()| names_nothing_else(request))
    }

    async fn profile_for(&self, request: &Request, organization: u64) -> Result<Profile, CallError> {
        let profiles = self.profiles(Some(organization)).await?;
        let profile = profiles.into_iter().find(|profile| profile.id.as_deref() == Some(&request.product));
        let missing = || format!("organization {organization} has no certificate profile {}", request.product);
        profile.ok_or_else(|| errors::profile(PROFILES.name, missing()))
    }

    async fn has_mandatory_fields(&self, request: &Request) -> Result<(), CallError> {
        let fields = match self.custom_fields().await {
            Ok(fields) => fields,
            Err(error) if errors::is_missing_permission(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        let given = &request.details.named_fields;
        let is_given = |name: &String| given.iter().any(|(known, value)| known == name && !value.is_empty());
        let mandatory = fields.into_iter().filter(|field| field.mandatory).filter_map(|field| field.name);
        let missing: Vec<String> = mandatory.filter(|name| !is_given(name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!("mandatory custom fields are missing: {}", missing.join(", "));
        Err(errors::custom_field(CUSTOM_FIELDS.name, message))
    }

    /// A name needs a domain that is it, or above it.
    async fn may_use_domains(&self, request: &Request, organization: u64) -> Result<(), CallError> {
        let domains = match self.domains(Some(organization)).await {
            Ok(domains) => domains,
            Err(error) if errors::is_missing_permission(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        let domains: Vec<String> = domains.into_iter().filter_map(|domain| domain.name).collect();
        let covers = |domain: &String, name: &str| {
            let domain = domain.trim_start_matches("*.").to_ascii_lowercase();
            name.strip_suffix(&domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let stranger = request.dns_names.iter().find(|name| !domains.iter().any(|domain| covers(domain, name)));
        match stranger.filter(|_| !domains.is_empty()) {
            Some(name) => {
                let message = format!("no domain of organization {organization} covers {name}");
                Err(errors::domain(LIST_DOMAINS.name, message))
            }
            None => Ok(()),
        }
    }

    /// *List SSL certificate custom fields*.
    pub async fn custom_fields(&self) -> Result<Vec<CustomField>, CallError> {
        self.client.call(Call::new(&CUSTOM_FIELDS)).await?.list()
    }
}

fn offers_term(profile: &Profile, request: &Request) -> Result<(), CallError> {
    let Some(Validity::Days(days)) = request.validity else { return Ok(()) };
    if profile.terms.is_empty() || profile.terms.contains(&days.to_string()) {
        return Ok(());
    }
    let terms = profile.terms.join(", ");
    let message = format!("profile {} offers no term of {days} days, but of {terms}", name_of(profile));
    Err(errors::profile(PROFILES.name, message))
}

/// *EnrollRequest* has no field for the common name, so that a name that only the CSR has might be bought with the others.
fn names_nothing_else(request: &Request) -> Result<(), CallError> {
    let Ok(Csr { names, .. }) = Csr::read(request.csr.as_bytes()) else { return Ok(()) };
    match names.iter().find(|name| !request.dns_names.contains(name)) {
        None => Ok(()),
        Some(name) => {
            Err(errors::csr(ENROLL.name, format!("the CSR is for {name}, which the Certificate does not name")))
        }
    }
}

/// A key of a kind that is not known is left to SCM.
fn offers_key(profile: &Profile, request: &Request) -> Result<(), CallError> {
    let Ok(Csr { kind, .. }) = Csr::read(request.csr.as_bytes()) else { return Ok(()) };
    if profile.key_types.is_empty() || profile.key_types.iter().any(|(name, sizes)| is_offered(kind, name, sizes)) {
        return Ok(());
    }
    let offered: Vec<String> =
        profile.key_types.iter().map(|(name, sizes)| format!("{name} {}", sizes.join("/"))).collect();
    let message = format!("profile {} takes no {kind} key, but {}", name_of(profile), offered.join(", "));
    Err(errors::profile(PROFILES.name, message))
}

fn is_offered(kind: KeyKind, algorithm: &str, sizes: &[String]) -> bool {
    let algorithms: &[&str] = if kind.algorithm() == "RSA" { &["rsa"] } else { &["ec", "ecc", "ecdsa"] };
    let names: &[&str] = match kind {
        KeyKind::EcdsaP256 => &["p256", "secp256r1", "prime256v1", "256"],
        KeyKind::EcdsaP384 => &["p384", "secp384r1", "384"],
        KeyKind::Rsa2048 => &["2048"],
        KeyKind::Rsa3072 => &["3072"],
        KeyKind::Rsa4096 => &["4096"],
    };
    let is_named = |size: &String| names.contains(&word(size).as_str());
    algorithms.contains(&word(algorithm).as_str()) && (sizes.is_empty() || sizes.iter().any(is_named))
}

fn name_of(profile: &Profile) -> String {
    let id = profile.id.as_deref().unwrap_or_default();
    profile.name.as_ref().map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"))
}
