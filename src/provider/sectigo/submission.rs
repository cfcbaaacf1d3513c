//! What asks for a certificate: *Request SSL certificate*, *Renew SSL certificate by id* and *Replace SSL certificate*.
//!
//! Nothing here is idempotent at SCM, and no duplicate is refused. An enrollment carries its mark in the comments, which
//! stay with the record; a renewal and a replacement take none (*RenewInfo*, *ReplaceRequest*).

use serde_json::{Value, json};
use std::time::{Duration, Instant};

use super::certificates::{Update, custom_fields, object};
use super::client::Call;
use super::endpoints::{ENROLL, Endpoint, RENEW_BY_ID, REPLACE, UPDATE};
use super::wire::Enrolled;
use super::{Sectigo, ValidationModel};
use crate::provider::{Accepted, CallError, DcvMethod, Operation, Permit, Request, Validity};

/// *EnrollRequest*, `comments`.
const LONGEST_COMMENTS: usize = 1024;

impl Sectigo {
    pub(super) async fn submit_once(
        &self,
        request: &Request,
        permit: Permit,
        timeout: Duration,
    ) -> Result<Option<Accepted>, CallError> {
        let (call, kept) = match &request.operation {
            Operation::Order => (Call::new(&ENROLL).json(&self.enrollment(request)?), None),
            Operation::Renew { order_id } => (Call::of(&RENEW_BY_ID, order_id).json(&self.renewal(request)), None),
            Operation::Reissue { order_id } => {
                (Call::of(&REPLACE, order_id).json(&self.replacement(request)), Some(order_id))
            }
            Operation::Amend { order_id } => return self.amend(order_id, request, permit, timeout).await.map(Some),
            Operation::Duplicate { .. } => return Err(refused(&ENROLL, "not_offered", "SCM has no duplicates")),
        };
        let answer = self.client.call_once(call, permit, timeout).await?;
        let accepted = |order_id: String| Some(Accepted { order_id, ..Accepted::default() });
        match (kept, &request.operation) {
            // 204: the record keeps its id. The REST Enrollment API answers a new one.
            (Some(order_id), _) if answer.is_empty() => Ok(accepted(order_id.clone())),
            // Seen as 204 beside the documented 200.
            (None, Operation::Renew { .. }) if answer.is_no_content() => Ok(None),
            (kept, _) => {
                let enrolled: Enrolled = answer.read()?;
                let id = enrolled.ssl_id.or_else(|| kept.cloned());
                Ok(accepted(id.ok_or_else(|| answer.unreadable("the answer names no certificate"))?))
            }
        }
    }

    /// *EnrollRequest*. Names are one text here, and a list in a replacement.
    fn enrollment(&self, request: &Request) -> Result<Value, CallError> {
        let details = &request.details;
        let profile: u64 = request.product.parse().map_err(|_| {
            refused(&ENROLL, "invalid_profile", "the product has to be the number of a certificate profile")
        })?;
        Ok(object([
            ("orgId", Some(json!(request.organization_id.unwrap_or(self.organization_id)))),
            ("certType", Some(json!(profile))),
            ("term", term(request)?.map(Value::from)),
            ("csr", Some(json!(request.csr))),
            ("subjAltNames", Some(json!(request.dns_names.join(",")))),
            ("comments", Some(json!(marked(details.comments.as_deref(), &request.idempotency_key)))),
            ("externalRequester", details.external_requester.clone().map(Value::from)),
            ("customFields", some(&details.named_fields)),
            ("dcvMode", self.dcv_mode(request)),
            ("dcvEmail", self.dcv_email(request)),
        ]))
    }

    /// *RenewInfo*: names, profile, term and organization stay as they are.
    fn renewal(&self, request: &Request) -> Value {
        object([
            ("csr", Some(json!(request.csr))),
            ("dcvMode", self.dcv_mode(request)),
            ("dcvEmail", self.dcv_email(request)),
        ])
    }

    /// *ReplaceRequest*: profile and end stay as they are.
    fn replacement(&self, request: &Request) -> Value {
        let reason = request.details.comments.as_deref().filter(|comments| !comments.is_empty());
        object([
            ("csr", Some(json!(request.csr))),
            ("reason", Some(json!(cut(reason.unwrap_or("Replaced by Evercert"), 512)))),
            ("commonName", Some(json!(request.common_name))),
            ("subjectAlternativeNames", Some(json!(request.dns_names))),
            ("dcvMode", self.dcv_mode(request)),
            ("dcvEmail", self.dcv_email(request)),
        ])
    }

    /// A request that nobody has approved yet, or that was refused, gets another CSR and other names, and keeps its id. The
    /// mark goes with them, in one call: whoever finds it there finds them too.
    async fn amend(
        &self,
        id: &str,
        request: &Request,
        permit: Permit,
        timeout: Duration,
    ) -> Result<Accepted, CallError> {
        let until = Instant::now() + timeout;
        let unread = |error: String| UPDATE.not_sent(error);
        let details = match tokio::time::timeout(timeout, self.details(id)).await {
            Ok(Ok(details)) => details,
            Ok(Err(CallError::Ambiguous { message, .. })) => return Err(unread(message)),
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(unread("its details were not read in time".to_owned())),
        };
        if !details.is_amendable() {
            let status = details.status.unwrap_or_default();
            return Err(refused(&UPDATE, "not_editable", &format!("certificate {id} is {status}")));
        }
        let update = Update {
            csr: Some(request.csr.clone()),
            common_name: Some(request.common_name.clone()),
            subject_alternative_names: Some(request.dns_names.clone()),
            comments: Some(marked(request.details.comments.as_deref(), &request.idempotency_key)),
            ..Update::default()
        };
        let body = update.body(id)?;
        let left = until.saturating_duration_since(Instant::now());
        self.client.call_once(Call::new(&UPDATE).json(&body), permit, left).await?;
        Ok(Accepted { order_id: id.to_owned(), ..Accepted::default() })
    }

    /// "Required in case of disabled DCV pre-validation" (*Enroll*).
    fn dcv_mode(&self, request: &Request) -> Option<Value> {
        (self.validation == ValidationModel::PerCertificate).then(|| json!(dcv_mode(request.dcv_method)))
    }

    /// "Required in case of EMAIL DCV mode".
    fn dcv_email(&self, request: &Request) -> Option<Value> {
        self.dcv_mode(request).filter(|_| request.dcv_method == DcvMethod::Email)?;
        request.details.dcv_email.clone().map(Value::from)
    }
}

pub(super) fn dcv_mode(method: DcvMethod) -> &'static str {
    match method {
        DcvMethod::DnsTxt => "TXT",
        DcvMethod::DnsCname => "CNAME",
        DcvMethod::HttpToken => "HTTP",
        DcvMethod::Email => "EMAIL",
    }
}

/// Days, one of those the profile offers; nothing: SCM decides.
fn term(request: &Request) -> Result<Option<u32>, CallError> {
    match request.validity {
        None => Ok(None),
        Some(Validity::Days(days)) => Ok(Some(days)),
        Some(Validity::Years(_) | Validity::Until(_)) => {
            Err(refused(&ENROLL, "invalid_term", "SCM takes a number of days that the profile offers"))
        }
    }
}

/// Comments that tell this submission from all others.
pub(super) fn marked(comments: Option<&str>, idempotency_key: &str) -> String {
    let mark = mark(idempotency_key);
    match comments.map(str::trim).filter(|comments| !comments.is_empty()) {
        Some(comments) => format!("{} {mark}", cut(comments, LONGEST_COMMENTS - mark.len() - 1)),
        None => mark,
    }
}

fn mark(idempotency_key: &str) -> String {
    format!("evercert:{idempotency_key}")
}

/// Whether comments carry the mark of a submission.
pub(super) fn carries(comments: Option<&str>, idempotency_key: &str) -> bool {
    comments.is_some_and(|comments| comments.contains(&mark(idempotency_key)))
}

/// The idempotency key in comments, by whatever installation.
pub(super) fn key_in(comments: Option<&str>) -> Option<String> {
    let (_, after) = comments?.split_once("evercert:")?;
    let key: String = after.chars().take_while(|letter| letter.is_ascii_hexdigit() || *letter == '-').collect();
    Some(key).filter(|key| key.len() == 36)
}

fn cut(text: &str, most: usize) -> String {
    text.chars()
        .scan(0, |bytes, letter| {
            *bytes += letter.len_utf8();
            (*bytes <= most).then_some(letter)
        })
        .collect()
}

fn some(fields: &[(String, String)]) -> Option<Value> {
    (!fields.is_empty()).then(|| custom_fields(fields))
}

/// Nothing was sent.
fn refused(endpoint: &Endpoint, code: &str, message: &str) -> CallError {
    CallError::Rejected { call: endpoint.name, code: code.into(), message: message.into() }
}

#[cfg(test)]
mod tests;
