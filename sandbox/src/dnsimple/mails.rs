//! Approval mails that wait for an answer. "Usual cause of stalls: nobody clicks."

use serde_json::{Value, json};

use super::forms;
use crate::{
    ca::Ca,
    state::{World, dnsimple::Certificate},
    validation,
};

pub fn waiting(world: &World) -> Vec<Value> {
    let waiting = world.dnsimple.certificates.iter().filter(|row| forms::waits(row));
    waiting.filter_map(|row| Some(mail(row, &world.dnsimple.domains.get(row.domain)?.name))).collect()
}

fn mail(row: &Certificate, domain: &str) -> Value {
    let link = format!("/_sandbox/mails/{}/{domain}", row.id);
    json!({"orderId": row.id, "domain": domain, "to": validation::addresses(domain), "sent": 1, "link": link})
}

/// False when the mail is not one of these.
pub fn follow(world: &mut World, ca: &Ca, id: u64) -> bool {
    let known = world.dnsimple.certificates.get(id).is_some();
    forms::approve(world, ca, id);
    known
}
