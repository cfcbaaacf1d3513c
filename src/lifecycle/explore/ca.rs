//! A CA that issues at once, or once somebody has approved it, refuses no repetition, and may hide for a while what it has
//! accepted.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::{
    api::{IssuanceSpec, issuance::Operation},
    lifecycle::{issuance::is_paid, testing, validity},
    pki::Leaf,
    provider::{Accepted, AutoRenewal, Found, OrderContent, OrderFacts, OrderStatus, Progress},
};

/// The order that exists from the start: 100, with the certificate [`testing::leaf`].
const FIRST: &str = "100";

#[derive(Debug, Clone, Hash, Default)]
pub struct Ca {
    pub accepted: Vec<Op>,
    /// Order 100 exists.
    pub began: bool,
    /// As at Sectigo: an order is one certificate and ends with it, and what renewed it is not told.
    pub single: bool,
    /// An administrator approves what is enrolled: until then it can be amended.
    pub asks: bool,
    /// It will buy a renewal of order 100 by itself.
    pub renews_itself: bool,
    /// As at DNSimple: it makes the keys, is told of nothing that is ours, and issues what was bought when it is told to.
    pub makes_keys: bool,
}

/// One accepted operation; its certificate is issued with it.
#[derive(Debug, Clone, Hash)]
pub struct Op {
    pub operation: Operation,
    pub idempotency_key: String,
    pub public_key: String,
    pub order_id: String,
    pub parent: Option<String>,
    pub names: BTreeSet<String>,
    pub at: Timestamp,
    pub visible: Timestamp,
    pub issued: bool,
    pub approved: bool,
}

impl Ca {
    /// `None`: refused, since it was approved meanwhile.
    pub fn accept(&mut self, spec: &IssuanceSpec, now: Timestamp, lag: SignedDuration) -> Option<Accepted> {
        let parent = spec.parent.as_ref().map(|parent| parent.order_id.clone());
        if spec.operation == Operation::Amend {
            return self.amend(spec, &parent?);
        }
        let order_id = match spec.operation {
            Operation::Reissue | Operation::Duplicate | Operation::Amend => parent.clone().unwrap_or_default(),
            Operation::Order | Operation::Renew | Operation::Adopt | Operation::Collect => {
                format!("{}", 101 + self.accepted.len())
            }
        };
        let made = format!("made-{}", self.accepted.len());
        self.accepted.push(Op {
            operation: spec.operation,
            idempotency_key: spec.idempotency_key.clone(),
            public_key: if self.makes_keys { made } else { spec.request.public_key_sha256.clone() },
            order_id: order_id.clone(),
            parent,
            names: spec.request.dns_names.iter().cloned().collect(),
            at: now,
            visible: now + lag,
            issued: !self.makes_keys,
            approved: !(self.asks && spec.operation == Operation::Order),
        });
        if self.makes_keys {
            return Some(Accepted {
                request_id: Some("purchase".to_owned()),
                ..self.numbered(self.accepted.len() - 1)
            });
        }
        // Issued at once, as the answer shows; found again later it is shown by its order alone.
        let issued = self.accepted.last().filter(|op| op.approved).map(|_| (self.accepted.len() - 1).to_string());
        Some(Accepted { certificate_id: issued, ..testing::accepted(&order_id) })
    }

    /// Key, names and mark take the place of those there were: nothing is bought besides.
    fn amend(&mut self, spec: &IssuanceSpec, order_id: &str) -> Option<Accepted> {
        let op = self.accepted.iter_mut().find(|op| op.order_id == order_id && !op.approved)?;
        op.idempotency_key.clone_from(&spec.idempotency_key);
        op.public_key.clone_from(&spec.request.public_key_sha256);
        op.names = spec.request.dns_names.iter().cloned().collect();
        Some(testing::accepted(order_id))
    }

    /// An administrator approves what waits.
    pub fn approve(&mut self) -> Option<()> {
        self.accepted.iter_mut().find(|op| !op.approved).map(|op| op.approved = true)
    }

    /// An operation that its id alone tells.
    fn numbered(&self, index: usize) -> Accepted {
        let order_id = self.accepted.get(index).map(|op| op.order_id.clone()).unwrap_or_default();
        Accepted { certificate_id: Some(index.to_string()), ..testing::accepted(&order_id) }
    }

    pub fn issue(&mut self, order_id: &str) {
        self.accepted.iter_mut().filter(|op| op.order_id == order_id).for_each(|op| op.issued = true);
    }

    /// Where a purchase stands that has to be issued.
    pub fn stage(&self, order_id: &str, has_request: bool) -> Progress {
        let op = self.accepted.iter().enumerate().find(|(_, op)| op.order_id == order_id);
        match op {
            Some((index, op)) if op.issued => Progress::Issued { certificate_id: index.to_string() },
            Some((_, op)) if op.operation == Operation::Renew && !has_request => {
                Progress::Refused { reason: "its number is lost".to_owned() }
            }
            Some(_) => Progress::Bought,
            None => Progress::Refused { reason: "no such certificate".to_owned() },
        }
    }

    pub fn paid(&self) -> usize {
        self.accepted.iter().filter(|op| is_paid(op.operation)).count()
    }

    /// Whether something accepted is not shown yet.
    pub fn hides(&self, now: Timestamp) -> bool {
        self.accepted.iter().any(|op| op.visible > now)
    }

    fn visible(&self, now: Timestamp) -> impl Iterator<Item = &Op> {
        self.accepted.iter().filter(move |op| op.visible <= now)
    }

    /// As CertCentral is searched: a purchase by its idempotency key or as the renewal of its parent, a reissue or
    /// duplicate by its public key.
    pub fn find(&self, spec: &IssuanceSpec, earlier: &BTreeSet<String>, now: Timestamp) -> Found {
        if self.makes_keys {
            let names: BTreeSet<String> = spec.request.dns_names.iter().cloned().collect();
            let since = spec.submissions.first().map_or(Timestamp::MIN, |first| first.at.0);
            let unknown = |(index, op): &(usize, &Op)| {
                op.visible <= now && op.names == names && op.at >= since && !earlier.contains(&index.to_string())
            };
            let found = self.accepted.iter().enumerate().find(unknown);
            return found.map_or(Found::Absent, |(index, _)| Found::Ours(self.numbered(index)));
        }
        let parent = spec.parent.as_ref().map(|parent| &parent.order_id);
        let key = &spec.request.public_key_sha256;
        let candidates: Vec<&Op> = match spec.operation {
            Operation::Amend => self.visible(now).filter(|op| op.idempotency_key == spec.idempotency_key).collect(),
            Operation::Reissue | Operation::Duplicate => {
                let on_order = |(index, op): &(usize, &Op)| {
                    Some(&op.order_id) == parent && op.public_key == *key && !earlier.contains(&index.to_string())
                };
                let visible = self.accepted.iter().enumerate().filter(|(_, op)| op.visible <= now);
                visible.filter(on_order).map(|(_, op)| op).collect()
            }
            Operation::Order | Operation::Renew | Operation::Adopt | Operation::Collect => {
                let renews =
                    |op: &Op| op.operation == Operation::Renew && op.parent.as_ref() == parent && parent.is_some();
                self.visible(now).filter(|op| op.idempotency_key == spec.idempotency_key || renews(op)).collect()
            }
        };
        match (candidates.iter().find(|op| op.public_key == *key), candidates.first()) {
            (Some(ours), _) => Found::Ours(testing::accepted(&ours.order_id)),
            (None, Some(other)) => Found::OtherKey(testing::accepted(&other.order_id)),
            (None, None) => Found::Absent,
        }
    }

    pub fn progress(&self, order_id: &str, public_key: &str, earlier: &BTreeSet<String>, now: Timestamp) -> Progress {
        let on_order: Vec<(usize, &Op)> =
            self.accepted.iter().enumerate().filter(|(_, op)| op.order_id == order_id).collect();
        let ours = |(index, op): &&(usize, &Op)| op.public_key == public_key && !earlier.contains(&index.to_string());
        match on_order.iter().find(ours) {
            _ if on_order.iter().any(|(_, op)| !op.approved) => Progress::AwaitingApproval { request_id: None },
            Some((index, op)) if op.visible <= now => Progress::Issued { certificate_id: index.to_string() },
            Some(_) => Progress::Processing { status: "processing".to_owned() },
            None if order_id == FIRST && testing::leaf().public_key_sha256 == public_key => {
                Progress::Issued { certificate_id: testing::order().certificate_id.unwrap_or_default() }
            }
            None => Progress::Refused { reason: "another key".to_owned() },
        }
    }

    /// `None`: not visible, or no such order.
    pub fn order(&self, order_id: &str, now: Timestamp) -> Option<OrderFacts> {
        let placed = self.visible(now).find(|op| op.order_id == order_id && is_paid(op.operation));
        let valid_till = match placed {
            Some(op) => self.end_of(op),
            None if order_id == FIRST && self.began && self.single => testing::order().certificate_valid_till?,
            None if order_id == FIRST && self.began => testing::order().valid_till?,
            None => return None,
        };
        let open = placed.filter(|op| !op.approved);
        // A duplicate stands beside the primary certificate.
        let primary = |op: &Op| op.order_id == order_id && op.visible <= now && op.operation != Operation::Duplicate;
        let newest = self.accepted.iter().enumerate().rev().find(|(_, op)| primary(op));
        let renewal =
            self.visible(now).find(|op| op.operation == Operation::Renew && op.parent.as_deref() == Some(order_id));
        Some(OrderFacts {
            order_id: order_id.to_owned(),
            status: if open.is_some() { OrderStatus::Pending } else { OrderStatus::Active },
            valid_till: Some(valid_till),
            auto_renew: match order_id == FIRST && self.renews_itself {
                true => AutoRenewal::Scheduled,
                false => AutoRenewal::Off,
            },
            renewed_by: renewal.filter(|_| !self.single).map(|op| op.order_id.clone()),
            certificate_id: newest.map_or(testing::order().certificate_id, |(index, _)| Some(index.to_string())),
            serial_number: newest.map_or(testing::order().serial_number, |(index, _)| Some(serial(index))),
            content: Box::new(OrderContent {
                renewed_unseen: self.single && renewal.is_some(),
                amendable: open.is_some(),
                names: open.map_or(testing::order().content.names, |op| op.names.clone()),
                ..testing::order().content.as_ref().clone()
            }),
            ..testing::order()
        })
    }

    /// The last day of what was bought.
    fn end_of(&self, op: &Op) -> jiff::civil::Date {
        match self.single {
            true => validity::reach(op.at, None, None).to_zoned(TimeZone::UTC).date(),
            false => year_from(op.at),
        }
    }

    pub fn certificate(&self, id: &str) -> Option<Leaf> {
        if self.began && testing::order().certificate_id.as_deref() == Some(id) {
            return Some(testing::leaf());
        }
        let index: usize = id.parse().ok()?;
        let op = self.accepted.get(index)?;
        let end = match op.operation {
            Operation::Reissue | Operation::Duplicate | Operation::Amend => {
                self.order(&op.order_id, Timestamp::MAX)?.valid_till?
            }
            Operation::Order | Operation::Renew | Operation::Adopt | Operation::Collect => self.end_of(op),
        };
        Some(Leaf {
            serial: serial(index),
            not_before: op.at,
            not_after: validity::reach(op.at, None, Some(validity::end_of(end))),
            dns_names: op.names.clone(),
            public_key_sha256: op.public_key.clone(),
            ..testing::leaf()
        })
    }
}

fn serial(index: usize) -> String {
    format!("c{index}")
}

fn year_from(at: Timestamp) -> jiff::civil::Date {
    (at + SignedDuration::from_hours(24 * 365)).to_zoned(TimeZone::UTC).date()
}
