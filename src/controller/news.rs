//! Which changes of an issuer its users hear of: not each reservation, of which there is one for every purchase, nor each
//! look at an account that does not serve.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{Resource, ResourceExt, runtime::reflector::ObjectRef};

use super::{
    any_issuer::AnyIssuer,
    watch::{Queue, Turn, Woken},
};
use crate::{
    api::{
        conditions::{CIRCUIT_OPEN, READY, condition},
        issuer::AccountStatus,
    },
    lifecycle::{circuit::spread_over, spread::spread},
};

/// What there is to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    Changed,
    /// The account is not called any more.
    Opened,
    /// It is called again, after so long.
    Closed(Duration),
}

#[derive(Default)]
pub struct News {
    /// By uid.
    told: Mutex<HashMap<String, Told>>,
}

#[derive(PartialEq)]
struct Told {
    generation: Option<i64>,
    /// Not while the account is left alone: each look says something else then.
    ready: Option<Condition>,
    account: Option<AccountStatus>,
    open_since: Option<Timestamp>,
}

impl News {
    /// What changed that users decide by, if anything. An issuer that has gone is always news.
    pub fn of(&self, issuer: &AnyIssuer, exists: bool) -> Option<Heard> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if !exists {
            told.remove(&issuer.uid);
            return Some(Heard::Changed);
        }
        let said = |type_| condition(&issuer.status.conditions, type_);
        let open_since = said(CIRCUIT_OPEN).map(|open| open.last_transition_time.0);
        let now = Told {
            generation: issuer.generation,
            ready: said(READY).filter(|_| open_since.is_none()).cloned(),
            account: issuer.status.account.clone(),
            open_since,
        };
        let before = told.insert(issuer.uid.clone(), now);
        let now = told.get(&issuer.uid);
        let opened_before = before.as_ref().and_then(|before| before.open_since);
        match (opened_before, open_since) {
            _ if before.as_ref() == now => None,
            (None, Some(_)) if before.is_some() => Some(Heard::Opened),
            (Some(since), None) => {
                let away = Timestamp::now().duration_since(since);
                Some(Heard::Closed(away.try_into().unwrap_or(Duration::ZERO)))
            }
            _ => Some(Heard::Changed),
        }
    }
}

impl Heard {
    /// At once; where many have waited for the same account, each at a moment of its own.
    pub fn send<K: Resource<DynamicType = ()>>(self, queue: &Queue<K>, object: &K) {
        let after = match self {
            Self::Closed(away) => spread(&object.uid().unwrap_or_default(), spread_over(away)),
            Self::Changed | Self::Opened => Duration::ZERO,
        };
        // A queue without a reader is that of a process that ends.
        let _ = queue.send(Woken { name: ObjectRef::from_obj(object), turn: Turn::Last(after) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Issuer, IssuerSpec, issuer::Reservation};

    #[test]
    fn a_reservation_is_no_news_and_an_end_is() {
        let mut issuer = Issuer::new("digicert", IssuerSpec::default());
        issuer.metadata.uid = Some("uid".to_owned());
        issuer.metadata.generation = Some(1);
        let news = News::default();
        let of = |issuer: &Issuer, exists| news.of(&issuer.into(), exists);
        assert!(of(&issuer, true).is_some() && of(&issuer, true).is_none());
        issuer.status.get_or_insert_default().reservations.push(Reservation {
            issuance: "web/shop-1".to_owned(),
            n: 1,
            rule: "all".to_owned(),
            at: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH),
            certificate_uid: String::new(),
            public_key_sha256: String::new(),
        });
        assert_eq!(of(&issuer, true), None);
        issuer.metadata.generation = Some(2);
        assert_eq!(of(&issuer, true), Some(Heard::Changed));
        issuer.status.get_or_insert_default().account = Some(AccountStatus::default());
        assert_eq!(of(&issuer, true), Some(Heard::Changed));
        assert!(of(&issuer, false).is_some() && of(&issuer, true).is_some(), "made anew");
    }
}
