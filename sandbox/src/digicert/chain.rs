//! The chain of a certificate, and its JSON form.

use serde_json::{Value, json};

use crate::{
    ca::Ca,
    chain::{self, Link, normal},
    state::records::{Certificate, Quirk},
};

/// Leaf, intermediate, root, and what faults make of them; empty before issuance.
pub fn links<'a>(ca: &'a Ca, certificate: &'a Certificate, quirks: &[Quirk]) -> Vec<Link<'a>> {
    let Some(issued) = &certificate.issued else {
        return Vec::new();
    };
    let quirks = [certificate.quirks.as_slice(), quirks].concat();
    chain::links(ca, &certificate.common_name, issued, &quirks)
}

/// The JSON form, with CRLF inside the PEM.
pub fn json_links(links: &[Link<'_>]) -> Value {
    let rows = links.iter().map(|link| {
        let pem = normal(link.pem).replace('\n', "\r\n");
        json!({"subject_common_name": link.common_name, "pem": pem})
    });
    rows.collect()
}
