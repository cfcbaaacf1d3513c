//! What CertCentral's refusals prove.
//!
//! CertCentral Services API, *Errors*: `{"errors":[{"code":"…","message":"…"}]}` with a 4xx. A code may have a tail
//! after `|` or `:` (`not_found|order`). A proxy can answer 4xx too, so a status alone proves nothing.

use reqwest::StatusCode;

use super::endpoints::{Endpoint, Kind};
use super::wire::{VendorError, vendor_errors};
use crate::provider::error::Block;
use crate::provider::transport::Refusal;
use crate::provider::{CallError, Health};

/// `presentable` shortens the provider's words and takes secrets out.
pub(super) fn classify(
    endpoint: &'static Endpoint,
    refusal: &Refusal,
    presentable: impl Fn(&str) -> String,
) -> CallError {
    let Refusal { status, retry_after, body, .. } = refusal;
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
        return match verdict {
            Verdict::Rejected => {
                CallError::Rejected { call, code: presentable(&error.code), message: presentable(&error.message) }
            }
            Verdict::Blocked(block) => block.error(call, presentable(&error.text())),
        };
    }
    // A proxy may ask for a login as well; for a call that leaves nothing behind the reaction is the same.
    if *status == StatusCode::UNAUTHORIZED && (!said.is_empty() || !endpoint.kind.submits()) {
        let message = said.first().map_or_else(|| status.to_string(), |error| presentable(&error.text()));
        return BAD_API_KEY.error(call, message);
    }
    let words = said.first().map_or_else(|| "no error code of CertCentral".into(), VendorError::text);
    CallError::Ambiguous { call, message: presentable(&format!("{status}: {words}")) }
}

/// A code of CertCentral is about what was asked, unless it is about the key; anybody may have made the rest.
pub(super) fn tells(refusal: &Refusal, error: &CallError) -> Health {
    let its_own = refusal.status.is_client_error() && !vendor_errors(&refusal.body).is_empty();
    match error {
        CallError::RateLimited { .. } => Health::Untold,
        _ if BAD_API_KEY.is(error) => Health::Fails,
        _ if its_own => Health::Serves,
        _ => Health::Fails,
    }
}

/// For a key that shows by itself that it cannot order.
pub(super) fn missing_permission(call: &'static str, message: &str) -> CallError {
    MISSING_PERMISSION.error(call, message.into())
}

pub(super) fn is_missing_permission(error: &CallError) -> bool {
    MISSING_PERMISSION.is(error)
}

/// Among the certain codes of *Check DCV*.
pub(super) fn not_seen_yet(code: &str) -> bool {
    ["invalid_dns_txt", "invalid_dns_cname", "file_random_value_not_found"].iter().any(|head| code.starts_with(head))
}

/// Among the certain codes of *Revoke certificate*.
pub(super) fn already_revoked(code: &str) -> bool {
    code.contains("already_revoked") || code.contains("is_revoked")
}

/// Nothing was sent: what should be an id would have changed the path.
pub(super) fn bad_id(call: &'static str) -> CallError {
    CallError::Rejected { call, code: "invalid_id".into(), message: "not an id of CertCentral".into() }
}

/// A code that is certain for some calls.
struct Rule {
    /// Without a tail: whatever tail there is.
    code: &'static str,
    on: fn(Kind) -> bool,
    verdict: Verdict,
}

enum Verdict {
    Rejected,
    Blocked(Block),
}

/// First match counts. Left out on purpose, since an order may exist all the same: `order_renewed_already` (perhaps by
/// us), `caa_check_failed`, `access_denied|invalid_approver` (the order then waits for a person).
static RULES: &[Rule] = &[
    // Seen with a wrong key, with 403.
    rule("access_denied|access_denied_invalid_key", any, Verdict::Blocked(BAD_API_KEY)),
    rule("access_denied_invalid_key", any, Verdict::Blocked(BAD_API_KEY)),
    // *Errors*, 403 and 404.
    rule("access_denied|missing_permission", any, Verdict::Blocked(MISSING_PERMISSION)),
    rule("not_found|route", any, Verdict::Blocked(WRONG_URL)),
    rule("not_found|product", any, Verdict::Blocked(UNKNOWN_PRODUCT)),
    rule("not_found|organization", any, Verdict::Blocked(UNKNOWN_ORGANIZATION)),
    rule("not_found", |kind| kind == Kind::ReadOrganization, Verdict::Blocked(UNKNOWN_ORGANIZATION)),
    rule("not_found", any, Verdict::Rejected),
    // *Errors*, 400.
    rule("bad_request_format", any, Verdict::Rejected),
    rule("csr_invalid_cannot_parse", Kind::submits, Verdict::Rejected),
    rule("cert_validity_exceeds_order_validity", Kind::submits, Verdict::Rejected),
    // *End of 4-6-year Multi-year Plans*, 400.
    rule("invalid_value", Kind::submits, Verdict::Rejected),
    // What another client takes as proof that no renewal was placed.
    rule("order_not_eligible_for_renewal", |kind| kind == Kind::Order, Verdict::Rejected),
    // *Check DCV*, 400: the value is not there yet, or another one is.
    rule("invalid_dns_txt", |kind| kind == Kind::Dcv, Verdict::Rejected),
    rule("invalid_dns_cname", |kind| kind == Kind::Dcv, Verdict::Rejected),
    rule("file_random_value_not_found", |kind| kind == Kind::Dcv, Verdict::Rejected),
    // What other clients take as done.
    rule("certificate_already_revoked", |kind| kind == Kind::Revoke, Verdict::Rejected),
    rule("order_already_revoked", |kind| kind == Kind::Revoke, Verdict::Rejected),
    rule("order_is_revoked", |kind| kind == Kind::Revoke, Verdict::Rejected),
];

const BAD_API_KEY: Block = Block {
    code: "bad_api_key",
    action: "Create an API key in CertCentral under Automation > API keys and put it into the issuer's Secret",
};
const MISSING_PERMISSION: Block = Block {
    code: "missing_permission",
    action: "In CertCentral under Automation > API keys, give the key the restriction \"Orders, Domains, Organizations\" \
             or none, and its user an administrator role",
};
const WRONG_URL: Block =
    Block { code: "wrong_url", action: "Check the issuer's URL: CertCentral's ends in /services/v2" };
const UNKNOWN_PRODUCT: Block = Block {
    code: "unknown_product",
    action: "Choose a product that CertCentral lists under Settings > Product settings, or have it enabled",
};
const UNKNOWN_ORGANIZATION: Block = Block {
    code: "unknown_organization",
    action: "Choose the id of an organization that CertCentral lists under Certificates > Organizations",
};

const fn rule(code: &'static str, on: fn(Kind) -> bool, verdict: Verdict) -> Rule {
    Rule { code, on, verdict }
}

fn any(_: Kind) -> bool {
    true
}

impl Rule {
    fn matches(&self, error: &VendorError, kind: Kind) -> bool {
        let same = match self.code.split_once('|') {
            Some((head, tail)) => head == error.head() && Some(tail) == error.tail(),
            None => self.code == error.head(),
        };
        same && (self.on)(kind)
    }
}
