//! What an enrolment or a replacement asks for, checked in full before anything is accepted.

use jiff::{Timestamp, civil::Date};

use super::{errors::ApiError, fields::Fields, gate::Caller, limits};
use crate::{
    clock::day,
    csr,
    faults::Effects,
    rules,
    state::{
        World,
        scm::{DcvMode, DcvValue, Domain, FieldValue, Organization, Profile, Validation, Version},
    },
};

/// One certificate, as it is asked for.
pub struct Asked {
    pub csr: String,
    parsed: csr::Csr,
    common_name: String,
    names: Vec<String>,
}

impl Asked {
    /// The common name goes in front of the other names; without one given, it is that of the CSR.
    pub fn read(text: String, common_name: Option<String>, names: Vec<String>) -> Result<Self, ApiError> {
        let parsed = read_csr(&text)?;
        let given = common_name.filter(|name| !name.is_empty()).or_else(|| parsed.common_name.clone());
        let mut all: Vec<String> = Vec::new();
        for name in given.iter().chain(&names).map(|name| name.trim()).filter(|name| !name.is_empty()) {
            let name = rules::dns_name(name).ok_or_else(|| ApiError::invalid("subjectAlternativeNames"))?;
            if !all.contains(&name) {
                all.push(name);
            }
        }
        let common_name = all.first().cloned().ok_or_else(|| ApiError::missing("commonName"))?;
        if common_name.len() > 64 {
            return Err(ApiError::invalid("commonName"));
        }
        Ok(Self { csr: text, parsed, common_name, names: all })
    }

    /// Whether the profile offers the key, and the organization may have every name now.
    pub fn check(&self, world: &World, caller: &Caller, organization: u64, profile: &Profile) -> Result<(), ApiError> {
        self.check_key(profile)?;
        for name in &self.names {
            let domain = domain_for(world, caller.customer, organization, name)?;
            if caller.settings.prevalidated && !validated(domain, world.now()) {
                let text = "Domain Control Validation is either incomplete or expired for";
                let text = format!("{text} {name}. Please complete it before requesting a certificate.");
                return Err(ApiError::bad(-107, text));
            }
        }
        Ok(())
    }

    fn check_key(&self, profile: &Profile) -> Result<(), ApiError> {
        let Some(offered) = profile.key_types.get(self.parsed.algorithm) else {
            let ecc = "Based on the customer configuration, ECC CSRs are not allowed.";
            let rsa = "The CSR uses an unsupported algorithm!";
            return Err(if self.parsed.algorithm == "EC" { ApiError::bad(-170, ecc) } else { ApiError::bad(-11, rsa) });
        };
        let size = self.parsed.key_size.to_string();
        let fits = |known: &String| *known == size || *known == format!("P-{size}");
        if !offered.iter().any(fits) {
            return Err(ApiError::bad(-194, "The CSR uses an unsupported key size."));
        }
        Ok(())
    }

    pub fn into_version(self, world: &World, until: Option<Date>, effects: &Effects) -> Version {
        let mut known = world.scm.certificates.iter().flat_map(|ssl| &ssl.versions);
        let reused = known.any(|version| version.csr == self.csr);
        Version {
            common_name: self.common_name,
            names: self.names,
            dcv_value: DcvValue::of_csr(&self.csr, reused),
            csr: self.csr,
            public_key_sha256: self.parsed.public_key_sha256,
            key_algorithm: self.parsed.algorithm.to_owned(),
            key_size: self.parsed.key_size,
            until,
            checks: None,
            checked: None,
            issued: None,
            revocation: None,
            quirks: effects.quirks.clone(),
            hidden_until: effects.hidden_until(),
        }
    }
}

const LONGEST_CSR: usize = 32767;

fn read_csr(text: &str) -> Result<csr::Csr, ApiError> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-+=/".contains(character);
    if text.is_empty() {
        return Err(ApiError::missing("csr"));
    }
    if text.len() > LONGEST_CSR || !text.chars().all(|character| plain(character) || character.is_whitespace()) {
        return Err(ApiError::invalid("csr"));
    }
    csr::parse(text).map_err(|why| match why.as_str() {
        why if why.contains("base64") => ApiError::bad(-9, "The CSR is not valid Base-64 data!"),
        why if why.contains("PKCS#10") => ApiError::bad(-10, "Error while decoding CSR."),
        why if why.contains("bits") => {
            ApiError::bad(-141, "The public key size in the CSR should be 2048 bits minimum.")
        }
        why if why.contains("must be") => ApiError::bad(-78, "The public key is invalid or not supported."),
        _ => ApiError::bad(-138, "Invalid CSR."),
    })
}

/// The domain of the customer that lets an organization have a certificate for a name.
pub fn domain_for<'a>(world: &'a World, customer: u64, organization: u64, name: &str) -> Result<&'a Domain, ApiError> {
    let domains = world.scm.domains.iter().filter(|domain| domain.customer == customer);
    let domains = domains.filter(|domain| rules::covers(&domain.name, name));
    let mut refusal = ApiError::bad(-1010, format!("Domain '{name}' is not allowed."));
    let mut found: Vec<&Domain> = Vec::new();
    for domain in domains {
        let mut delegations = domain.delegations.iter();
        let delegated = delegations.any(|row| {
            row.organization == organization
                && !row.requested
                && row.cert_types.iter().any(|kind| kind == "SSL")
                && privileged(&domain.name, name, &row.privileges)
        });
        match (delegated, domain.active) {
            (true, true) => found.push(domain),
            (true, false) => refusal = ApiError::bad(-715, format!("The domain '{}' is inactive.", domain.name)),
            (false, _) => {}
        }
    }
    found.into_iter().max_by_key(|domain| domain.name.len()).ok_or(refusal)
}

/// "Domain certificate request privileges"; none given means all.
fn privileged(domain: &str, name: &str, privileges: &[String]) -> bool {
    let wanted = match name.strip_prefix("*.") {
        None if name == domain => "DOMAIN",
        None => "SUBDOMAIN",
        Some(base) if base == domain => "WILDCARD_1ST_LEVEL",
        Some(_) => "WILDCARD_2ND_LEVEL",
    };
    privileges.is_empty() || privileges.iter().any(|privilege| privilege == wanted)
}

pub fn validated(domain: &Domain, now: Timestamp) -> bool {
    rules::reusable(domain.validated, limits::on(day(now)).domain, now)
}

/// The organization or department of a request.
pub fn organization<'a>(world: &'a World, caller: &Caller, id: Option<u64>) -> Result<&'a Organization, ApiError> {
    let id = id.ok_or_else(|| ApiError::missing("orgId"))?;
    let organization = world.scm.organizations.get(id).filter(|row| row.customer == caller.customer);
    organization.ok_or_else(|| ApiError::bad(-1023, format!("Organization '{id}' not found.")))
}

pub fn profile<'a>(world: &'a World, caller: &Caller, id: Option<u64>) -> Result<&'a Profile, ApiError> {
    let id = id.ok_or_else(|| ApiError::bad(-39, "The certificate profile id is invalid!"))?;
    let profile = world.scm.profiles.get(id).filter(|row| row.customer == caller.customer && !row.deleted);
    profile.ok_or_else(|| ApiError::bad(-111, format!("No certificate profile found by id {id}")))
}

pub fn term(world: &World, profile: &Profile, asked: Option<i64>) -> Result<i32, ApiError> {
    let terms = limits::terms(profile, day(world.now()));
    let term = terms.into_iter().find(|term| Some(i64::from(*term)) == asked);
    term.ok_or_else(|| ApiError::bad(-36, "The validity period (term) is invalid for this certificate profile."))
}

/// "Allow Web/REST API operations for SSL certificates of this organization/department."
pub fn check_api(organization: &Organization) -> Result<(), ApiError> {
    let off = organization.details.get("sslCertsApiEnabled").is_some_and(|on| on == false);
    if off { Err(ApiError::denied("operations for SSL certificates of this organization")) } else { Ok(()) }
}

/// OV and EV certificates need an organization whose own validation may still be used.
pub fn check_organization(world: &World, organization: &Organization, profile: &Profile) -> Result<(), ApiError> {
    check_api(organization)?;
    if profile.validation == Validation::Dv || organization_valid(world, organization) {
        return Ok(());
    }
    let text = "SSL certificate of this type cannot be requested due to 'Not validated' validation status of the";
    Err(ApiError::bad(-843, format!("{text} selected organization.")))
}

pub fn organization_valid(world: &World, organization: &Organization) -> bool {
    let now = world.now();
    let parent = organization.parent.and_then(|id| world.scm.organizations.get(id));
    let validated = parent.map_or(organization.validated, |parent| parent.validated);
    rules::reusable(validated, rules::limits(day(now)).organization, now)
}

/// Mode and address of the validation: asked for where domains are not validated ahead.
pub fn dcv(fields: &Fields, caller: &Caller) -> Result<(Option<DcvMode>, Option<String>), ApiError> {
    let (mode, email) = dcv_if_given(fields)?;
    if mode.is_none() && !caller.settings.prevalidated {
        return Err(ApiError::missing("dcvMode"));
    }
    Ok((mode, email))
}

pub fn dcv_if_given(fields: &Fields) -> Result<(Option<DcvMode>, Option<String>), ApiError> {
    let email = fields.text("dcvEmail", 256)?.filter(|email| !email.is_empty());
    let Some(mode) = fields.text("dcvMode", 16)?.filter(|mode| !mode.is_empty()) else {
        return Ok((None, email));
    };
    let mode = DcvMode::parse(&mode).ok_or_else(|| ApiError::invalid("dcvMode"))?;
    if mode == DcvMode::Email && !email.as_ref().is_some_and(|email| is_mail(email)) {
        return Err(ApiError::missing("dcvEmail"));
    }
    Ok((Some(mode), email))
}

/// One address, or several with commas between.
pub fn external_requester(fields: &Fields) -> Result<Option<String>, ApiError> {
    let given = fields.text("externalRequester", 512)?;
    let good = |text: &String| text.is_empty() || text.split(',').all(|address| is_mail(address.trim()));
    match given {
        Some(text) if !good(&text) => Err(ApiError::invalid("externalRequester")),
        given => Ok(given),
    }
}

fn is_mail(address: &str) -> bool {
    let parts = address.split_once('@');
    parts.is_some_and(|(user, domain)| !user.is_empty() && !user.contains(' ') && rules::dns_name(domain).is_some())
}

/// Every value belongs to a field that is defined, and every mandatory field has one.
pub fn check_custom_fields(world: &World, caller: &Caller, given: &[FieldValue]) -> Result<(), ApiError> {
    let defined: Vec<_> = world.scm.fields.iter().filter(|field| field.customer == caller.customer).collect();
    if given.iter().any(|value| !defined.iter().any(|field| field.name == value.name)) {
        return Err(ApiError::bad(-135, "Custom field cannot be found."));
    }
    let missing = defined.iter().filter(|field| field.mandatories.iter().any(|place| place == "REST_API"));
    let filled = |name: &str| given.iter().any(|value| value.name == name && !value.value.is_empty());
    if missing.into_iter().any(|field| !filled(&field.name)) {
        return Err(ApiError::bad(-62, "Missing mandatory custom field!"));
    }
    Ok(())
}
