//! Finds rows as a caller may see them: of the own account, and not hidden by a look-up lag.

use super::{errors::ApiError, gate::Caller};
pub use crate::faults::visible;
use crate::state::{
    World,
    records::{Certificate, Order, Request},
};

/// By order id, or by thumbprint or serial number of the primary certificate (*Order info*).
pub fn order<'a>(world: &'a World, caller: &Caller, id: &str) -> Result<&'a Order, ApiError> {
    let by_id = id.parse().ok().and_then(|id| world.orders.get(id));
    let found = by_id.or_else(|| {
        world.orders.iter().find(|order| {
            let primary = world.certificates.get(order.primary);
            primary.is_some_and(|certificate| is_called(certificate, id))
        })
    });
    found
        .filter(|order| order.account == caller.account() && visible(order.hidden_until))
        .ok_or_else(|| ApiError::not_found("order"))
}

/// By certificate id, serial number or thumbprint.
pub fn certificate<'a>(world: &'a World, caller: &Caller, id: &str) -> Result<&'a Certificate, ApiError> {
    let by_id = id.parse().ok().and_then(|id| world.certificates.get(id));
    let found = by_id.or_else(|| world.certificates.iter().find(|row| is_called(row, id)));
    found
        .filter(|row| visible(row.hidden_until))
        .filter(|row| {
            let order = world.orders.get(row.order);
            order.is_some_and(|order| order.account == caller.account())
        })
        .ok_or_else(|| ApiError::not_found("certificate"))
}

/// The order's certificates that look-ups show now, oldest first.
pub fn certificates<'a>(world: &'a World, order: &'a Order) -> impl DoubleEndedIterator<Item = &'a Certificate> {
    let rows = order.certificates.iter().filter_map(|id| world.certificates.get(*id));
    rows.filter(|row| visible(row.hidden_until))
}

/// A request is as visible as its order and its certificate.
pub fn request_visible(world: &World, request: &Request) -> bool {
    let order = world.orders.get(request.order).and_then(|order| order.hidden_until);
    let certificate = request.certificate.and_then(|id| world.certificates.get(id));
    visible(order) && visible(certificate.and_then(|row| row.hidden_until))
}

fn is_called(certificate: &Certificate, name: &str) -> bool {
    let plain = name.replace(':', "");
    certificate.issued.as_ref().is_some_and(|issued| {
        let named = |id: &str| !plain.is_empty() && plain.eq_ignore_ascii_case(id);
        named(&issued.serial_number) || named(&issued.thumbprint)
    })
}
