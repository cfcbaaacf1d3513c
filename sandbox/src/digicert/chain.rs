//! Chains: which certificates belong together, and their JSON and PEM forms.

use serde_json::{Value, json};

use crate::{
    ca::Ca,
    state::records::{Certificate, Quirk},
};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Leaf,
    Intermediate,
    Root,
}

/// One certificate of a chain.
#[derive(Clone, Copy)]
pub struct Link<'a> {
    pub role: Role,
    pub common_name: &'a str,
    pub pem: &'a str,
}

/// Leaf, intermediate, root; rotated, without the intermediate or with a second chain when a fault
/// says so; empty before issuance.
pub fn links<'a>(ca: &'a Ca, certificate: &'a Certificate, quirks: &[Quirk]) -> Vec<Link<'a>> {
    let Some(issued) = &certificate.issued else {
        return Vec::new();
    };
    let link = |role, common_name, pem| Link { role, common_name, pem };
    let mut links = vec![
        link(Role::Leaf, certificate.common_name.as_str(), issued.pem.as_str()),
        link(Role::Intermediate, "Evercert Sandbox TLS CA 1", ca.intermediate_pem()),
        link(Role::Root, "Evercert Sandbox Root", ca.root_pem()),
    ];
    let has = |wanted| certificate.quirks.iter().chain(quirks).any(|quirk| *quirk == wanted);
    if has(Quirk::ChainAlternatives) {
        let [cross_signed, old] = ca.alternative_pems();
        links.push(link(Role::Intermediate, "Evercert Sandbox Root", cross_signed));
        links.push(link(Role::Root, "Evercert Sandbox Old Root", old));
    }
    if has(Quirk::ChainIncomplete) {
        links.retain(|link| link.role != Role::Intermediate);
    }
    if has(Quirk::ChainUnordered) {
        links.rotate_right(1);
    }
    links
}

/// The JSON form, with CRLF inside the PEM.
pub fn json_links(links: &[Link<'_>]) -> Value {
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

pub fn normal(pem: &str) -> String {
    format!("{}\n", pem.replace("\r\n", "\n").trim_end())
}
