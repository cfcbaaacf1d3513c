//! What other Issuances of this installation have published at the same name.

use std::{collections::BTreeSet, sync::Arc};

use kube::ResourceExt;

use super::Work;
use crate::{
    api::{Issuance, issuance::Record},
    lifecycle::dcv,
};

/// What an Issuance is found by: its Certificate's name, and the names at which it has records.
pub(in crate::controller) fn keys(issuance: &Issuance) -> Vec<String> {
    let status = issuance.status.as_ref();
    let names = status.into_iter().flat_map(dcv::published).map(|record| at(&record.name));
    names.chain([issuance.spec.certificate_ref.name.clone()]).collect()
}

/// No Certificate is named so.
fn at(name: &str) -> String {
    format!("@{}", name.to_ascii_lowercase())
}

impl Work {
    /// Values of this type at the name, of any namespace.
    pub(super) fn values_beside(&self, record: &Record) -> BTreeSet<String> {
        let beside = self.beside(record);
        let published = beside.iter().filter_map(|issuance| issuance.status.as_ref()).flat_map(dcv::published);
        published.filter(|other| other.type_ == record.type_).map(|other| other.value).collect()
    }

    /// Whether another Issuance waits for this very record, at the same account and so through the same publishers.
    pub(super) fn is_needed_beside(&self, record: &Record) -> bool {
        let same_issuer = |other: &Issuance| {
            let cluster_wide = self.issuer.as_ref().is_some_and(|issuer| issuer.namespace.is_none());
            other.spec.issuer_ref == self.issuance.spec.issuer_ref
                && (cluster_wide || other.namespace() == self.issuance.namespace())
        };
        let needs = |other: &Issuance| other.status.as_ref().is_some_and(|status| dcv::needs(status, record));
        self.beside(record).iter().any(|other| same_issuer(other) && needs(other))
    }

    /// The Issuance that waits for another file at the same URL, where there can be but one.
    pub(super) fn holder_of(&self, file: &Record) -> Option<String> {
        let in_the_way = |other: &Record| other.name == file.name && other.value != file.value;
        let holds = |other: &Issuance| {
            other.status.as_ref().is_some_and(|status| dcv::awaited(status).any(|it| in_the_way(&it)))
        };
        let holder = self.beside(file).into_iter().find(|other| holds(other))?;
        Some(format!("{}/{}", holder.namespace().unwrap_or_default(), holder.name_any()))
    }

    fn beside(&self, record: &Record) -> Vec<Arc<Issuance>> {
        let (stores, key) = (&self.context.stores, at(&record.name));
        let namespaces = stores.namespaces.names();
        let found = namespaces.iter().flat_map(|namespace| stores.issuances.of(&namespace.name, &key));
        let newest = found.map(|issuance| self.context.own_issuances.newest(issuance));
        let now = self.context.machine_now();
        let shown = newest.map(|issuance| self.context.unwritten.shown(issuance, now));
        shown.filter(|other| other.uid() != self.issuance.uid()).collect()
    }
}
