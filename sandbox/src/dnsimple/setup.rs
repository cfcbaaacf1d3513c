//! The accounts every sandbox begins with, and what the line of JSON says of them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{PATH, views};
use crate::{
    app::App,
    ca::{hex, random_bytes},
    state::{
        World,
        dnsimple::{Account, Domain, Record, Settings, Token},
    },
};

/// One account that has the zones, and a token of a user. Nothing when there are some.
pub fn furnish(world: &mut World, zones: &[String]) {
    if world.dnsimple.accounts.iter().next().is_none() {
        add(world, "Sandbox Ltd", Settings::default(), zones);
        add_token(world, None, None);
    }
}

/// With a token that may do everything in it.
pub fn add(world: &mut World, name: &str, settings: Settings, zones: &[String]) -> u64 {
    let (id, created) = (world.next_id(), world.now());
    let email = format!("{}@sandbox.invalid", name.to_lowercase().replace(' ', "-"));
    world.dnsimple.accounts.insert(Account { id, name: name.to_owned(), email, created, settings });
    add_token(world, Some(id), None);
    for zone in zones {
        add_domain(world, id, zone);
    }
    id
}

pub fn add_token(world: &mut World, account: Option<u64>, scopes: Option<Vec<String>>) -> Token {
    let kind = if account.is_some() { 'a' } else { 'u' };
    let value = format!("dnsimple_{kind}_{}", hex(&random_bytes::<16>()));
    let token = Token { id: world.next_id(), value, account, scopes, revoked: false };
    world.dnsimple.tokens.insert(token.clone());
    token
}

fn add_domain(world: &mut World, account: u64, name: &str) {
    let domain = Domain {
        id: world.next_id(),
        account,
        name: name.to_owned(),
        zone: world.next_id(),
        created: world.now(),
        delegated: true,
        lag_seconds: 0,
        distribution_unknown: false,
    };
    for (record_type, content) in [("SOA", views::soa(name)), ("NS", views::name_server().to_owned())] {
        let (id, now) = (world.next_id(), world.now());
        world.dnsimple.records.insert(Record {
            id,
            domain: domain.id,
            name: String::new(),
            content,
            ttl: 3600,
            priority: None,
            record_type: record_type.to_owned(),
            regions: vec!["global".to_owned()],
            system: true,
            created: now,
            updated: now,
            changed: Timestamp::now(),
        });
    }
    world.dnsimple.domains.insert(domain);
}

/// The first account as a client needs it.
pub fn ready(app: &App, world: &World) -> Value {
    let mut ready = world.dnsimple.accounts.iter().next().map(|row| view(app, world, row)).unwrap_or_default();
    let user = world.dnsimple.tokens.iter().find(|token| token.account.is_none());
    ready["userToken"] = json!(user.map(|token| &token.value));
    ready
}

pub fn view(app: &App, world: &World, account: &Account) -> Value {
    let mine = world.dnsimple.tokens.iter().filter(|token| token.account == Some(account.id) && !token.revoked);
    let tokens: Vec<Value> = mine.map(|token| json!({"token": token.value, "scopes": token.scopes})).collect();
    let domains = world.dnsimple.domains.iter().filter(|domain| domain.account == account.id);
    json!({
        "url": format!("{}{PATH}", app.url),
        "accountId": account.id,
        "token": tokens.first().map(|token| &token["token"]),
        "tokens": tokens,
        "zones": domains.map(|domain| &domain.name).collect::<Vec<_>>(),
        "settings": account.settings,
    })
}
