//! The records themselves: listed, read, changed, deleted.

use serde_json::{Map, Value, json};

use super::Sectigo;
use super::client::Call;
use super::endpoints::{DELETE, DETAILS, LIST, UPDATE};
use super::wire::{Details, Row};
use crate::provider::{AutoRenewal, CallError};

/// What *List SSL certificates* can be asked for; together they narrow. Words as the description has them, whatever
/// the version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub common_name: Option<String>,
    pub subject_alternative_name: Option<String>,
    /// `Issued`, `SA Approved`, …
    pub status: Option<String>,
    /// The profile.
    pub ssl_type_id: Option<u64>,
    /// `Deployed` or `NotDeployed`.
    pub discovery_status: Option<String>,
    pub vendor: Option<String>,
    pub org_id: Option<u64>,
    /// `Not configured`, …
    pub install_status: Option<String>,
    /// `Not scheduled`, `Scheduled`, …
    pub renewal_status: Option<String>,
    pub issuer: Option<String>,
    pub serial_number: Option<String>,
    pub requester: Option<String>,
    pub external_requester: Option<String>,
    pub signature_algorithm: Option<String>,
    pub key_algorithm: Option<String>,
    pub key_size: Option<u64>,
    /// Size or curve.
    pub key_param: Option<String>,
    pub sha1_hash: Option<String>,
    pub md5_hash: Option<String>,
    pub sha256_hash: Option<String>,
    pub key_usage: Option<String>,
    pub extended_key_usage: Option<String>,
    /// `REST API`, …
    pub requested_via: Option<String>,
}

/// What *Update SSL certificate details* can change. Organization, profile, term, names and CSR only while the request is
/// Requested, Declined, Rejected or Invalid.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    pub term: Option<u64>,
    pub cert_type_id: Option<u64>,
    pub org_id: Option<u64>,
    pub common_name: Option<String>,
    /// PEM.
    pub csr: Option<String>,
    pub subject_alternative_names: Option<Vec<String>>,
    pub external_requester: Option<String>,
    pub comments: Option<String>,
    pub custom_fields: Option<Vec<(String, String)>>,
    pub auto_renewal: Option<AutoRenewalWanted>,
    pub suspend_notifications: Option<bool>,
    pub requester: Option<String>,
    pub requester_admin_id: Option<u64>,
    /// -1: nobody.
    pub approver_admin_id: Option<i64>,
}

/// Whether SCM orders the next certificate by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoRenewalWanted {
    Off,
    DaysBeforeExpiration(u64),
}

impl Sectigo {
    /// Every certificate that matches. More than can be looked through is an error, never less.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Row>, CallError> {
        self.client.rows(&LIST, |call| self.narrowed(call, filter)).await
    }

    fn narrowed<'a>(&self, call: Call<'a>, filter: &Filter) -> Call<'a> {
        let version = self.client.version;
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let asked = [
            ("commonName", filter.common_name.clone()),
            ("subjectAlternativeName", filter.subject_alternative_name.clone()),
            ("status", filter.status.as_deref().map(|word| version.status_filter(word))),
            ("sslTypeId", number(filter.ssl_type_id)),
            ("discoveryStatus", filter.discovery_status.clone()),
            ("vendor", filter.vendor.clone()),
            ("orgId", number(filter.org_id)),
            ("installStatus", filter.install_status.as_deref().map(|word| version.install_filter(word))),
            ("renewalStatus", filter.renewal_status.as_deref().map(|word| version.state_filter(word))),
            ("issuer", filter.issuer.clone()),
            ("serialNumber", filter.serial_number.clone()),
            ("requester", filter.requester.clone()),
            ("externalRequester", filter.external_requester.clone()),
            ("signatureAlgorithm", filter.signature_algorithm.clone()),
            ("keyAlgorithm", filter.key_algorithm.clone()),
            ("keySize", number(filter.key_size)),
            ("keyParam", filter.key_param.clone()),
            ("sha1Hash", filter.sha1_hash.clone()),
            ("md5Hash", filter.md5_hash.clone()),
            ("sha256Hash", filter.sha256_hash.clone()),
            ("keyUsage", filter.key_usage.clone()),
            ("extendedKeyUsage", filter.extended_key_usage.clone()),
            ("requestedVia", filter.requested_via.as_deref().map(|word| version.requested_via_filter(word))),
        ];
        let asked = asked.into_iter().filter_map(|(name, value)| Some((name, value?)));
        asked.fold(call, |call, (name, value)| call.query(name, value))
    }

    /// *Get SSL certificate details*.
    pub async fn details(&self, id: &str) -> Result<Details, CallError> {
        let answer = self.client.call(Call::of(&DETAILS, id)).await?;
        let details: Details = answer.read()?;
        match details.id() {
            Some(_) => Ok(details),
            None => Err(answer.unreadable("the answer is about no certificate")),
        }
    }

    /// *Update SSL certificate details*.
    pub async fn update(&self, id: &str, update: &Update) -> Result<Details, CallError> {
        let body = update.body(id)?;
        self.client.call(Call::new(&UPDATE).json(&body)).await?.read()
    }

    /// SCM would order the next certificate by itself, beside us.
    pub(super) async fn schedule_no_renewal(&self, id: &str) -> Result<(), CallError> {
        let update = Update { auto_renewal: Some(AutoRenewalWanted::Off), ..Update::default() };
        let details = self.update(id, &update).await?;
        if details.auto_renew_details.read() == AutoRenewal::Off {
            return Ok(());
        }
        Err(CallError::Rejected {
            call: UPDATE.name,
            code: "still_scheduled".into(),
            message: format!("SCM goes on to renew certificate {id} by itself"),
        })
    }

    /// *Delete SSL certificate*: only what was imported or discovered.
    pub async fn delete(&self, id: &str) -> Result<(), CallError> {
        self.client.call(Call::of(&DELETE, id)).await.map(drop)
    }
}

impl Update {
    pub(super) fn body(&self, id: &str) -> Result<Value, CallError> {
        let id: u64 = id.parse().map_err(|_| super::errors::bad_id(UPDATE.name))?;
        let fields = self.custom_fields.as_deref().map(custom_fields);
        let auto_renewal = self.auto_renewal.map(|wanted| match wanted {
            AutoRenewalWanted::Off => json!({ "state": "Not scheduled" }),
            AutoRenewalWanted::DaysBeforeExpiration(days) => {
                json!({ "state": "Scheduled", "daysBeforeExpiration": days })
            }
        });
        Ok(object([
            ("sslId", Some(json!(id))),
            ("term", self.term.map(Value::from)),
            ("certTypeId", self.cert_type_id.map(Value::from)),
            ("orgId", self.org_id.map(Value::from)),
            ("commonName", self.common_name.clone().map(Value::from)),
            ("csr", self.csr.clone().map(Value::from)),
            ("subjectAlternativeNames", self.subject_alternative_names.clone().map(Value::from)),
            ("externalRequester", self.external_requester.clone().map(Value::from)),
            ("comments", self.comments.clone().map(Value::from)),
            ("customFields", fields),
            ("autoRenewDetails", auto_renewal),
            ("suspendNotifications", self.suspend_notifications.map(Value::from)),
            ("requester", self.requester.clone().map(Value::from)),
            ("requesterAdminId", self.requester_admin_id.map(Value::from)),
            ("approverAdminId", self.approver_admin_id.map(Value::from)),
        ]))
    }
}

/// Of what is there.
pub(super) fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(members.collect::<Map<_, _>>())
}

pub(super) fn custom_fields(fields: &[(String, String)]) -> Value {
    fields.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}
