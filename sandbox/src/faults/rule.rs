//! One fault as a test states it in JSON: which requests, what goes wrong, how often.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::state::records::Quirk;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    #[serde(default)]
    pub id: u64,
    #[serde(default, rename = "match")]
    pub matcher: Match,
    #[serde(flatten)]
    pub kind: FaultKind,
    /// How many requests it hits before it rests.
    #[serde(default = "once")]
    pub times: u64,
    #[serde(default)]
    pub hits: u64,
}

fn once() -> u64 {
    1
}

/// Every part that is given must fit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Match {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// A glob over the whole path, or over its end when it does not begin with the API's prefix; `*` is anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `order`, `renew`, `reissue`, `revoke`, `orderInfo`, `enroll`, `collect`, …; the words of the ledger among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Of the certificate that an order, renewal, reissue or duplicate asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_name: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum FaultKind {
    Latency {
        milliseconds: u64,
    },
    /// 429, with Retry-After when given, seconds.
    RateLimit {
        retry_after: Option<u64>,
    },
    ErrorBeforeCommit {
        status: u16,
    },
    /// In the vendor's own shape.
    Refuse {
        status: u16,
        code: Value,
        #[serde(default)]
        description: String,
    },
    ErrorAfterCommit {
        status: u16,
    },
    ResetBeforeCommit,
    ResetAfterCommit,
    HangAfterCommit,
    /// Half of the body under its whole Content-Length, then the end of the connection.
    TruncateBody,
    NonJson,
    LookupLag {
        seconds: i64,
    },
    OtherKey,
    WrongNames,
    Expired,
    ChainUnordered,
    ChainIncomplete,
    /// The root also as an older root has cross-signed it, and that root.
    ChainAlternatives,
    /// Its certificate names an OCSP responder and no revocation list.
    OcspOnly,
    StayPending,
    ApprovalRefused,
}

impl FaultKind {
    /// Happens instead of, or before, the operation.
    pub fn is_before(&self) -> bool {
        matches!(
            self,
            Self::Latency { .. }
                | Self::RateLimit { .. }
                | Self::ErrorBeforeCommit { .. }
                | Self::Refuse { .. }
                | Self::ResetBeforeCommit
        )
    }

    /// Destroys the answer of an operation that was accepted.
    pub fn is_after(&self) -> bool {
        matches!(
            self,
            Self::ErrorAfterCommit { .. }
                | Self::ResetAfterCommit
                | Self::HangAfterCommit
                | Self::TruncateBody
                | Self::NonJson
        )
    }

    /// Is part of the operation.
    pub fn is_effect(&self) -> bool {
        !self.is_before() && !self.is_after()
    }

    pub fn quirk(&self) -> Option<Quirk> {
        match self {
            Self::OtherKey => Some(Quirk::OtherKey),
            Self::WrongNames => Some(Quirk::WrongNames),
            Self::Expired => Some(Quirk::Expired),
            Self::ChainUnordered => Some(Quirk::ChainUnordered),
            Self::ChainIncomplete => Some(Quirk::ChainIncomplete),
            Self::ChainAlternatives => Some(Quirk::ChainAlternatives),
            Self::OcspOnly => Some(Quirk::OcspOnly),
            Self::StayPending => Some(Quirk::StayPending),
            Self::ApprovalRefused => Some(Quirk::ApprovalRefused),
            _ => None,
        }
    }
}

/// The request a rule is held against.
pub struct Subject<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub operation: Option<&'a str>,
    pub common_name: Option<&'a str>,
}

impl Fault {
    pub fn wants(&self, subject: &Subject<'_>) -> bool {
        let Match { method, path, operation, common_name } = &self.matcher;
        self.hits < self.times
            && method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(subject.method))
            && path.as_ref().is_none_or(|pattern| path_fits(pattern, subject.path))
            && operation.as_ref().is_none_or(|operation| Some(operation.as_str()) == subject.operation)
            && common_name.as_ref().is_none_or(|name| Some(name.as_str()) == subject.common_name)
    }
}

fn path_fits(pattern: &str, path: &str) -> bool {
    let rest = pattern.trim_start_matches('/');
    glob(pattern, path)
        || ["/services/v2/", "/api/", "/v2/"].iter().any(|prefix| glob(&format!("{prefix}{rest}"), path))
}

/// `*` stands for any run of characters.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            let starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            starts.into_iter().any(|at| glob(tail, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn globs() {
        assert!(path_fits("/order/certificate/*", "/services/v2/order/certificate/ssl_basic"));
        assert!(path_fits("*/reissue", "/services/v2/order/certificate/1/reissue"));
        assert!(path_fits("/services/v2/user/me", "/services/v2/user/me"));
        assert!(path_fits("/ssl/*/renewById/*", "/api/ssl/v2/renewById/7"));
        assert!(!path_fits("/order/certificate/*/reissue", "/services/v2/order/certificate/1"));
        assert!(!path_fits("order", "/services/v2/order/certificate/1"));
    }

    #[test]
    fn json() {
        let text = r#"{"match": {"operation": "order"}, "kind": "rateLimit", "retryAfter": 7, "times": 2}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert!(matches!(fault.kind, FaultKind::RateLimit { retry_after: Some(7) }));
        let order = Subject { method: "POST", path: "/x", operation: Some("order"), common_name: Some("a.example") };
        assert!(fault.wants(&order));
        assert!(!fault.wants(&Subject { operation: Some("renew"), ..order }));
        assert!(serde_json::from_str::<Fault>(r#"{"kind": "nothing"}"#).is_err());

        let text = r#"{"match": {"commonName": "a.example"}, "kind": "nonJson"}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert!(fault.wants(&order));
        assert!(!fault.wants(&Subject { common_name: Some("b.example"), ..order }));
        assert!(!fault.wants(&Subject { common_name: None, ..order }));
    }
}
