//! Finds things as a caller may see them: of the own account, and not hidden by a look-up lag.

use super::{errors::ApiError, gate::Caller};
use crate::{
    faults::visible,
    state::{
        World,
        dnsimple::{Certificate, Domain, Record},
    },
};

/// By name or id.
pub fn domain<'a>(world: &'a World, caller: &Caller, given: &str) -> Result<&'a Domain, ApiError> {
    domains(world, caller)
        .find(|domain| domain.name.eq_ignore_ascii_case(given) || domain.id.to_string() == given)
        .ok_or_else(|| ApiError::not_found("Domain", given))
}

/// By name or id.
pub fn zone<'a>(world: &'a World, caller: &Caller, given: &str) -> Result<&'a Domain, ApiError> {
    domains(world, caller)
        .find(|domain| domain.name.eq_ignore_ascii_case(given) || domain.zone.to_string() == given)
        .ok_or_else(|| ApiError::not_found("Zone", given))
}

pub fn domains<'a>(world: &'a World, caller: &Caller) -> impl Iterator<Item = &'a Domain> {
    let account = caller.account;
    world.dnsimple.domains.iter().filter(move |domain| domain.account == account)
}

pub fn record<'a>(world: &'a World, zone: &Domain, given: &str) -> Result<&'a Record, ApiError> {
    let found = given.parse().ok().and_then(|id| world.dnsimple.records.get(id));
    found.filter(|record| record.domain == zone.id).ok_or_else(|| ApiError::not_found("Record", given))
}

pub fn certificate<'a>(
    world: &'a World,
    caller: &Caller,
    domain: &str,
    given: &str,
) -> Result<&'a Certificate, ApiError> {
    let domain = self::domain(world, caller, domain)?;
    let found = given.parse().ok().and_then(|id| world.dnsimple.certificates.get(id));
    found
        .filter(|row| row.domain == domain.id && visible(row.hidden_until))
        .ok_or_else(|| ApiError::not_found("Certificate", given))
}
