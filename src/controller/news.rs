//! Which changes of an issuer its users hear of: not each reservation, of which there is one for every purchase.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::any_issuer::AnyIssuer;
use crate::api::{
    conditions::{READY, condition},
    issuer::AccountStatus,
};

#[derive(Default)]
pub struct News {
    /// By uid.
    told: Mutex<HashMap<String, Told>>,
}

#[derive(PartialEq)]
struct Told {
    generation: Option<i64>,
    ready: Option<Condition>,
    account: Option<AccountStatus>,
}

impl News {
    /// Whether something changed that users decide by. An issuer that has gone is always news.
    pub fn of(&self, issuer: &AnyIssuer, exists: bool) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if !exists {
            told.remove(&issuer.uid);
            return true;
        }
        let now = Told {
            generation: issuer.generation,
            ready: condition(&issuer.status.conditions, READY).cloned(),
            account: issuer.status.account.clone(),
        };
        told.insert(issuer.uid.clone(), now).as_ref() != told.get(&issuer.uid)
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
        assert!(of(&issuer, true) && !of(&issuer, true));
        issuer.status.get_or_insert_default().reservations.push(Reservation {
            issuance: "web/shop-1".to_owned(),
            n: 1,
            rule: "all".to_owned(),
            at: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH),
            certificate_uid: String::new(),
            public_key_sha256: String::new(),
        });
        assert!(!of(&issuer, true));
        issuer.metadata.generation = Some(2);
        assert!(of(&issuer, true));
        issuer.status.get_or_insert_default().account = Some(AccountStatus::default());
        assert!(of(&issuer, true));
        assert!(of(&issuer, false) && of(&issuer, true), "made anew");
    }
}
