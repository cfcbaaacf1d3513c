//! What an earlier submission may have left. No call of SCM finds comments, CSRs or keys: certificates are listed by name
//! and reported by time, their details tell the mark, and what *Collect* returns tells the key. A look that may have missed
//! something is an error, never `Absent`.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::certificates::Filter;
use super::endpoints::{DETAILS, LIST};
use super::progress::order_facts;
use super::report::{ReportDate, ReportQuery};
use super::submission::{carries, key_in};
use super::wire::{Details, ReportRow, Row, Status, date};
use super::{Sectigo, collect};
use crate::provider::{Accepted, CallError, Found, Operation, OrderFacts, Wanted};

/// Dates are days, of whatever time zone.
const SKEW: SignedDuration = SignedDuration::from_hours(24);
/// Details read in one look.
const MOST_CANDIDATES: usize = 40;

impl Sectigo {
    pub(super) async fn look_for(&self, wanted: &Wanted) -> Result<Found, CallError> {
        match &wanted.operation {
            Operation::Order => self.enrollment_of(wanted).await,
            Operation::Renew { order_id } => self.renewal_of(wanted, order_id).await,
            Operation::Reissue { order_id } => self.replacement_of(wanted, order_id).await,
            Operation::Amend { order_id } => self.amendment_of(wanted, order_id).await,
            Operation::Duplicate { .. } => Ok(Found::Absent),
        }
    }

    /// By its mark. A renewal may have inherited it: the oldest counts.
    async fn enrollment_of(&self, wanted: &Wanted) -> Result<Found, CallError> {
        let mut marked = self.candidates(wanted).await?;
        marked.retain(|(_, details)| is_marked(details, wanted));
        let mut other = None;
        for (id, details) in marked.into_iter().rev() {
            match self.key_is_ours(&id, &details, wanted).await? {
                // Without a key shown, the mark that only we could have made speaks for itself.
                Some(true) | None => return Ok(Found::Ours(accepted(id))),
                Some(false) => other = other.or(Some(id)),
            }
        }
        Ok(other.map_or(Found::Absent, |id| Found::OtherKey(accepted(id))))
    }

    /// It carries nothing of ours but the key, which shows once it is issued. What is pending is ours when only ours can
    /// have been asked for: the old certificate is marked as renewed, and there is one for it.
    async fn renewal_of(&self, wanted: &Wanted, renewed: &str) -> Result<Found, CallError> {
        let old = self.details(renewed).await?;
        let candidates = self.candidates(wanted).await?;
        let mut pending = Vec::new();
        for (id, details) in candidates.into_iter().filter(|(id, _)| id != renewed) {
            match self.key_is_ours(&id, &details, wanted).await? {
                Some(true) => return Ok(Found::Ours(accepted(id))),
                None if could_renew(&details, &old) => pending.push(id),
                None | Some(false) => {}
            }
        }
        let unclear = |what: String| CallError::Blocked {
            call: LIST.name,
            code: "renewal_unclear".into(),
            message: what,
            action: format!("Look at certificate {renewed} in SCM, and for the one that renews it"),
        };
        match (pending.as_slice(), old.renewed) {
            ([only], true) => Ok(Found::Ours(accepted(only.clone()))),
            ([], false) => Ok(Found::Absent),
            ([], true) => Err(unclear(format!("{renewed} is marked as renewed, by no certificate for our key"))),
            (some, _) => {
                Err(unclear(format!("{} may be the renewal of {renewed} and shows no key yet", some.join(", "))))
            }
        }
    }

    /// The record keeps its id. While one replacement is under way there is no other: whose it was shows with its key.
    async fn replacement_of(&self, wanted: &Wanted, order_id: &str) -> Result<Found, CallError> {
        let details = self.details(order_id).await?;
        let status = details.status();
        let key = self.key_is_ours(order_id, &details, wanted).await?;
        let facts = order_facts(details, order_id, None);
        match (key, status) {
            (Some(true), _) => Ok(Found::Ours(accepted(order_id.to_owned()))),
            (Some(false), _) => Ok(Found::Absent),
            (None, Status::Issued | Status::Replaced) => Ok(Found::Ours(accepted(order_id.to_owned()))),
            (None, _) if facts.pending => Ok(Found::Ours(accepted(order_id.to_owned()))),
            (None, Status::Unknown) => Err(DETAILS.ambiguous("the certificate has a status that is not known")),
            (None, _) => Ok(Found::Absent),
        }
    }

    /// CSR and mark go into the record by one call.
    async fn amendment_of(&self, wanted: &Wanted, order_id: &str) -> Result<Found, CallError> {
        let marked = is_marked(&self.details(order_id).await?, wanted);
        Ok(if marked { Found::Ours(accepted(order_id.to_owned())) } else { Found::Absent })
    }

    /// `None`: no key to be seen, yet or any more.
    async fn key_is_ours(&self, id: &str, details: &Details, wanted: &Wanted) -> Result<Option<bool>, CallError> {
        if !matches!(details.status(), Status::Issued | Status::Replaced) {
            return Ok(None);
        }
        let pem = self.collected(id).await?;
        Ok(pem.map(|pem| collect::ours(&pem, &wanted.public_key_sha256, &wanted.earlier).is_some()))
    }

    /// Certificates that may have been asked for since the intent, newest first: by the list, which shows neither dates
    /// nor comments, and by the report, which this admin may lack and which may lag.
    async fn candidates(&self, wanted: &Wanted) -> Result<Vec<(String, Details)>, CallError> {
        let horizon = wanted.since.checked_sub(SKEW).unwrap_or(Timestamp::MIN);
        let first_day = horizon.to_zoned(TimeZone::UTC).date();
        let by_name = Filter { common_name: Some(wanted.common_name.clone()), ..Filter::default() };
        let mut ids = ids_of(self.list(&by_name).await?, |row| named(row, &wanted.common_name))?;
        let address = wanted.external_requester.as_ref().filter(|address| address.contains(&wanted.idempotency_key));
        if let Some(address) = address {
            let by_requester = Filter { external_requester: Some(address.clone()), ..Filter::default() };
            ids.extend(ids_of(self.list(&by_requester).await?, |_| true)?);
        }
        ids.extend(self.reported(wanted, horizon).await?);
        let mut ids: Vec<String> = ids.into_iter().collect();
        ids.sort_by_key(|id| Reverse((id.len(), id.clone())));
        let mut candidates: Vec<(String, Details)> = Vec::new();
        let mut last_day = Date::MAX;
        for id in ids {
            if candidates.len() >= MOST_CANDIDATES {
                return Err(DETAILS.ambiguous("more certificates match than are looked through"));
            }
            let details = self.details(&id).await?;
            let day = details.requested.as_deref().and_then(date).unwrap_or(Date::MAX);
            // Ids grow with time, as far as has been seen: what comes after is older still.
            let old = day < first_day && day <= last_day;
            last_day = last_day.min(day);
            if old {
                break;
            }
            candidates.push((id, details));
        }
        candidates.retain(|(_, details)| {
            details.requested.as_deref().and_then(date).is_none_or(|requested| requested >= first_day)
        });
        Ok(candidates)
    }

    async fn reported(&self, wanted: &Wanted, horizon: Timestamp) -> Result<Vec<String>, CallError> {
        let query = ReportQuery {
            from: Some(horizon),
            by: Some(ReportDate::Requested),
            common_name: Some(wanted.common_name.clone()),
            ..ReportQuery::default()
        };
        let rows = match self.report(&query).await {
            Ok(rows) => rows,
            // Reports are a privilege of their own; the list was looked through whole.
            Err(CallError::Rejected { .. } | CallError::Blocked { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let same = |row: &ReportRow| {
            row.common_name.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(&wanted.common_name))
        };
        Ok(rows.into_iter().filter(same).filter_map(|row| row.id).collect())
    }

    /// Certificates that are issued and have exactly these names.
    pub(super) async fn issued_for(&self, names: &BTreeSet<String>) -> Result<Vec<OrderFacts>, CallError> {
        let Some(name) = names.first() else { return Ok(Vec::new()) };
        let status = Some("Issued".to_owned());
        let by_common_name = Filter { common_name: Some(name.clone()), status: status.clone(), ..Filter::default() };
        let by_other_name = Filter { subject_alternative_name: Some(name.clone()), status, ..Filter::default() };
        let may_have = |row: &Row| row.subject_alternative_names.is_empty() || names_of(row) == *names;
        let mut ids = ids_of(self.list(&by_common_name).await?, may_have)?;
        ids.extend(ids_of(self.list(&by_other_name).await?, may_have)?);
        if ids.len() > MOST_CANDIDATES {
            return Err(LIST.ambiguous("more certificates match than are looked through"));
        }
        let mut orders = Vec::new();
        for id in ids {
            let details = self.details(&id).await?;
            if details.status() == Status::Issued && details.names() == *names {
                orders.push(self.facts_of(&id).await?);
            }
        }
        Ok(orders)
    }
}

/// A row without an id cannot be looked at.
fn ids_of(rows: Vec<Row>, wanted: impl Fn(&Row) -> bool) -> Result<BTreeSet<String>, CallError> {
    let ids = rows.into_iter().filter(|row| wanted(row)).map(|row| row.ssl_id);
    ids.collect::<Option<_>>().ok_or_else(|| LIST.ambiguous("a certificate of the list has no id"))
}

/// A row that does not show its name is looked at.
fn named(row: &Row, common_name: &str) -> bool {
    row.common_name.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(common_name))
}

fn names_of(row: &Row) -> BTreeSet<String> {
    row.subject_alternative_names.iter().chain(&row.common_name).map(|name| name.to_ascii_lowercase()).collect()
}

fn is_marked(details: &Details, wanted: &Wanted) -> bool {
    let requester = details.external_requester.as_deref();
    carries(details.comments.as_deref(), &wanted.idempotency_key)
        || requester.is_some_and(|requester| requester.contains(&wanted.idempotency_key))
}

/// "Parameters of the initial certificate" (*Renew*); a mark of its own shows an enrollment.
fn could_renew(details: &Details, old: &Details) -> bool {
    let ended = matches!(details.status(), Status::Revoked | Status::Expired);
    let mark = key_in(details.comments.as_deref());
    !ended
        && details.names() == old.names()
        && (details.cert_type.id.is_none() || details.cert_type.id == old.cert_type.id)
        && (details.org_id.is_none() || details.org_id == old.org_id)
        && (mark.is_none() || mark == key_in(old.comments.as_deref()))
}

fn accepted(order_id: String) -> Accepted {
    Accepted { order_id, ..Accepted::default() }
}
