//! The validation files that Issuances have published through Evercert's own replicas. Each replica keeps a copy and answers
//! by it, whoever holds the Lease.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use futures::StreamExt;
use jiff::Timestamp;
use kube::{
    Api, Client,
    core::DeserializeGuard,
    runtime::{
        WatchStreamExt,
        reflector::ObjectRef,
        watcher::{self, Event},
    },
};
use reqwest::Url;
use tracing::warn;

use super::watch::readable;
use crate::{
    api::{
        Issuance,
        issuance::{PublisherKind, RecordType, Validation, ValidationState},
    },
    lifecycle::dcv::is_published,
};

/// Few at any time: those of orders under way.
#[derive(Clone, Default)]
pub struct Files(Arc<RwLock<HashMap<ObjectRef<Issuance>, Vec<File>>>>);

#[derive(Debug, Clone, PartialEq)]
struct File {
    host: String,
    path: String,
    content: String,
    /// The provider has seen it.
    seen: bool,
    /// When its Issuance was recorded.
    since: Option<Timestamp>,
}

impl Files {
    /// The content of the file, by the request's Host header and path. Of several orders with a file there, the one that
    /// still waits is answered, the oldest first.
    pub fn answer(&self, host: &str, path: &str) -> Option<String> {
        let host = host_of(host);
        let files = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let here = files.values().flatten().filter(|file| file.path == path && file.host == host);
        here.min_by_key(|file| (file.seen, file.since, &file.content)).map(|file| file.content.clone())
    }

    fn learn(&self, issuance: &Issuance) {
        let files = files_of(issuance);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match files.is_empty() {
            true => all.remove(&ObjectRef::from_obj(issuance)),
            false => all.insert(ObjectRef::from_obj(issuance), files),
        };
    }

    fn forget(&self, issuance: &Issuance) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&ObjectRef::from_obj(issuance));
    }
}

/// Keeps the copy for the life of the process; `complete` is called when it is.
pub async fn follow(client: Client, files: Files, complete: impl Fn()) {
    let issuances = Api::<DeserializeGuard<Issuance>>::all(client);
    let events = watcher::watcher(issuances, watcher::Config::default().page_size(100)).default_backoff();
    let mut events = std::pin::pin!(events);
    let mut listed = Files::default();
    while let Some(event) = events.next().await {
        let event = match event {
            Ok(event) => readable(event),
            Err(error) => {
                warn!(%error, "validation files cannot be followed, trying again");
                continue;
            }
        };
        match event {
            Some(Event::Init) => listed = Files::default(),
            Some(Event::InitApply(issuance)) => listed.learn(&issuance),
            Some(Event::InitDone) => {
                let known = std::mem::take(&mut *listed.0.write().unwrap_or_else(PoisonError::into_inner));
                *files.0.write().unwrap_or_else(PoisonError::into_inner) = known;
                complete();
            }
            Some(Event::Apply(issuance)) => files.learn(&issuance),
            Some(Event::Delete(issuance)) => files.forget(&issuance),
            None => {}
        }
    }
}

fn files_of(issuance: &Issuance) -> Vec<File> {
    let validations = issuance.status.iter().flat_map(|status| &status.validations);
    let since = issuance.metadata.creation_timestamp.as_ref().map(|since| since.0);
    let published = validations.filter(|validation| is_published(validation));
    published.filter_map(|validation| file_of(validation, since)).collect()
}

fn file_of(validation: &Validation, since: Option<Timestamp>) -> Option<File> {
    let record = validation.record.as_ref().filter(|record| record.type_ == RecordType::Http)?;
    let url = Url::parse(&record.name).ok().filter(|_| validation.publisher == Some(PublisherKind::Http))?;
    Some(File {
        host: host_of(url.host_str()?),
        path: url.path().to_owned(),
        content: record.value.clone(),
        seen: validation.state == ValidationState::Valid,
        since,
    })
}

/// Of `host`, `host:port` or `host.`, in lower case.
fn host_of(host: &str) -> String {
    let name = host.split(':').next().unwrap_or_default();
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use serde_json::json;

    use super::*;
    use crate::{api::issuance::Operation, lifecycle::testing::issuance_spec};

    const PATH: &str = "/.well-known/pki-validation/fileauth.txt";

    fn issuance(name: &str, host: &str, state: &str, publisher: &str, minute: u8) -> Issuance {
        let mut issuance = Issuance::new(name, issuance_spec(Operation::Order));
        issuance.metadata.creation_timestamp = Some(Time(format!("2026-11-24T10:{minute:02}:00Z").parse().unwrap()));
        let validation = json!({
            "domain": host, "method": "Http", "state": state, "publisher": publisher,
            "record": {"name": format!("http://{host}{PATH}"), "type": "HTTP", "value": format!("of {name}")},
        });
        let status = json!({"validations": [validation]});
        issuance.status = Some(serde_json::from_value(status).unwrap());
        issuance
    }

    #[test]
    fn a_file_is_answered_at_its_name_and_path_while_it_is_published() {
        let files = Files::default();
        let host = "shop.example.com";
        files.learn(&issuance("shop-1", host, "Published", "http", 0));
        for asked in [host, "SHOP.example.com:80", "shop.example.com.", "shop.example.com.:8080"] {
            assert_eq!(files.answer(asked, PATH).as_deref(), Some("of shop-1"), "{asked}");
        }
        for (asked, path) in [("example.com", PATH), ("", PATH), (host, "/"), (host, "/.well-known/pki-validation/")] {
            assert_eq!(files.answer(asked, path), None, "{asked} {path}");
        }
        for (state, publisher) in [("Pending", "http"), ("Cleaned", "http"), ("Published", "manual")] {
            files.learn(&issuance("shop-1", host, state, publisher, 0));
            assert_eq!(files.answer(host, PATH), None, "{state} {publisher}");
        }
        files.learn(&issuance("shop-1", host, "Visible", "http", 0));
        files.forget(&issuance("shop-1", host, "Visible", "http", 0));
        assert_eq!(files.answer(host, PATH), None);
    }

    #[test]
    fn of_two_the_older_that_still_waits_comes_first() {
        let (files, host) = (Files::default(), "shop.example.com");
        files.learn(&issuance("shop-1", host, "Visible", "http", 2));
        files.learn(&issuance("other-1", host, "Published", "http", 1));
        assert_eq!(files.answer(host, PATH).as_deref(), Some("of other-1"));
        files.learn(&issuance("other-1", host, "Valid", "http", 1));
        assert_eq!(files.answer(host, PATH).as_deref(), Some("of shop-1"));
        files.learn(&issuance("shop-1", host, "Valid", "http", 2));
        assert_eq!(files.answer(host, PATH).as_deref(), Some("of other-1"), "kept until the order is done");
    }
}
