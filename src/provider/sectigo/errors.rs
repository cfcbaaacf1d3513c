//! What SCM's refusals prove.
//!
//! "Certificate Manager REST API", *Errors*: `{"code": <number>, "description": "…"}`, mostly with 400. A number stands
//! for unrelated things in different places, so it counts together with the call. A proxy can answer 4xx too, so a
//! status alone proves nothing.

use reqwest::StatusCode;
use serde_json::Value;

use super::endpoints::{Endpoint, Kind, TOKEN};
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
    let said = vendor_error(body);
    if said.is_none() && *status == StatusCode::TOO_MANY_REQUESTS {
        return CallError::RateLimited { call, after: *retry_after };
    }
    let rule = said.as_ref().filter(|_| status.is_client_error()).and_then(|(code, description)| {
        let rule = RULES.iter().find(|rule| rule.codes.contains(code) && (rule.on)(endpoint.kind))?;
        Some((&rule.verdict, code.to_string(), presentable(description)))
    });
    match rule {
        Some((Verdict::Rejected, code, message)) => return CallError::Rejected { call, code, message },
        Some((Verdict::Blocked(block), code, message)) => return block.error(call, format!("{code}: {message}")),
        None => {}
    }
    // A proxy may ask for a login as well; for a call that leaves nothing behind the reaction is the same.
    if *status == StatusCode::UNAUTHORIZED && (said.is_some() || !endpoint.kind.submits()) {
        let message = said.map_or_else(|| status.to_string(), |(code, text)| format!("{code}: {text}"));
        return BAD_CREDENTIALS.error(call, presentable(&message));
    }
    let words = match said {
        Some((code, description)) => format!("{code}: {description}"),
        None => String::from_utf8_lossy(body.get(..body.len().min(1024)).unwrap_or_default()).into_owned(),
    };
    CallError::Ambiguous { call, message: presentable(&format!("{status}: {words}")) }
}

/// A code of SCM is about what was asked, unless it is about the credentials or says that SCM itself is not well;
/// anybody may have made the rest.
pub(super) fn tells(refusal: &Refusal, error: &CallError) -> Health {
    let said = vendor_error(&refusal.body).filter(|_| refusal.status.is_client_error());
    match error {
        CallError::RateLimited { .. } => Health::Untold,
        _ if BAD_CREDENTIALS.is(error) => Health::Fails,
        _ if said.is_some_and(|(code, _)| !UNWELL.contains(&code)) => Health::Serves,
        _ => Health::Fails,
    }
}

/// "Unknown error", "Internal error" and the like, "Connection error while applying certificate", "CA is not available
/// now" ("Certificate Manager 25.5 REST API", *Errors*).
const UNWELL: &[i64] = &[-1, -2, -14, -65, -129, -195];

/// RFC 6749 §5.2. The API was not called, so nothing is in doubt.
pub(super) fn classify_token(refusal: &Refusal, presentable: impl Fn(&str) -> String) -> CallError {
    let Refusal { status, retry_after, body, .. } = refusal;
    let error: Value = serde_json::from_slice(body).unwrap_or_default();
    let word = error.get("error").and_then(Value::as_str);
    match word {
        _ if *status == StatusCode::TOO_MANY_REQUESTS => {
            CallError::RateLimited { call: TOKEN.name, after: *retry_after }
        }
        Some("invalid_client" | "unauthorized_client" | "invalid_grant" | "unsupported_grant_type") => {
            let details = error.get("error_description").and_then(Value::as_str).unwrap_or_default();
            BAD_CREDENTIALS.error(TOKEN.name, presentable(&format!("{} {details}", word.unwrap_or_default())))
        }
        _ if *status == StatusCode::UNAUTHORIZED => BAD_CREDENTIALS.error(TOKEN.name, status.to_string()),
        _ => TOKEN.not_sent(presentable(&format!("{status}: {}", word.unwrap_or("no error of OAuth 2.0")))),
    }
}

/// Code and description of a body of the documented shape; the code may come as text.
fn vendor_error(body: &[u8]) -> Option<(i64, String)> {
    let error: Value = serde_json::from_slice(body).ok()?;
    let code = match error.get("code")? {
        Value::Number(code) => code.as_i64()?,
        Value::String(code) => code.trim().parse().ok()?,
        _ => return None,
    };
    let description = error.get("description").and_then(Value::as_str).unwrap_or_default();
    Some((code, description.to_owned()))
}

/// Nothing was sent: what should be an id would have changed the path.
pub(super) fn bad_id(call: &'static str) -> CallError {
    CallError::Rejected { call, code: "invalid_id".into(), message: "not an id of SCM".into() }
}

/// Among the certain codes of *Collect*: there is nothing to collect yet. -183 is also said of what never will be;
/// its status tells (*Collect*, and clients that have met 0 and -183).
pub(super) fn not_collectable(code: &str) -> bool {
    matches!(code, "0" | "-103" | "-109" | "-183" | "-1400")
}

/// Among the certain codes of *Revoke*.
pub(super) fn already_revoked(code: &str) -> bool {
    code == "-159"
}

/// -102, "Only issued certificates could be revoked": revoked ones are not issued any more.
pub(super) fn not_issued(code: &str) -> bool {
    code == "-102"
}

/// Among the certain codes of the validation calls.
pub(super) fn not_validated_yet(code: &str) -> bool {
    code == "-1603"
}

pub(super) fn unknown_organization(call: &'static str, message: String) -> CallError {
    UNKNOWN_ORGANIZATION.error(call, message)
}

pub(super) fn profile(call: &'static str, message: String) -> CallError {
    PROFILE.error(call, message)
}

pub(super) fn custom_field(call: &'static str, message: String) -> CallError {
    CUSTOM_FIELD.error(call, message)
}

pub(super) fn csr(call: &'static str, message: String) -> CallError {
    CSR.error(call, message)
}

pub(super) fn domain(call: &'static str, message: String) -> CallError {
    DOMAIN.error(call, message)
}

/// Nothing there for this admin, or nothing he may see.
pub(super) fn is_missing_permission(error: &CallError) -> bool {
    MISSING_PERMISSION.is(error)
}

/// Codes that are certain for some calls.
struct Rule {
    codes: &'static [i64],
    on: fn(Kind) -> bool,
    verdict: Verdict,
}

enum Verdict {
    Rejected,
    Blocked(Block),
}

/// All from *Errors* of "Certificate Manager 25.5 REST API", whose words follow. First match counts.
///
/// Left out on purpose, since a certificate may have been asked for all the same: -1, -2, -14 and -65 (unknown and
/// internal errors), -129 ("Connection error while applying certificate"), -195 ("CA is not available now"), -105
/// ("Error was occurred while renewing cert"), -130 ("SSL state is not ISSUED": perhaps our own replacement is under
/// way), -140 and -196 (temporarily unavailable).
static RULES: &[Rule] = &[
    // "Access denied": what the profile lets nobody do, or not this admin. "This SSL Certificate Profile doesn't allow renew".
    // "Replace is forbidden for autoinstalled certificates".
    rule(&[-37, -180], |kind| kind == Kind::Renew, Verdict::Rejected),
    rule(&[-37, -1148], |kind| kind == Kind::Replace, Verdict::Rejected),
    // "Unknown user", "Incorrect login credentials".
    rule(&[-16, -970], any, Verdict::Blocked(BAD_CREDENTIALS)),
    // "You are not authorized to perform", "… to execute", "Access denied", "… do not have privileges required".
    rule(&[-3, -25, -37, -226, -738], any, Verdict::Blocked(MISSING_PERMISSION)),
    // Nothing to collect yet; "… has been revoked and cannot be downloaded"; "Unsupported certificate format".
    rule(&[0, -103, -109, -183, -1400, -110, -126, -1450], |kind| kind == Kind::Collect, Verdict::Rejected),
    // "Cannot parse message body", which a client has met; "… is required", "… has invalid value".
    rule(&[-1002, -7, -951, -1601], any, Verdict::Rejected),
    // The CSR is not valid, not decodable, of a bad algorithm, a bad size, or of a kind that is not allowed.
    rule(&[-9, -10, -11, -13, -78, -138, -141, -170, -194, -1138], Kind::submits, Verdict::Rejected),
    rule(&[-9, -10, -11, -13, -78, -138, -141, -170, -194, -1138], updates, Verdict::Rejected),
    // "The validity period (term) is invalid …", "The certificate profile id is invalid", "No certificate profile found".
    rule(&[-36, -39, -111], Kind::submits, Verdict::Rejected),
    // "Missing mandatory custom field".
    rule(&[-62], Kind::submits, Verdict::Rejected),
    // "SSL Certificate to renew is invalid", "Wrong SSL certificate id", "The SSL is null".
    rule(&[-123, -124, -1104, -1117, -5101], any, Verdict::Rejected),
    // "Domain is not allowed", "… is inactive", "… does not exist".
    rule(&[-1010, -715, -727], any, Verdict::Blocked(DOMAIN)),
    // "Domain Control Validation is either incomplete or expired", "… are not validated", "… have not been validated".
    rule(&[-107, -737, -1137], Kind::submits, Verdict::Blocked(UNVALIDATED_DOMAIN)),
    // "… due to … validation status of the selected organization", "… cannot be performed for Organization".
    rule(&[-843, -1021], any, Verdict::Blocked(UNVALIDATED_ORGANIZATION)),
    // "Organization not found", "Supplied orgid invalid".
    rule(&[-1023, -639], any, Verdict::Blocked(UNKNOWN_ORGANIZATION)),
    // "Only issued certificates could be revoked", "Your certificate already revoked".
    rule(&[-102, -159], |kind| kind == Kind::Revoke, Verdict::Rejected),
    // "Certificate can't be approved cause it has state", "… is not ready to be applied".
    rule(&[-1112, -1113, -1140], |kind| kind == Kind::Decide, Verdict::Rejected),
    // "… was modified or deleted by another user".
    rule(&[-3114, -3115], |kind| matches!(kind, Kind::Update | Kind::Record), Verdict::Rejected),
    // "DCV is not enabled for this customer"; "Error while validating the domain"; "Only high-level domains can be validated".
    rule(&[-1608, -1603, -723, -724, -732], |kind| kind == Kind::Dcv, Verdict::Rejected),
];

const BAD_CREDENTIALS: Block = Block {
    code: "bad_credentials",
    action: "Put a login and password, or a client id and secret, that SCM takes into the issuer's Secret; a new \
             account has to set its first password in SCM itself",
};
const MISSING_PERMISSION: Block = Block {
    code: "missing_permission",
    action: "In SCM, give the API admin a role for the organization with the SSL privileges, and enable the Web API in \
             the organization's SSL settings",
};
const UNKNOWN_ORGANIZATION: Block = Block {
    code: "unknown_organization",
    action: "Choose the id of an organization or department that SCM lists under Organizations for this admin",
};
const PROFILE: Block = Block {
    code: "unknown_product",
    action: "Choose profile, term and key type that SCM lists under Certificate Profiles for this organization",
};
const CUSTOM_FIELD: Block = Block {
    code: "custom_field",
    action: "Set the custom fields that SCM asks for with SSL certificates, by their names, on the issuer or Certificate",
};
const CSR: Block = Block {
    code: "csr_names",
    action: "Make the CSR for names of the Certificate alone, or add its names to the Certificate's dnsNames",
};
const DOMAIN: Block = Block {
    code: "unknown_domain",
    action: "In SCM under Domains, add the domain, activate it and delegate it to the organization for SSL",
};
const UNVALIDATED_DOMAIN: Block =
    Block { code: "unvalidated_domain", action: "Have the domain validated, in SCM under Domains or by this issuer" };
const UNVALIDATED_ORGANIZATION: Block = Block {
    code: "unvalidated_organization",
    action: "Have the organization validated: SCM shows its status under Organizations",
};

const fn rule(codes: &'static [i64], on: fn(Kind) -> bool, verdict: Verdict) -> Rule {
    Rule { codes, on, verdict }
}

fn any(_: Kind) -> bool {
    true
}

fn updates(kind: Kind) -> bool {
    kind == Kind::Update
}
