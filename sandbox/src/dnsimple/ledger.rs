//! Each accepted operation, once. What the API orders is free; what a person orders by form is not.

use crate::state::{
    World,
    dnsimple::Authority,
    records::{Operation, OperationKind},
};

pub fn record(world: &mut World, kind: OperationKind, certificate: u64, renewal_of: Option<u64>) {
    let (id, at) = (world.next_id(), world.now());
    let Some(row) = world.dnsimple.certificates.get(certificate) else { return };
    let subject = row.reissue.as_ref().unwrap_or(&row.subject);
    let operation = Operation {
        id,
        at,
        kind,
        paid: row.authority == Authority::Comodo && kind == OperationKind::Order,
        account: row.account,
        order_id: certificate,
        certificate_id: Some(certificate),
        common_name: row.common_name.clone(),
        dns_names: row.names.clone(),
        public_key_sha256: subject.public_key_sha256.clone(),
        alternative_order_id: None,
        renewal_of,
        request_id: None,
        comments: None,
    };
    world.ledger.insert(operation);
}
