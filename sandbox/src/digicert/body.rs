//! Request bodies, read as loosely as the vendor reads them: numbers as strings, flags as 0 and 1, null for absent.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use super::errors::ApiError;
use crate::rules::Validity;

/// A JSON body; an empty one counts as `{}`.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let malformed = |message: String| ApiError::bad("bad_request_format", message);
        let bytes = Bytes::from_request(request, state).await.map_err(|error| malformed(error.to_string()))?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let value: Value = serde_json::from_slice(text).map_err(|error| malformed(error.to_string()))?;
        serde_json::from_value(value).map(Body).map_err(|error| malformed(error.to_string()))
    }
}

/// Body of an order, a renewal, a reissue or a duplicate. Every field of every one of them is optional here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Submission {
    #[serde(deserialize_with = "or_default")]
    pub certificate: CertificateFields,
    pub order_validity: Option<ValidityFields>,
    #[serde(flatten)]
    pub legacy_validity: LegacyValidity,
    pub organization: Option<OrganizationFields>,
    pub container: Option<Reference>,
    pub dcv_method: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub skip_approval: bool,
    #[serde(deserialize_with = "integer")]
    pub renewal_of_order_id: Option<i64>,
    pub alternative_order_id: Option<String>,
    pub comments: Option<String>,
    pub payment_method: Option<String>,
    pub custom_fields: Option<Vec<Value>>,
    pub additional_emails: Option<Vec<String>>,
    pub custom_renewal_message: Option<String>,
    pub locale: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub auto_renew: bool,
    #[serde(deserialize_with = "flag")]
    pub auto_reissue: bool,
    #[serde(deserialize_with = "flag")]
    pub disable_renewal_notifications: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CertificateFields {
    pub common_name: Option<String>,
    pub dns_names: Option<Vec<String>>,
    pub csr: Option<String>,
    pub signature_hash: Option<String>,
    pub server_platform: Option<Reference>,
    pub organization_units: Option<Vec<String>>,
    pub ca_cert_id: Option<String>,
    pub cert_validity: Option<ValidityFields>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reference {
    #[serde(deserialize_with = "integer")]
    pub id: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct OrganizationFields {
    #[serde(deserialize_with = "integer")]
    pub id: Option<i64>,
    pub contacts: Option<Vec<Contact>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Contact {
    pub contact_type: Option<String>,
    #[serde(deserialize_with = "integer")]
    pub user_id: Option<i64>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    pub job_title: Option<String>,
    pub telephone: Option<String>,
}

/// `cert_validity` and `order_validity`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ValidityFields {
    #[serde(deserialize_with = "integer")]
    pub years: Option<i64>,
    #[serde(deserialize_with = "integer")]
    pub days: Option<i64>,
    pub custom_expiration_date: Option<String>,
}

/// The validity fields at the root of older order bodies.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct LegacyValidity {
    #[serde(deserialize_with = "integer")]
    pub validity_years: Option<i64>,
    #[serde(deserialize_with = "integer")]
    pub validity_days: Option<i64>,
    pub custom_expiration_date: Option<String>,
}

impl ValidityFields {
    /// A date beats days, days beat years. `parameters` are the names of years, days and date in errors.
    pub fn resolve(&self, today: Date, parameters: [&str; 3]) -> Result<Option<Validity>, ApiError> {
        let [years_name, days_name, date_name] = parameters;
        if let Some(text) = self.custom_expiration_date.as_deref().filter(|text| !text.is_empty()) {
            let day = parse_date(text)
                .filter(|day| *day > today)
                .ok_or_else(|| ApiError::invalid(date_name, "The date must lie in the future."))?;
            return Ok(Some(Validity::Until(day)));
        }
        if let Some(days) = self.days.filter(|days| *days != 0) {
            let days = i32::try_from(days).ok().filter(|days| (1..=1200).contains(days));
            let days = days.ok_or_else(|| ApiError::invalid(days_name, "Days out of range."))?;
            return Ok(Some(Validity::Days(days)));
        }
        let Some(years) = self.years.filter(|years| *years != 0) else {
            return Ok(None);
        };
        let years = i16::try_from(years).ok().filter(|years| (1..=3).contains(years));
        let years = years.ok_or_else(|| ApiError::invalid(years_name, "Years out of range."))?;
        Ok(Some(Validity::Years(years)))
    }
}

impl From<&LegacyValidity> for ValidityFields {
    fn from(legacy: &LegacyValidity) -> Self {
        Self {
            years: legacy.validity_years,
            days: legacy.validity_days,
            custom_expiration_date: legacy.custom_expiration_date.clone(),
        }
    }
}

/// `2027-06-09`, that with a time behind it, or `09 JUN 2027`.
fn parse_date(text: &str) -> Option<Date> {
    let text = text.trim();
    let iso = text.get(..10).and_then(|day| day.parse().ok());
    iso.or_else(|| Date::strptime("%d %b %Y", text).ok())
}

fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(d: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(d)?.unwrap_or_default())
}

pub fn integer<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    match Value::deserialize(d)? {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(serde::de::Error::custom),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Ok(Some(integer)),
            None => Err(serde::de::Error::custom("an integer is expected")),
        },
        _ => Err(serde::de::Error::custom("an integer is expected")),
    }
}

pub fn flag<'de, D: Deserializer<'de>>(d: D) -> Result<bool, D::Error> {
    match Value::deserialize(d)? {
        Value::Null => Ok(false),
        Value::Bool(flag) => Ok(flag),
        Value::Number(number) => Ok(number.as_f64() != Some(0.0)),
        Value::String(text) => Ok(matches!(text.as_str(), "1" | "true" | "yes")),
        _ => Err(serde::de::Error::custom("a boolean is expected")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use jiff::civil::date;
    use serde_json::json;

    use super::*;

    #[test]
    fn loose_values() {
        let body = json!({"skip_approval": 1, "renewal_of_order_id": "17", "certificate": null,
            "organization": {"id": "5"}, "validity_years": "1", "auto_renew": "0", "unknown": {}});
        let body: Submission = serde_json::from_value(body).unwrap();
        assert!(body.skip_approval && !body.auto_renew);
        assert_eq!(body.renewal_of_order_id, Some(17));
        assert_eq!(body.organization.unwrap().id, Some(5));
        assert_eq!(body.legacy_validity.validity_years, Some(1));
    }

    #[test]
    fn a_date_beats_days_beats_years() {
        let today = date(2026, 11, 24);
        let resolve = |fields: Value| {
            let fields: ValidityFields = serde_json::from_value(fields).unwrap();
            fields.resolve(today, ["y", "d", "c"]).map_err(|error| error.code)
        };
        let all = json!({"years": 1, "days": 30, "custom_expiration_date": "09 JUN 2027"});
        assert_eq!(resolve(all), Ok(Some(Validity::Until(date(2027, 6, 9)))));
        assert_eq!(resolve(json!({"years": 1, "days": 30})), Ok(Some(Validity::Days(30))));
        assert_eq!(resolve(json!({"years": 4})), Err("invalid_value:y".into()));
        assert_eq!(resolve(json!({"days": -1})), Err("invalid_value:d".into()));
        assert_eq!(resolve(json!({"custom_expiration_date": "2026-11-24"})), Err("invalid_value:c".into()));
        assert_eq!(resolve(json!({"custom_expiration_date": "ü"})), Err("invalid_value:c".into()));
        assert_eq!(resolve(json!({})), Ok(None));
    }
}
