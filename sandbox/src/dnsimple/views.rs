//! The objects of the API.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    clock::end_of,
    dns::NAME_SERVER,
    state::{
        World,
        dnsimple::{Account, Authority, Certificate, Domain, Plan, Record, Renewal, Webhook},
    },
};

/// `2016-12-11T17:31:51Z`
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub fn account(row: &Account) -> Value {
    let plan = match row.settings.plan {
        Plan::Solo => "solo-v2-monthly",
        Plan::Teams => "teams-v1-monthly",
        Plan::Enterprise => "enterprise-v1-monthly",
    };
    json!({
        "id": row.id, "email": row.email, "name": row.name, "plan_identifier": plan,
        "created_at": time(row.created), "updated_at": time(row.created),
    })
}

/// Hosted: registered elsewhere, served here.
pub fn domain(row: &Domain) -> Value {
    json!({
        "id": row.id, "account_id": row.account, "registrant_id": null, "name": row.name, "unicode_name": row.name,
        "state": "hosted", "auto_renew": false, "private_whois": false, "trustee": false,
        "expires_on": null, "expires_at": null, "created_at": time(row.created), "updated_at": time(row.created),
    })
}

pub fn zone(row: &Domain) -> Value {
    json!({
        "id": row.zone, "account_id": row.account, "name": row.name, "reverse": false, "secondary": false,
        "last_transferred_at": null, "active": true,
        "created_at": time(row.created), "updated_at": time(row.created),
    })
}

pub fn record(zone: &Domain, row: &Record) -> Value {
    json!({
        "id": row.id, "zone_id": zone.name, "parent_id": null, "name": row.name, "content": row.content,
        "ttl": row.ttl, "priority": row.priority, "type": row.record_type, "regions": row.regions,
        "system_record": row.system, "created_at": time(row.created), "updated_at": time(row.updated),
    })
}

/// As in a new zone; the serial number of the zone that is served is another.
pub fn soa(zone: &str) -> String {
    format!("{} hostmaster.{zone} 1 86400 7200 604800 300", name_server())
}

pub fn name_server() -> &'static str {
    NAME_SERVER.trim_end_matches('.')
}

pub fn certificate(row: &Certificate) -> Value {
    let issued = row.issued.as_ref();
    // For Let's Encrypt, DNSimple shows it with what it led to.
    let shown = row.authority == Authority::Comodo || issued.is_some();
    json!({
        "id": row.id, "domain_id": row.domain, "name": row.name, "common_name": row.common_name, "years": 1,
        "csr": shown.then_some(&row.subject.csr), "state": state(row), "auto_renew": row.auto_renew,
        "alternate_names": row.alternate_names, "authority_identifier": row.authority,
        "created_at": time(row.created), "updated_at": time(row.updated),
        "expires_at": issued.map(|issued| time(end_of(issued.valid_till))),
        "expires_on": issued.map(|issued| issued.valid_till.to_string()),
    })
}

pub fn state(row: &Certificate) -> Value {
    match &row.shown_state {
        Some(shown) => json!(shown),
        None => json!(row.state),
    }
}

pub fn purchase(row: &Certificate) -> Value {
    json!({
        "id": row.purchase, "certificate_id": row.id, "state": state(row), "auto_renew": row.auto_renew,
        "created_at": time(row.created), "updated_at": time(row.updated),
    })
}

pub fn renewal(world: &World, row: &Renewal) -> Value {
    let new = world.dnsimple.certificates.get(row.new);
    json!({
        "id": row.id, "old_certificate_id": row.old, "new_certificate_id": row.new, "state": row.state,
        "auto_renew": new.is_some_and(|new| new.auto_renew),
        "created_at": time(row.created), "updated_at": time(row.updated),
    })
}

pub fn webhook(row: &Webhook) -> Value {
    json!({"id": row.id, "url": row.url, "suppressed_at": row.suppressed.map(time)})
}
