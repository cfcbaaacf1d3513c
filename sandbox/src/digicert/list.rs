//! Filters, sorting and pages of lists.

use std::cmp::Ordering;

use axum::{
    extract::{FromRequestParts, Query as Pairs},
    http::request::Parts,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{errors::ApiError, lookup, views};
use crate::{
    clock::{end_of, start_of},
    state::{
        World,
        records::{Order, Witness},
    },
};

/// A query string: pairs in the order they came, keys as `filters[status]` or `filters[status][0]`.
pub struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let pairs = Pairs::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Pairs(pairs) = pairs.map_err(|error| ApiError::bad("bad_request_format", error.to_string()))?;
        Ok(Self(pairs))
    }
}

impl Query {
    pub fn get(&self, key: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(name, _)| name == key);
        pair.map(|(_, value)| value.as_str())
    }

    pub fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| value == "1" || value == "true")
    }

    fn number(&self, key: &str) -> Option<usize> {
        self.get(key).and_then(|value| value.parse().ok())
    }

    /// Every filter with the values that satisfy it.
    fn filters(&self) -> Vec<(&str, Vec<&str>)> {
        let mut filters: Vec<(&str, Vec<&str>)> = Vec::new();
        for (key, value) in &self.0 {
            let Some(name) = key.strip_prefix("filters[").and_then(|rest| rest.split(']').next()) else {
                continue;
            };
            match filters.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => filters.push((name, vec![value])),
            }
        }
        filters
    }

    /// One page of `rows`, with the `page` object that is always there.
    pub fn page(&self, name: &str, rows: Vec<Value>) -> Value {
        let limit = self.number("limit").filter(|limit| *limit > 0).unwrap_or(1000).min(1000);
        let offset = self.number("offset").unwrap_or(0);
        let total = rows.len();
        let rows: Vec<Value> = rows.into_iter().skip(offset).take(limit).collect();
        json!({name: rows, "page": {"total": total, "limit": limit, "offset": offset}})
    }
}

/// Whether an order passes every filter of *List orders*. Unknown filters are ignored.
pub fn matches(world: &World, order: &Order, query: &Query) -> bool {
    query.filters().into_iter().all(|(name, values)| values.into_iter().any(|value| passes(world, order, name, value)))
}

fn passes(world: &World, order: &Order, filter: &str, value: &str) -> bool {
    let shown = views::primary(world, order);
    let is = |text: String| text.eq_ignore_ascii_case(value);
    match filter {
        "id" => is(order.id.to_string()),
        // As the vendor's list does, `issued` also finds orders that have expired.
        "status" => match views::order_status(order, world.now()) {
            "expired" => is("expired".into()) || is("issued".into()),
            status => is(status.into()),
        },
        "organization_id" => order.organization.is_some_and(|id| is(id.to_string())),
        "container_id" => is(order.container.unwrap_or(1).to_string()),
        "product_name_id" => is(order.product.clone()),
        "common_name" => shown.is_some_and(|row| is(row.common_name.clone())),
        "domain_name" => {
            lookup::certificates(world, order).any(|row| row.dns_names.iter().any(|name| is(name.clone())))
        }
        "certificate_id" => order.certificates.iter().any(|id| is(id.to_string())),
        "serial_number" => {
            shown.and_then(|row| row.issued.as_ref()).is_some_and(|issued| is(issued.serial_number.clone()))
        }
        "is_renewed" => is(u8::from(order.renewed_by.is_some()).to_string()),
        "disable_renewal_notifications" => is(u8::from(order.disable_renewal_notifications).to_string()),
        "user_id" => is(views::user()["id"].to_string()),
        "email" => views::user()["email"] == value,
        "origin" => is("certcentral".into()),
        "metadata_id" => order.extras.custom_fields.iter().any(|field| is(field["metadata_id"].to_string())),
        "date_created" => in_range(order.created, value),
        "valid_till" => {
            shown.and_then(|row| row.issued.as_ref()).is_some_and(|issued| in_range(end_of(issued.valid_till), value))
        }
        "search" => shown.is_some_and(|row| like(&row.common_name, value)),
        _ => true,
    }
}

/// `a...b`, `>d`, `<d`, or one day.
fn in_range(at: Timestamp, range: &str) -> bool {
    if let Some((from, to)) = range.split_once("...") {
        return moment(from, start_of).is_none_or(|from| from <= at) && moment(to, end_of).is_none_or(|to| at <= to);
    }
    match range.split_at_checked(1) {
        Some((">", from)) => moment(from, end_of).is_none_or(|from| from < at),
        Some(("<", to)) => moment(to, start_of).is_none_or(|to| at < to),
        _ => moment(range, start_of).zip(moment(range, end_of)).is_none_or(|(from, to)| from <= at && at <= to),
    }
}

/// A moment, or the edge of a day.
fn moment(text: &str, edge: fn(jiff::civil::Date) -> Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    let exact = text.replace(' ', "T").parse().ok();
    exact.or_else(|| text.get(..10)?.parse().ok().map(edge))
}

/// `%` stands for anything.
fn like(text: &str, pattern: &str) -> bool {
    let pattern = pattern.to_lowercase();
    let mut parts = pattern.split('%');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    match last {
        None => rest.is_empty(),
        Some(part) => text.ends_with(part),
    }
}

/// `sort=a,-b`: by these fields of a row or of its certificate.
pub fn sort(rows: &mut [Value], query: &Query) {
    let Some(keys) = query.get("sort").filter(|keys| !keys.is_empty()) else {
        return;
    };
    rows.sort_by(|a, b| {
        let orders = keys.split(',').map(|key| {
            let name = key.trim_start_matches(['-', '+']);
            let order = compare(field(a, name), field(b, name));
            if key.starts_with('-') { order.reverse() } else { order }
        });
        orders.fold(Ordering::Equal, Ordering::then)
    });
}

fn field<'a>(row: &'a Value, name: &str) -> &'a Value {
    let name = if name == "order_id" { "id" } else { name };
    row.get(name).or_else(|| row["certificate"].get(name)).unwrap_or(&Value::Null)
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.to_string().cmp(&b.to_string()),
    }
}

/// `minutes` and `seconds`, together seven days at most, or `filters[status_last_updated]=from...to`.
pub fn change_window(query: &Query, now: Timestamp) -> Result<(Timestamp, Timestamp), ApiError> {
    let filters = query.filters();
    let updated = filters.iter().find(|(name, _)| *name == "status_last_updated");
    if let Some((_, values)) = updated {
        let range = values.first().and_then(|value| value.split_once("..."));
        let window = range.and_then(|(from, to)| Some((moment(from, start_of)?, moment(to, end_of)?)));
        let (from, to) = window.ok_or_else(|| ApiError::invalid("status_last_updated", "from...to is expected."))?;
        if to.duration_since(from) > SignedDuration::from_hours(24 * 8) {
            return Err(too_long());
        }
        return Ok((from, to));
    }
    let number = |key: &str| query.get(key).map(|value| value.parse::<i64>().ok());
    let seconds = match (number("minutes"), number("seconds")) {
        (None, None) => None,
        (minutes, seconds) => minutes
            .unwrap_or(Some(0))
            .zip(seconds.unwrap_or(Some(0)))
            .and_then(|(minutes, seconds)| minutes.checked_mul(60)?.checked_add(seconds)),
    };
    let seconds = seconds
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| ApiError::invalid("minutes", "minutes or seconds are required."))?;
    if seconds > 7 * 86_400 {
        return Err(too_long());
    }
    Ok((now - SignedDuration::from_secs(seconds), now))
}

fn too_long() -> ApiError {
    ApiError::bad("time_frame_too_long", "The time frame is longer than seven days.")
}

/// When the status of an order, or of a certificate of it, last changed.
pub fn changed(world: &World, order: &Order, now: Timestamp) -> Timestamp {
    let expired = order.term.map(|(_, end)| end_of(end)).filter(|end| *end < now);
    let revocations = lookup::certificates(world, order).filter_map(|row| row.revocation.as_ref());
    let revoked = revocations
        .filter(|revocation| revocation.only != Some(Witness::Ca))
        .map(|revocation| revocation.at)
        .filter(|at| *at <= now);
    revoked.chain(expired).fold(order.changed, Timestamp::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(like("www.example.test", "www%"));
        assert!(like("www.example.test", "%example%"));
        assert!(like("www.example.test", "www.example.test"));
        assert!(!like("www.example.test", "www"));
        assert!(!like("www.example.test", "%nothing%"));
        assert!(like("www.example.test", "%.test"));
        assert!(!like("www.example.test", "%example"));
    }

    #[test]
    fn windows() {
        let now = Timestamp::now();
        let window = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
            change_window(&Query(pairs.collect()), now).map_err(|error| error.code)
        };
        assert_eq!(window(&[("minutes", "5")]), Ok((now - SignedDuration::from_mins(5), now)));
        assert_eq!(window(&[("seconds", "604801")]), Err("time_frame_too_long".into()));
        for wrong in [vec![], vec![("minutes", "x")], vec![("minutes", "9223372036854775807")]] {
            assert_eq!(window(&wrong), Err("invalid_value:minutes".into()));
        }
    }
}
