//! Brings zone records to the name server, after the time that their distribution takes. Real time.

use std::collections::{BTreeMap, BTreeSet};

use hickory_proto::rr::{Name, Record as Answer};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::content;
use crate::{
    app::App,
    dns::Zones,
    state::dnsimple::{Domain, Record},
};

pub struct Served {
    zones: Zones,
    /// By id of the record.
    held: Mutex<BTreeMap<u64, Held>>,
}

/// A record as it is served.
struct Held {
    domain: u64,
    answer: Option<Answer>,
    /// When it was found to be deleted.
    gone: Option<Timestamp>,
}

/// What is to change at the name server.
#[derive(Default)]
struct Change {
    gone: Vec<Answer>,
    come: Vec<Answer>,
}

impl Served {
    pub fn new(zones: Zones) -> Self {
        Self { zones, held: Mutex::default() }
    }

    pub async fn is_distributed(&self, app: &App, zone: &Domain, record: &Record) -> bool {
        self.sync(app).await;
        due(record.changed, zone)
    }

    /// Nothing of the zone is on its way.
    pub async fn is_current(&self, app: &App, zone: &Domain) -> bool {
        self.sync(app).await;
        let leaving = self.held.lock().await.values().any(|held| held.domain == zone.id && held.gone.is_some());
        let world = app.store.lock();
        let mut mine = world.dnsimple.records.iter().filter(|row| row.domain == zone.id);
        !leaving && mine.all(|row| due(row.changed, zone))
    }

    /// Serves what has had its time.
    pub async fn sync(&self, app: &App) {
        let mut held = self.held.lock().await;
        let (domains, records) = snapshot(app);
        let mut changes: BTreeMap<u64, Change> = BTreeMap::new();
        for record in &records {
            let Some(domain) = domains.get(&record.domain) else { continue };
            let answer = content::served(record, &domain.name);
            let before = held.get(&record.id).map(|held| &held.answer);
            if before.is_some_and(|before| same(before.as_ref(), answer.as_ref())) || !due(record.changed, domain) {
                continue;
            }
            let change = changes.entry(domain.id).or_default();
            change.gone.extend(before.cloned().flatten());
            change.come.extend(answer.clone());
            held.insert(record.id, Held { domain: domain.id, answer, gone: None });
        }
        let known: BTreeSet<u64> = records.iter().map(|record| record.id).collect();
        held.retain(|id, row| {
            let Some(domain) = domains.get(&row.domain).filter(|_| !known.contains(id)) else { return true };
            let since = *row.gone.get_or_insert_with(Timestamp::now);
            let stays = !due(since, domain);
            if !stays {
                changes.entry(domain.id).or_default().gone.extend(row.answer.take());
            }
            stays
        });
        for (id, change) in changes {
            let name: Option<Name> = domains.get(&id).and_then(|domain| content::fqdn(&domain.name));
            if let Some(name) = name {
                self.zones.change(&name, &change.gone, &change.come).await;
            }
        }
    }
}

fn snapshot(app: &App) -> (BTreeMap<u64, Domain>, Vec<Record>) {
    let world = app.store.lock();
    let domains = world.dnsimple.domains.iter().map(|domain| (domain.id, domain.clone())).collect();
    // Those of the system are the name server's own.
    let records = world.dnsimple.records.iter().filter(|record| !record.system).cloned().collect();
    (domains, records)
}

/// hickory's comparison leaves the TTL out.
fn same(one: Option<&Answer>, other: Option<&Answer>) -> bool {
    one == other && one.map(|answer| answer.ttl) == other.map(|answer| answer.ttl)
}

fn due(changed: Timestamp, zone: &Domain) -> bool {
    let lag = SignedDuration::from_secs(zone.lag_seconds);
    changed.checked_add(lag).unwrap_or(Timestamp::MAX) <= Timestamp::now()
}
