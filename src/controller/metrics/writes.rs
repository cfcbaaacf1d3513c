//! Counts what goes to the API server, whoever sends it: Events, the Lease, all of it.

use std::sync::Arc;

use http::{Method, Request};
use kube::{
    Client, Config,
    client::{Body, ClientBuilder},
};
use tower::util::MapRequestLayer;

use super::{Metrics, labels::WriteLabels};

/// A client whose writes are counted.
pub fn client(config: Config, metrics: Arc<Metrics>) -> kube::Result<Client> {
    let count = MapRequestLayer::new(move |request: Request<Body>| {
        if let Some(verb) = verb(request.method()) {
            let labels = WriteLabels { verb, resource: resource(request.uri().path()) };
            metrics.writes.get_or_create(&labels).inc();
        }
        request
    });
    Ok(ClientBuilder::try_from(config)?.with_layer(&count).build())
}

/// As RBAC and the audit log call it. `None` for a read.
fn verb(method: &Method) -> Option<&'static str> {
    match *method {
        Method::POST => Some("create"),
        Method::PUT => Some("update"),
        Method::PATCH => Some("patch"),
        Method::DELETE => Some("delete"),
        _ => None,
    }
}

/// Plural, and subresource, of a path of the API: `/apis/GROUP/VERSION/[namespaces/NAMESPACE/]PLURAL/[NAME/[SUB]]`.
fn resource(path: &str) -> String {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let before = if parts.next() == Some("apis") { 2 } else { 1 };
    let mut parts = parts.skip(before).peekable();
    let mut plural = parts.next().unwrap_or_default();
    if plural == "namespaces" && parts.clone().nth(1).is_some() {
        parts.next();
        plural = parts.next().unwrap_or_default();
    }
    match parts.nth(1) {
        Some(sub) => format!("{plural}/{sub}"),
        None => plural.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_by_its_resource_alone() {
        let cases = [
            ("/api/v1/namespaces/shop/secrets", "secrets"),
            ("/api/v1/namespaces/shop/secrets/shop-tls", "secrets"),
            ("/api/v1/namespaces/shop", "namespaces"),
            ("/apis/evercert.dev/v1alpha1/clusterissuers/digicert/status", "clusterissuers/status"),
            ("/apis/evercert.dev/v1alpha1/namespaces/shop/issuances/shop-1/status", "issuances/status"),
            ("/apis/events.k8s.io/v1/namespaces/shop/events", "events"),
            ("/", ""),
        ];
        for (path, expected) in cases {
            assert_eq!(resource(path), expected, "{path}");
        }
    }

    #[test]
    fn reads_are_not_writes() {
        assert_eq!(verb(&Method::GET), None);
        assert_eq!(verb(&Method::PUT), Some("update"));
    }
}
