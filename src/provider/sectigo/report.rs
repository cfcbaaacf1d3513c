//! *SSL certificates report*: the one call that finds certificates by the time they were asked for, and shows comments.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Sectigo;
use super::certificates::object;
use super::client::Call;
use super::endpoints::REPORT;
use super::version::ApiVersion;
use super::wire::{Report, ReportRow};
use crate::provider::CallError;

/// Which rows, and by which date.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportQuery {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub by: Option<ReportDate>,
    pub organization_ids: Vec<u64>,
    pub common_name: Option<String>,
    pub external_requester: Option<String>,
    /// 0 to 4, as the page has them.
    pub status: Option<u8>,
    /// 12: REST API.
    pub request_source: Option<u8>,
    pub include_ip_addresses: Option<bool>,
}

/// `certificateDateAttribute`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportDate {
    Revoked,
    Expires,
    Requested,
    Issued,
}

impl Sectigo {
    /// Every row, or an error: what is missing counts as not there.
    pub async fn report(&self, query: &ReportQuery) -> Result<Vec<ReportRow>, CallError> {
        let answer = self.client.call(Call::new(&REPORT).json(&query.body(self.client.version))).await?;
        let report: Report = answer.read()?;
        match (report.status_code.as_deref(), report.reports) {
            (None | Some("0"), Some(rows)) => Ok(rows),
            (code, _) => {
                let message = report.message.unwrap_or_else(|| "it holds no rows".to_owned());
                let message: String = message.chars().take(200).collect();
                Err(answer.unreadable(format!("report status {}: {message}", code.unwrap_or("unknown"))))
            }
        }
    }
}

impl ReportQuery {
    fn body(&self, version: ApiVersion) -> Value {
        let code = |code| version.code(code);
        let instant = |at: Timestamp| json!(at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string());
        let by = self.by.map(|by| match by {
            ReportDate::Revoked => 2,
            ReportDate::Expires => 3,
            ReportDate::Requested => 4,
            ReportDate::Issued => 5,
        });
        object([
            ("from", self.from.map(instant)),
            ("to", self.to.map(instant)),
            ("certificateDateAttribute", by.map(code)),
            ("organizationIds", (!self.organization_ids.is_empty()).then(|| json!(self.organization_ids))),
            ("commonName", self.common_name.clone().map(Value::from)),
            ("externalRequester", self.external_requester.clone().map(Value::from)),
            ("certificateStatus", self.status.map(code)),
            ("certificateRequestSource", self.request_source.map(code)),
            ("includeIpAddresses", self.include_ip_addresses.map(Value::from)),
        ])
    }
}
