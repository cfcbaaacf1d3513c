//! Each accepted operation, once.

use crate::state::{
    World,
    records::{Operation, OperationKind},
};

/// About the newest version of a certificate. Enrolments and renewals are paid for; a replacement is not.
pub fn record(world: &mut World, kind: OperationKind, ssl: u64) {
    let versions = world.scm.certificates.get(ssl).map_or(0, |row| row.versions.len());
    record_version(world, kind, ssl, versions.saturating_sub(1));
}

pub fn record_version(world: &mut World, kind: OperationKind, ssl: u64, version: usize) {
    let (id, at) = (world.next_id(), world.now());
    let Some(row) = world.scm.certificates.get(ssl) else { return };
    let Some(version) = row.versions.get(version) else { return };
    let operation = Operation {
        id,
        at,
        kind,
        paid: matches!(kind, OperationKind::Enroll | OperationKind::Renew),
        account: row.customer,
        order_id: ssl,
        certificate_id: Some(ssl),
        common_name: version.common_name.clone(),
        dns_names: version.names.clone(),
        public_key_sha256: version.public_key_sha256.clone(),
        alternative_order_id: None,
        renewal_of: row.renewal_of.filter(|_| kind == OperationKind::Renew),
        request_id: None,
        comments: Some(row.comments.clone()),
    };
    world.ledger.insert(operation);
}
