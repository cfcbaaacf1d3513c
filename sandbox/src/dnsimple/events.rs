//! What happened in an account, as its webhooks are told of it (*Webhooks and Events*).

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{gate::Caller, views};
use crate::state::{
    World,
    dnsimple::{Delivery, Domain, Record},
};

/// Who made it happen.
pub enum Actor {
    System,
    /// A person in the web interface.
    Person,
    /// The identity that a token stands for.
    Token(u64),
}

impl From<&Caller> for Actor {
    fn from(caller: &Caller) -> Self {
        Self::Token(caller.token.id)
    }
}

pub fn certificate(world: &mut World, name: &str, certificate: u64, actor: Actor) {
    let Some(row) = world.dnsimple.certificates.get(certificate) else { return };
    let (account, view) = (row.account, views::certificate(row));
    emit(world, account, name, json!({"certificate": view}), actor);
}

pub fn record(world: &mut World, name: &str, zone: &Domain, record: &Record, actor: Actor) {
    emit(world, zone.account, name, json!({"zone_record": views::record(zone, record)}), actor);
}

/// Puts it in the queue of every webhook of the account.
pub fn emit(world: &mut World, account: u64, name: &str, data: Value, actor: Actor) {
    let Some(row) = world.dnsimple.accounts.get(account) else { return };
    let times = if row.settings.webhooks_twice { 2 } else { 1 };
    let (id, entity, pretty) = match actor {
        Actor::System => ("system".to_owned(), "dnsimple", "support@dnsimple.com".to_owned()),
        Actor::Person => (account.to_string(), "user", row.email.clone()),
        Actor::Token(id) => (id.to_string(), "user", row.email.clone()),
    };
    let payload = json!({
        "name": name,
        "api_version": "v2",
        "request_identifier": Uuid::new_v4().to_string(),
        "data": data,
        "account": {"id": row.id, "display": row.name, "identifier": row.email},
        "actor": {"id": id, "entity": entity, "pretty": pretty},
    });
    let webhooks = world.dnsimple.webhooks.iter().filter(|row| row.account == account && row.suppressed.is_none());
    let webhooks: Vec<u64> = webhooks.map(|row| row.id).collect();
    for webhook in webhooks {
        for _ in 0..times {
            let id = world.next_id();
            let delivery = Delivery { id, webhook, payload: payload.clone(), attempts: 0, due: Timestamp::now() };
            world.dnsimple.deliveries.insert(delivery);
        }
    }
}
