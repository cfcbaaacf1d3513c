//! The records of one zone while they are changed: all of a request or nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{content, errors::ApiError, fields::Fields};
use crate::state::{
    World,
    dnsimple::{Domain, Plan, Record},
};

pub struct Zone {
    pub domain: Domain,
    plan: Plan,
    now: Timestamp,
    rows: BTreeMap<u64, Record>,
}

const REGIONS: [&str; 9] = ["global", "SV1", "ORD", "IAD", "AMS", "TKO", "SYD", "CDG", "FRA"];

impl Zone {
    pub fn open(world: &World, domain: &Domain, plan: Plan) -> Self {
        let mine = world.dnsimple.records.iter().filter(|record| record.domain == domain.id);
        let rows = mine.map(|record| (record.id, record.clone())).collect();
        Self { domain: domain.clone(), plan, now: world.now(), rows }
    }

    /// Writes what differs.
    pub fn close(self, world: &mut World) {
        let old = world.dnsimple.records.iter().filter(|record| record.domain == self.domain.id);
        let gone: Vec<u64> = old.map(|record| record.id).filter(|id| !self.rows.contains_key(id)).collect();
        gone.into_iter().for_each(|id| world.dnsimple.records.remove(id));
        for (id, row) in self.rows {
            if world.dnsimple.records.get(id) != Some(&row) {
                world.dnsimple.records.insert(row);
            }
        }
    }

    pub fn create(&mut self, id: u64, body: &Fields) -> Result<Record, ApiError> {
        let record_type = content::record_type(body.text("type")?)?;
        let name = body.text("name")?.ok_or_else(|| ApiError::invalid("name", "can't be blank"))?;
        let given = body.text("content")?.unwrap_or_default();
        let row = Record {
            id,
            domain: self.domain.id,
            name: String::new(),
            content: content::stored(&record_type, &given)?,
            ttl: 3600,
            priority: None,
            record_type,
            regions: vec!["global".to_owned()],
            system: false,
            created: self.now,
            updated: self.now,
            changed: Timestamp::now(),
        };
        self.put(row, Some(name), body)
    }

    /// None: there is no such record.
    pub fn update(&mut self, id: u64, body: &Fields) -> Result<Option<Record>, ApiError> {
        let Some(old) = self.rows.get(&id) else { return Ok(None) };
        if old.system {
            return Err(ApiError::bad("System records can't be updated"));
        }
        let mut row = old.clone();
        if let Some(given) = body.text("content")? {
            row.content = content::stored(&row.record_type, &given)?;
        }
        row.updated = self.now;
        row.changed = Timestamp::now();
        self.put(row, body.text("name")?, body).map(Some)
    }

    /// None: there is no such record.
    pub fn delete(&mut self, id: u64) -> Result<Option<Record>, ApiError> {
        match self.rows.get(&id) {
            Some(row) if row.system => Err(ApiError::bad("System records can't be deleted")),
            _ => Ok(self.rows.remove(&id)),
        }
    }

    fn put(&mut self, mut row: Record, name: Option<String>, body: &Fields) -> Result<Record, ApiError> {
        if let Some(name) = name {
            row.name = name.to_lowercase();
        }
        if content::owner(&row.name, &self.domain.name).is_none() {
            return Err(ApiError::invalid("name", "is invalid"));
        }
        if let Some(ttl) = body.number("ttl")? {
            row.ttl = ttl;
        }
        if let Some(priority) = body.number("priority")? {
            row.priority = Some(priority);
        }
        if let Some(regions) = body.texts("regions")? {
            row.regions = self.regions(regions)?;
        }
        self.alone(&row)?;
        self.rows.insert(row.id, row.clone());
        Ok(row)
    }

    fn regions(&self, given: Vec<String>) -> Result<Vec<String>, ApiError> {
        if given != ["global"] && self.plan < Plan::Teams {
            return Err(ApiError::not_in_plan("Region selection is not allowed for your plan"));
        }
        match given.iter().all(|region| REGIONS.contains(&region.as_str())) {
            true => Ok(given),
            false => Err(ApiError::invalid("regions", "is invalid")),
        }
    }

    /// Nothing twice, and a CNAME shares its name with nothing (RFC 1034 §3.6.2).
    fn alone(&self, row: &Record) -> Result<(), ApiError> {
        let mut others = self.rows.values().filter(|other| other.id != row.id && other.name == row.name);
        let same = |other: &Record| other.record_type == row.record_type && other.content == row.content;
        if others.clone().any(same) {
            return Err(ApiError::invalid("base", "Matching record already exists for this zone"));
        }
        let alias = |record: &Record| record.record_type == "CNAME";
        match others.any(|other| alias(row) || alias(other)) {
            true => Err(ApiError::invalid("base", "A CNAME record can't coexist with other records of the same name")),
            false => Ok(()),
        }
    }
}
