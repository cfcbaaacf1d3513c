//! Follows Certificates and Issuances, and tells the viewer what changes.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use harness::Objects;
use serde_json::Value;

use crate::tale::Tale;

/// Objects by name.
pub type ByName = BTreeMap<String, Value>;

#[derive(Default)]
pub struct Observer {
    pub certificates: ByName,
    pub issuances: ByName,
    /// Name and type of every validation record so far.
    pub records: BTreeSet<(String, String)>,
}

impl Observer {
    /// Looks again and tells what is new.
    pub async fn look(&mut self, objects: &Objects, tale: &Tale) -> Result<()> {
        self.certificates = by_name(objects.list("Certificate").await?);
        for (name, issuance) in by_name(objects.list("Issuance").await?) {
            self.tell(tale, self.issuances.get(&name).unwrap_or(&Value::Null), &issuance);
            self.records.extend(validations(&issuance, &[]).filter_map(record));
            self.issuances.insert(name, issuance);
        }
        Ok(())
    }

    fn tell(&self, tale: &Tale, before: &Value, now: &Value) {
        let certificate = now["spec"]["certificateRef"]["name"].as_str().unwrap_or_default();
        if before["status"]["orderId"].is_null() && !now["status"]["orderId"].is_null() {
            tale.about(certificate, &accepted(now));
        }
        let published = newly(before, now, &["Published", "Visible"]);
        if !published.is_empty() {
            tale.about(certificate, &format!("DNS records published by signed update: {}", published.join(", ")));
        }
        let validated = newly(before, now, &["Valid", "Cleaned"]);
        if !validated.is_empty() {
            tale.about(certificate, &format!("validated by the CA: {}", validated.join(", ")));
        }
    }
}

fn by_name(objects: Vec<Value>) -> ByName {
    let name = |object: &Value| object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    objects.into_iter().map(|object| (name(&object), object)).collect()
}

/// What the CA has said yes to.
fn accepted(issuance: &Value) -> String {
    let order = issuance["status"]["orderId"].as_str().unwrap_or_default();
    let parent = issuance["spec"]["parent"]["orderId"].as_str().unwrap_or_default();
    let (bought, reissued) = match issuance["spec"]["account"]["provider"].as_str() {
        Some("sectigo") => {
            (format!("certificate {order} enrolled"), format!("certificate {order} replaced, its id kept"))
        }
        _ => (format!("order {order} placed"), format!("a reissue on order {order}")),
    };
    let price = if issuance["spec"]["cost"] == "Paid" { "paid" } else { "free" };
    match issuance["spec"]["operation"].as_str() {
        Some("Order") => format!("{bought}: {price}"),
        Some("Renew") => format!("{bought}, the renewal of {parent}: {price}"),
        Some("Collect") => format!("certificate {order} collected: {price}"),
        Some("Adopt") => format!("order {order} taken over: free"),
        _ => format!("{reissued}: free"),
    }
}

/// The domains whose validation has come into one of these states.
fn newly<'a>(before: &Value, now: &'a Value, states: &'a [&str]) -> Vec<&'a str> {
    let already: Vec<_> = validations(before, states).map(|validation| &validation["domain"]).collect();
    let new = validations(now, states).filter(|validation| !already.contains(&&validation["domain"]));
    new.filter_map(|validation| validation["domain"].as_str()).collect()
}

/// Domain validations in one of these states, all when there are none.
fn validations<'a>(issuance: &'a Value, states: &'a [&str]) -> impl Iterator<Item = &'a Value> {
    let all = issuance["status"]["validations"].as_array().into_iter().flatten();
    all.filter(move |validation| states.is_empty() || states.iter().any(|state| validation["state"] == *state))
}

fn record(validation: &Value) -> Option<(String, String)> {
    let record = &validation["record"];
    Some((record["name"].as_str()?.to_owned(), record["type"].as_str()?.to_owned()))
}
