//! Accounts, keys, organizations and domains, made and changed from outside.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::refused;
use crate::{
    app::App,
    ca, rules,
    state::{
        World,
        records::{Account, ApiKey, Organization, Restriction, Settings},
    },
    validation,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NewAccount {
    pub name: String,
    pub restriction: Restriction,
    pub organization_validated: bool,
    #[serde(flatten)]
    pub settings: Settings,
}

impl Default for NewAccount {
    fn default() -> Self {
        Self {
            name: "Sandbox Ltd".into(),
            restriction: Restriction::None,
            organization_validated: true,
            settings: Settings::default(),
        }
    }
}

/// Makes an account with one organization and one key.
pub fn create(world: &mut World, new: &NewAccount) -> Account {
    let account = Account { id: world.next_id(), name: new.name.clone(), settings: new.settings };
    world.accounts.insert(account.clone());
    let organization = world.next_id();
    let validated = new.organization_validated.then(|| world.now());
    world.organizations.insert(Organization {
        id: organization,
        account: account.id,
        name: new.name.clone(),
        validated,
    });
    add_key(world, account.id, new.restriction);
    account
}

pub fn add_key(world: &mut World, account: u64, restriction: Restriction) -> String {
    let id = world.next_id();
    let key = ca::hex(&ca::random_bytes::<32>()).to_uppercase();
    let name = format!("sandbox-{id}");
    world.api_keys.insert(ApiKey { id, account, name, key: key.clone(), restriction, revoked: false });
    key
}

/// An account as a test needs it to go on.
pub fn view(world: &World, account: &Account) -> Value {
    let keys = world.api_keys.iter().filter(|key| key.account == account.id && !key.revoked);
    let keys: Vec<Value> =
        keys.map(|key| json!({"apiKey": key.key, "name": key.name, "restriction": key.restriction})).collect();
    let organization = world.organizations.iter().find(|row| row.account == account.id);
    json!({
        "accountId": account.id,
        "name": account.name,
        "settings": account.settings,
        "apiKey": keys.first().map(|key| key["apiKey"].clone()),
        "apiKeys": keys,
        "organizationId": organization.map(|row| row.id),
        "organizationValidated": organization.is_some_and(|row| row.validated.is_some()),
    })
}

pub async fn list(State(app): State<Arc<App>>) -> Json<Value> {
    let world = app.store.lock();
    let rows: Vec<Value> = world.accounts.iter().map(|account| view(&world, account)).collect();
    Json(json!({"accounts": rows}))
}

pub async fn add(State(app): State<Arc<App>>, Json(new): Json<NewAccount>) -> Response {
    let mut world = app.store.lock();
    let account = create(&mut world, &new);
    (StatusCode::CREATED, Json(view(&world, &account))).into_response()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change {
    /// Replaces the settings.
    settings: Option<Settings>,
    /// Adds a key with this restriction.
    add_key: Option<Restriction>,
    /// Ends a key.
    revoke_key: Option<String>,
}

pub async fn change(State(app): State<Arc<App>>, Path(id): Path<u64>, Json(change): Json<Change>) -> Response {
    let mut world = app.store.lock();
    let Some(account) = world.accounts.edit(id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    account.settings = change.settings.unwrap_or(account.settings);
    let account = account.clone();
    let revoked = world.api_keys.iter().find(|key| key.account == id && Some(&key.key) == change.revoke_key.as_ref());
    if let Some(key) = revoked.map(|key| key.id).and_then(|key| world.api_keys.edit(key)) {
        key.revoked = true;
    }
    let added = change.add_key.map(|restriction| add_key(&mut world, id, restriction));
    let mut answer = view(&world, &account);
    if let Some(key) = added {
        answer["addedKey"] = json!(key);
    }
    Json(answer).into_response()
}

/// Organization validation is completed, or done again.
pub async fn validate_organization(State(app): State<Arc<App>>, Path(id): Path<u64>) -> Response {
    let mut world = app.store.lock();
    let now = world.now();
    match world.organizations.edit(id) {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(organization) => {
            organization.validated = Some(now);
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValidatedDomain {
    name: String,
    /// The first account when absent.
    account: Option<u64>,
}

/// A domain of an account counts as validated from now on.
pub async fn validate_domain(State(app): State<Arc<App>>, Json(asked): Json<ValidatedDomain>) -> Response {
    let Some(name) = rules::dns_name(&asked.name) else {
        return refused("no domain name");
    };
    let mut world = app.store.lock();
    let account = asked.account.or_else(|| world.accounts.iter().next().map(|account| account.id));
    let Some(account) = account.filter(|id| world.accounts.get(*id).is_some()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let id = mark_validated(&mut world, account, &name);
    Json(json!({"domainId": id})).into_response()
}

pub fn mark_validated(world: &mut World, account: u64, name: &str) -> u64 {
    let organization = world.organizations.iter().find(|row| row.account == account).map(|row| row.id);
    let known = world.domains.iter().find(|row| row.account == account && row.name == name).map(|row| row.id);
    let id = known.unwrap_or_else(|| validation::add_domain(world, account, organization, name));
    let now = world.now();
    if let Some(domain) = world.domains.edit(id) {
        domain.validated = Some(now);
    }
    id
}
