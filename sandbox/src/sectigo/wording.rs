//! How v1 and v2 say the same: dates, enumerations, codes. "v1" is the reference of 25.5, "v2" the description of 25.9.2.

use axum::{extract::FromRequestParts, http::request::Parts};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{errors::ApiError, fields::Query, gate::Caller};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    V1,
    V2,
}

/// Chosen by the path, the customer's settings and the parameter `dateFormat`.
#[derive(Clone, Copy, Debug)]
pub struct Wording {
    pub edition: Edition,
    iso: bool,
    format: Option<&'static str>,
}

/// Names and patterns of "Date formatting", and what they are here.
const DATE_FORMATS: [(&str, &str, &str); 10] = [
    ("ISO", "yyyy-MM-dd", "%Y-%m-%d"),
    ("ISO_HMS", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "%Y-%m-%dT%H:%M:%S.000Z"),
    ("EU", "dd.MM.yyyy", "%d.%m.%Y"),
    ("EU_HMS", "dd.MM.yyyy HH:mm:ss", "%d.%m.%Y %H:%M:%S"),
    ("US", "MM/dd/yyyy", "%m/%d/%Y"),
    ("US_HMS", "MM/dd/yyyy HH:mm:ss", "%m/%d/%Y %H:%M:%S"),
    ("UK", "dd/MM/yyyy", "%d/%m/%Y"),
    ("UK_HMS", "dd/MM/yyyy HH:mm:ss", "%d/%m/%Y %H:%M:%S"),
    ("JP", "yyyy/MM/dd", "%Y/%m/%d"),
    ("JP_HMS", "yyyy/MM/dd HH:mm:ss", "%Y/%m/%d %H:%M:%S"),
];

const INSTANT: &str = "%Y-%m-%dT%H:%M:%S.000Z";

impl Wording {
    /// A day in the details of a certificate.
    pub fn day(&self, at: Timestamp) -> String {
        self.date(at, "%m/%d/%Y")
    }

    /// A day in the validation of a domain.
    pub fn dcv_day(&self, at: Timestamp) -> String {
        self.date(at, "%Y-%m-%d")
    }

    /// A moment in the validation of a certificate.
    pub fn moment(&self, at: Timestamp) -> String {
        self.date(at, "%Y-%m-%d %H:%M:%S")
    }

    pub fn instant(&self, at: Timestamp) -> String {
        self.date(at, INSTANT)
    }

    fn date(&self, at: Timestamp, usual: &str) -> String {
        let usual = if self.iso { INSTANT } else { usual };
        at.strftime(self.format.unwrap_or(usual)).to_string()
    }

    /// `Not validated`, or as v1 has it `NOT_VALIDATED`.
    pub fn word(&self, word: &str) -> String {
        match self.edition {
            Edition::V1 => word.to_uppercase().replace(' ', "_"),
            Edition::V2 => word.to_owned(),
        }
    }

    /// A number, or as v2 has it a string.
    pub fn code(&self, code: i64) -> Value {
        match self.edition {
            Edition::V1 => json!(code),
            Edition::V2 => json!(code.to_string()),
        }
    }
}

/// Two spellings of one value: case, blanks and `_` do not count.
pub fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace([' ', '_', '-'], "");
    plain(one) == plain(other)
}

impl<S: Send + Sync> FromRequestParts<S> for Wording {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::from_request_parts(parts, state).await?;
        let edition = parts.extensions.get::<Edition>().copied().unwrap_or(Edition::V1);
        let caller = parts.extensions.get::<Caller>();
        let iso = edition == Edition::V2 && caller.is_some_and(|caller| caller.settings.iso_dates);
        let format = query.text("dateFormat").map(|asked| {
            let known = DATE_FORMATS.iter().find(|(name, pattern, _)| {
                let quotes = |text: &str| text.to_lowercase().replace(['\'', '’'], "");
                name.eq_ignore_ascii_case(asked) || quotes(pattern) == quotes(asked)
            });
            known.map(|(_, _, format)| *format).ok_or_else(|| ApiError::invalid("dateFormat"))
        });
        Ok(Self { edition, iso, format: format.transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_edition_has_its_words() {
        let wording = |edition, iso| Wording { edition, iso, format: None };
        let at = Timestamp::UNIX_EPOCH;
        let v1 = wording(Edition::V1, false);
        assert_eq!(
            (v1.day(at), v1.word("Not validated"), v1.code(4)),
            ("01/01/1970".into(), "NOT_VALIDATED".into(), json!(4))
        );
        let v2 = wording(Edition::V2, true);
        let instant = "1970-01-01T00:00:00.000Z";
        assert_eq!(
            (v2.day(at), v2.word("Not validated"), v2.code(4)),
            (instant.into(), "Not validated".into(), json!("4"))
        );
        assert!(same("SAApproved", "SA Approved") && same("NOT_VALIDATED", "Not validated") && !same("Issued", "Init"));
    }
}
