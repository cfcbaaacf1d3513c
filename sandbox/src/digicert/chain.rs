//! Chains: the JSON forms and the bundle a download delivers.

use serde_json::{Value, json};

use crate::{
    ca::Ca,
    state::records::{Certificate, Quirk},
};

/// One certificate of a chain.
pub struct Link<'a> {
    pub common_name: &'a str,
    pub pem: &'a str,
}

/// Leaf, intermediate, root — or another order, when a fault says so.
pub fn links<'a>(ca: &'a Ca, certificate: &'a Certificate) -> Vec<Link<'a>> {
    let Some(issued) = &certificate.issued else {
        return Vec::new();
    };
    let mut links = vec![
        Link { common_name: &certificate.common_name, pem: &issued.pem },
        Link { common_name: "Evercert Sandbox TLS CA 1", pem: ca.intermediate_pem() },
        Link { common_name: "Evercert Sandbox Root", pem: ca.root_pem() },
    ];
    if certificate.quirks.contains(&Quirk::ChainUnordered) {
        links.rotate_right(1);
    }
    links
}

/// `certificate_chain` of an immediate issuance: PEM with CRLF.
pub fn immediate(ca: &Ca, certificate: &Certificate) -> Value {
    json_links(&links(ca, certificate))
}

/// *Certificate chain*: `intermediates`, the leaf among them, the root last.
pub fn intermediates(ca: &Ca, certificate: &Certificate) -> Value {
    json!({"intermediates": json_links(&links(ca, certificate))})
}

fn json_links(links: &[Link<'_>]) -> Value {
    let rows = links.iter().map(|link| {
        let pem = normal(link.pem).replace('\n', "\r\n");
        json!({"subject_common_name": link.common_name, "pem": pem})
    });
    rows.collect()
}

/// PEM blocks one after another, a line break after each and no blank line.
pub fn concatenated(links: &[Link<'_>]) -> String {
    links.iter().map(|link| normal(link.pem)).collect()
}

fn normal(pem: &str) -> String {
    format!("{}\n", pem.replace("\r\n", "\n").trim_end())
}
