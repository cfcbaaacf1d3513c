//! What CertCentral's refusals prove.
//!
//! CertCentral Services API, *Errors*: `{"errors":[{"code":"…","message":"…"}]}` with a 4xx. A code may have a tail
//! after `|` or `:` (`not_found|order`). A proxy can answer 4xx too, so a status alone proves nothing.

use reqwest::StatusCode;
use std::time::Duration;

use super::endpoints::{Endpoint, Kind};
use super::wire::{VendorError, vendor_errors};
use crate::provider::CallError;

/// An answer that is not 2xx.
pub(super) struct Refusal {
    pub endpoint: &'static Endpoint,
    pub status: StatusCode,
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

struct Rule {
    head: &'static str,
    /// `None` is any tail, or none.
    tail: Option<&'static str>,
    on: fn(Kind) -> bool,
    verdict: Verdict,
}

enum Verdict {
    Rejected,
    Blocked { code: &'static str, action: &'static str },
}

fn any(_: Kind) -> bool {
    true
}

const BAD_KEY: Verdict = Verdict::Blocked {
    code: "bad_api_key",
    action: "Create an API key in CertCentral under Automation > API keys and put it into the issuer's Secret",
};

/// First match counts. Left out on purpose, since an order may exist all the same: `order_renewed_already` (perhaps by
/// us), `caa_check_failed`, `access_denied|invalid_approver` (the order then waits for a person).
static RULES: &[Rule] = &[
    // Seen with a wrong key, with 403.
    Rule { head: "access_denied", tail: Some("access_denied_invalid_key"), on: any, verdict: BAD_KEY },
    Rule { head: "access_denied_invalid_key", tail: None, on: any, verdict: BAD_KEY },
    // *Errors*, 403.
    Rule {
        head: "access_denied",
        tail: Some("missing_permission"),
        on: any,
        verdict: Verdict::Blocked {
            code: "missing_permission",
            action: "Give the API key the restriction \"Orders, Domains, Organizations\" or none, and its user an \
                     administrator role, in CertCentral under Automation > API keys",
        },
    },
    // *Errors*, 404: wrong URL.
    Rule {
        head: "not_found",
        tail: Some("route"),
        on: any,
        verdict: Verdict::Blocked { code: "wrong_url", action: "Check the issuer's URL: it ends in /services/v2" },
    },
    // *Errors*, 404.
    Rule {
        head: "not_found",
        tail: Some("product"),
        on: any,
        verdict: Verdict::Blocked {
            code: "unknown_product",
            action: "Choose a product that CertCentral lists under Settings > Product settings, or have it enabled",
        },
    },
    Rule { head: "not_found", tail: Some("organization"), on: any, verdict: UNKNOWN_ORGANIZATION },
    // *Errors*, 404, the general form, where it can only mean the thing asked for.
    Rule { head: "not_found", tail: None, on: |kind| kind == Kind::ReadOrganization, verdict: UNKNOWN_ORGANIZATION },
    Rule { head: "not_found", tail: None, on: any, verdict: Verdict::Rejected },
    // *Errors*, 400.
    Rule { head: "bad_request_format", tail: None, on: any, verdict: Verdict::Rejected },
    Rule { head: "csr_invalid_cannot_parse", tail: None, on: Kind::submits, verdict: Verdict::Rejected },
    Rule { head: "cert_validity_exceeds_order_validity", tail: None, on: Kind::submits, verdict: Verdict::Rejected },
    // *End of 4-6-year Multi-year Plans*, 400.
    Rule { head: "invalid_value", tail: None, on: Kind::submits, verdict: Verdict::Rejected },
    // *Check DCV*, 400.
    Rule { head: "invalid_dns_txt", tail: None, on: |kind| kind == Kind::Dcv, verdict: Verdict::Rejected },
    Rule { head: "invalid_dns_cname", tail: None, on: |kind| kind == Kind::Dcv, verdict: Verdict::Rejected },
    Rule { head: "file_random_value_not_found", tail: None, on: |kind| kind == Kind::Dcv, verdict: Verdict::Rejected },
    // Met by other clients.
    Rule { head: "order_already_revoked", tail: None, on: |kind| kind == Kind::Revoke, verdict: Verdict::Rejected },
    Rule { head: "order_is_revoked", tail: None, on: |kind| kind == Kind::Revoke, verdict: Verdict::Rejected },
    Rule {
        head: "certificate_already_revoked",
        tail: None,
        on: |kind| kind == Kind::Revoke,
        verdict: Verdict::Rejected,
    },
    // What another client takes as proof that no renewal was placed, before it orders anew.
    Rule {
        head: "order_not_eligible_for_renewal",
        tail: None,
        on: |kind| kind == Kind::Order,
        verdict: Verdict::Rejected,
    },
];

const UNKNOWN_ORGANIZATION: Verdict = Verdict::Blocked {
    code: "unknown_organization",
    action: "Choose the id of an organization that CertCentral lists under Certificates > Organizations",
};

/// `presentable` shortens the provider's words and takes secrets out.
pub(super) fn classify(refusal: &Refusal, presentable: impl Fn(&str) -> String) -> CallError {
    let Refusal { endpoint, status, retry_after, body } = refusal;
    let call = endpoint.name;
    let said = vendor_errors(body);
    let limited = said.iter().any(|error| error.head() == "request_limit_exceeded");
    if (limited && status.is_client_error()) || (said.is_empty() && *status == StatusCode::TOO_MANY_REQUESTS) {
        return CallError::RateLimited { call, after: *retry_after };
    }
    let certain = said.iter().filter(|_| status.is_client_error()).find_map(|error| {
        let rule = RULES.iter().find(|rule| rule.matches(error, endpoint.kind))?;
        Some((error, &rule.verdict))
    });
    if let Some((error, verdict)) = certain {
        return match *verdict {
            Verdict::Rejected => {
                CallError::Rejected { call, code: presentable(&error.code), message: presentable(&error.message) }
            }
            Verdict::Blocked { code, action } => blocked(call, code, presentable(&error.text()), action),
        };
    }
    // A proxy may ask for a login as well; for a call that leaves nothing behind the reaction is the same.
    if *status == StatusCode::UNAUTHORIZED && (!said.is_empty() || !endpoint.kind.submits()) {
        let message = said.first().map_or_else(|| status.to_string(), |error| presentable(&error.text()));
        let Verdict::Blocked { code, action } = BAD_KEY else { unreachable!("a bad key blocks") };
        return blocked(call, code, message, action);
    }
    let words = said.first().map_or_else(|| "no error code of CertCentral".into(), VendorError::text);
    CallError::Ambiguous { call, message: presentable(&format!("{status}: {words}")) }
}

fn blocked(call: &'static str, code: &str, message: String, action: &str) -> CallError {
    CallError::Blocked { call, code: code.into(), message, action: action.into() }
}

impl Rule {
    fn matches(&self, error: &VendorError, kind: Kind) -> bool {
        (self.on)(kind) && self.head == error.head() && self.tail.is_none_or(|tail| error.tail() == Some(tail))
    }
}

/// *Check DCV*: the value is not there yet, or another one is.
pub(super) fn not_seen_yet(code: &str) -> bool {
    ["invalid_dns_txt", "invalid_dns_cname", "file_random_value_not_found"].iter().any(|head| code.starts_with(head))
}

pub(super) fn already_revoked(code: &str) -> bool {
    code.contains("already_revoked") || code.contains("is_revoked")
}

/// Nothing was sent: what should be an id would have changed the path.
pub(super) fn bad_id(call: &'static str) -> CallError {
    CallError::Rejected { call, code: "invalid_id".into(), message: "not an id of CertCentral".into() }
}
