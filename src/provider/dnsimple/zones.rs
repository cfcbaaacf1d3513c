//! Zones and their records.

use serde_json::json;

use super::client::Call;
use super::endpoints::{CHECK_DISTRIBUTION, CREATE_RECORD, DELETE_RECORD, GET_ZONE, LIST_RECORDS, LIST_ZONES};
use super::wire::{Distribution, Zone, ZoneRecord};
use super::{Account, errors};
use crate::provider::CallError;

/// Types of records that prove control of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordType {
    Txt,
    Cname,
}

impl RecordType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Txt => "TXT",
            Self::Cname => "CNAME",
        }
    }
}

/// A record to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord<'a> {
    /// Below the zone; empty at its apex.
    pub name: &'a str,
    pub type_: RecordType,
    /// As a zone file has it. A TXT without quotes gets them.
    pub content: &'a str,
    /// Seconds, 60 at least.
    pub ttl: u32,
}

impl Account {
    /// *listZones*.
    pub async fn zones(&self) -> Result<Vec<Zone>, CallError> {
        self.client.rows(|| Call::new(&LIST_ZONES)).await
    }

    /// *getZone*: by its name. `None`: not in the account, or not for this token.
    pub async fn zone(&self, name: &str) -> Result<Option<Zone>, CallError> {
        match self.client.call(Call::of(&GET_ZONE, name)).await {
            Ok(answer) => answer.read().map(Some),
            Err(error) if errors::is_not_found(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The closest zone above a name, by its name.
    pub async fn zone_of(&self, name: &str) -> Result<Option<String>, CallError> {
        self.closest(&GET_ZONE, name).await
    }

    /// *listZoneRecords*: those of a name below the zone, empty at its apex; of a type, else of all.
    pub async fn records(
        &self,
        zone: &str,
        name: &str,
        type_: Option<RecordType>,
    ) -> Result<Vec<ZoneRecord>, CallError> {
        self.client
            .rows(|| {
                let call = Call::of(&LIST_RECORDS, zone).query("name", name);
                match type_ {
                    Some(type_) => call.query("type", type_.as_str()),
                    None => call,
                }
            })
            .await
    }

    /// *createZoneRecord*. `Rejected` with code `already_exists`: one just like it is there.
    pub async fn create_record(&self, zone: &str, record: &NewRecord<'_>) -> Result<ZoneRecord, CallError> {
        let body = json!({
            "name": record.name,
            "type": record.type_.as_str(),
            "content": record.content,
            "ttl": record.ttl,
        });
        self.client.call(Call::of(&CREATE_RECORD, zone).json(body)).await?.read()
    }

    /// *deleteZoneRecord*. Not there counts as done.
    pub async fn delete_record(&self, zone: &str, record_id: &str) -> Result<(), CallError> {
        match self.client.call(Call::of(&DELETE_RECORD, zone).and(record_id)).await {
            Err(error) if !errors::is_not_found(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// *checkZoneRecordDistribution*: whether all of DNSimple's name servers serve the record.
    pub async fn is_distributed(&self, zone: &str, record_id: &str) -> Result<bool, CallError> {
        let answer = self.client.call(Call::of(&CHECK_DISTRIBUTION, zone).and(record_id)).await?;
        let distribution: Distribution = answer.read()?;
        distribution.distributed.ok_or_else(|| answer.unreadable("the answer does not say"))
    }
}
