//! Whether the credentials, the organization and the profile can serve an issuer.

use reqwest::Url;

use super::client::Call;
use super::endpoints::{LIST_ORGANIZATIONS, ORGANIZATION, PROFILES};
use super::wire::{Organization, Profile};
use super::{Sectigo, errors};
use crate::provider::transport::host_of;
use crate::provider::{AccountFacts, CallError, Placed};

/// The instance behind a host: the Admin API answers at one host for passwords and client certificates and at another for
/// OAuth 2.0 ("Getting started with the Sectigo Admin API"), with the same customers and ids behind both.
pub(super) fn instance(url: &Url) -> String {
    match host_of(url).as_str() {
        "admin.enterprise.sectigo.com" => "cert-manager.com".to_owned(),
        "admin.hard.sectigo.com" => "hard.cert-manager.com".to_owned(),
        other => other.to_owned(),
    }
}

impl Sectigo {
    pub(super) async fn account_facts(&self) -> Result<AccountFacts, CallError> {
        let wanted = self.organization_id.to_string();
        let organizations: Vec<Organization> = self.client.probe(Call::new(&LIST_ORGANIZATIONS)).await?.list()?;
        let known = organizations
            .iter()
            .flat_map(|organization| std::iter::once(organization).chain(&organization.departments));
        let organization = known.into_iter().find(|organization| organization.id.as_ref() == Some(&wanted));
        let organization = organization.ok_or_else(|| {
            errors::unknown_organization(LIST_ORGANIZATIONS.name, format!("this admin sees no organization {wanted}"))
        })?;
        let profile = self.profile_id.to_string();
        if !self.profiles(Some(self.organization_id)).await?.iter().any(|offered| offered.id.as_ref() == Some(&profile))
        {
            let message = format!("organization {wanted} has no certificate profile {profile}");
            return Err(errors::profile(PROFILES.name, message));
        }
        Ok(AccountFacts {
            host: self.client.host.clone(),
            id: self.customer_uri.clone(),
            name: organization.parent_name.clone(),
            organization: Some(organization.name.clone().unwrap_or(wanted)),
        })
    }

    /// *List organizations*, with their departments.
    pub async fn organizations(&self) -> Result<Vec<Organization>, CallError> {
        self.client.call(Call::new(&LIST_ORGANIZATIONS)).await?.list()
    }

    /// *Organization details*.
    pub async fn organization(&self, id: &str) -> Result<Organization, CallError> {
        self.client.call(Call::of(&ORGANIZATION, id)).await?.read()
    }

    /// *List SSL certificate profiles*.
    pub async fn profiles(&self, organization_id: Option<u64>) -> Result<Vec<Profile>, CallError> {
        let call = Call::new(&PROFILES);
        let call = match organization_id {
            Some(id) => call.query("organizationId", id.to_string()),
            None => call,
        };
        self.client.call(call).await?.list()
    }

    /// What an admin lacks the right to read says nothing.
    pub(super) async fn what_the_organization_lacks(&self, placed: &Placed) -> Result<Option<String>, CallError> {
        let Some(id) = self.details(&placed.order_id).await?.org_id else { return Ok(None) };
        let organization = match self.organization(&id).await {
            Ok(organization) => organization,
            Err(error) if errors::is_missing_permission(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(status) = organization.validation_status else { return Ok(None) };
        if super::wire::word(&status) == "validated" {
            return Ok(None);
        }
        let name = organization.name.unwrap_or_default();
        Ok(Some(format!("organization {name} ({id}) is {status}: SCM, Organizations, says what Sectigo still needs")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A new way in must not make another account of it, for which everything would be ordered anew.
    #[test]
    fn the_hosts_of_one_instance_are_one() {
        for (url, expected) in [
            ("https://cert-manager.com/api", "cert-manager.com"),
            ("https://cert-manager.com/private/api", "cert-manager.com"),
            ("https://admin.enterprise.sectigo.com/api", "cert-manager.com"),
            ("https://hard.cert-manager.com/api", "hard.cert-manager.com"),
            ("https://admin.hard.sectigo.com/api", "hard.cert-manager.com"),
            ("https://acme.cert-manager.com:8443/api", "acme.cert-manager.com:8443"),
        ] {
            assert_eq!(instance(&Url::parse(url).unwrap()), expected);
        }
    }
}
