//! Whether the key, the organization and the product can serve an issuer.

use super::DigiCert;
use super::client::Call;
use super::endpoints::{ACCOUNT_DETAILS, LIST_ORDERS, ORGANIZATION_INFO, PRODUCT_INFO, USER_INFO};
use super::errors;
use super::wire::{Named, User};
use crate::provider::{AccountFacts, CallError};

pub(super) async fn account(digicert: &DigiCert) -> Result<AccountFacts, CallError> {
    let client = &digicert.client;
    let user = client.probe(Call::new(&USER_INFO)).await?;
    let User { account_id, account, container, access_roles } = user.read()?;
    if !access_roles.is_empty() && access_roles.iter().all(views_only) {
        return Err(errors::missing_permission(USER_INFO.name, "the API key may only view"));
    }
    let id = match account_id.or(account.id) {
        Some(id) => Some(id),
        None => client.call(Call::new(&ACCOUNT_DETAILS)).await?.read::<Named>()?.id,
    };
    let id = id.ok_or_else(|| user.unreadable("the answer names no account"))?;
    let organization = match digicert.organization_id {
        Some(organization) => Some(organization_name(digicert, organization).await?),
        None => None,
    };
    product(digicert).await?;
    Ok(AccountFacts { host: client.host.clone(), id, name: account.name.or(container.name), organization })
}

/// *Glossary – API key restrictions* and *– Access roles*: 102, "View only". Nothing but an order would tell otherwise.
fn views_only(role: &Named) -> bool {
    role.id.as_deref() == Some("102") || role.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("view only"))
}

async fn organization_name(digicert: &DigiCert, id: u64) -> Result<String, CallError> {
    let id = id.to_string();
    match digicert.client.call(Call::of(&ORGANIZATION_INFO, &id)).await {
        Ok(answer) => Ok(answer.read::<Named>()?.name.unwrap_or(id)),
        // A key restricted to orders may not read organizations, and can order for them all the same.
        Err(error) if errors::is_missing_permission(&error) => {
            digicert.client.call(Call::new(&LIST_ORDERS).query("limit", "1")).await?;
            Ok(id)
        }
        Err(error) => Err(error),
    }
}

/// Only a clear no counts: a restricted key may order a product without being allowed to read about it.
async fn product(digicert: &DigiCert) -> Result<(), CallError> {
    match digicert.client.call(Call::of(&PRODUCT_INFO, &digicert.product)).await {
        Err(CallError::Blocked { code, .. }) if code != "unknown_product" => Ok(()),
        Err(CallError::Rejected { .. } | CallError::Ambiguous { .. }) | Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}
