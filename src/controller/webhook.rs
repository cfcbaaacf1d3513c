//! What is named from outside is looked at once more, sooner than its poll is due. Polls find it all the same.

use std::sync::Arc;

use kube::{Resource, runtime::reflector::ObjectRef};
use tokio::sync::mpsc;
use tracing::debug;

use super::{
    context::Context,
    watch::{Queue, Woken},
};
use crate::api::{Certificate, Issuance, issuance::State};

/// As the record of an operation names it.
const DNSIMPLE: &str = "dnsimple";

/// Runs as long as there is anybody to name certificates of DNSimple.
pub async fn follow(
    context: Arc<Context>,
    mut named: mpsc::Receiver<String>,
    issuances: Queue<Issuance>,
    certificates: Queue<Certificate>,
) {
    while let Some(id) = named.recv().await {
        let waiting = context.stores.issuances.state_filter(|issuance| waits_for(issuance, &id));
        let holding = context.stores.certificates.state_filter(|certificate| holds(certificate, &id));
        debug!(id, waiting = waiting.len(), holding = holding.len(), "a certificate of DNSimple was named");
        for issuance in waiting {
            context.paces.named(issuance.meta().uid.as_deref().unwrap_or_default(), true);
            // A queue without a reader is that of a process that ends.
            let _ = issuances.send(Woken::first(ObjectRef::from_obj(issuance.as_ref())));
        }
        for certificate in holding {
            let _ = certificates.send(Woken::now(ObjectRef::from_obj(certificate.as_ref())));
        }
    }
}

/// One that does not know its certificate yet may wait for any.
fn waits_for(issuance: &Issuance, id: &str) -> bool {
    let status = issuance.status.as_ref();
    let ended = status.and_then(|status| status.state).is_some_and(State::is_final);
    let another = status.and_then(|status| status.order_id.as_deref()).is_some_and(|order| !is_of(order, id));
    issuance.spec.account.provider == DNSIMPLE && !ended && !another
}

fn holds(certificate: &Certificate, id: &str) -> bool {
    let order = certificate.status.as_ref().and_then(|status| status.order.as_ref());
    order.is_some_and(|order| order.provider == DNSIMPLE && is_of(&order.order_id, id))
}

/// What is ordered there is known as `<domain>/<certificate>`.
fn is_of(order: &str, id: &str) -> bool {
    order.rsplit('/').next() == Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::issuance::Operation, lifecycle::testing};

    #[test]
    fn what_waits_for_another_certificate_sleeps_on() {
        let case = |provider: &str, order: Option<&str>, state| {
            let mut issuance = Issuance {
                status: Some(Default::default()),
                ..Issuance::new("shop-1", testing::issuance_spec(Operation::Order))
            };
            issuance.spec.account.provider = provider.to_owned();
            let status = issuance.status.get_or_insert_default();
            (status.order_id, status.state) = (order.map(str::to_owned), state);
            waits_for(&issuance, "301")
        };
        assert!(case(DNSIMPLE, Some("example.com/301"), Some(State::AwaitingProvider)));
        assert!(case(DNSIMPLE, None, None));
        assert!(!case(DNSIMPLE, Some("example.com/3011"), None));
        assert!(!case(DNSIMPLE, Some("example.com/301"), Some(State::Installed)));
        assert!(!case("digicert", Some("301"), None));
    }
}
