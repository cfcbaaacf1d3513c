//! Chains: which certificates belong together, and their PEM form.

use crate::{
    ca::Ca,
    state::records::{Issued, Quirk},
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

/// Leaf, intermediate, root; rotated, without the intermediate or with a second chain when a fault says so.
pub fn links<'a>(ca: &'a Ca, common_name: &'a str, issued: &'a Issued, quirks: &[Quirk]) -> Vec<Link<'a>> {
    let link = |role, common_name, pem| Link { role, common_name, pem };
    let mut links = vec![
        link(Role::Leaf, common_name, issued.pem.as_str()),
        link(Role::Intermediate, "Evercert Sandbox TLS CA 1", ca.intermediate_pem()),
        link(Role::Root, "Evercert Sandbox Root", ca.root_pem()),
    ];
    if quirks.contains(&Quirk::ChainAlternatives) {
        let [cross_signed, old] = ca.alternative_pems();
        links.push(link(Role::Intermediate, "Evercert Sandbox Root", cross_signed));
        links.push(link(Role::Root, "Evercert Sandbox Old Root", old));
    }
    if quirks.contains(&Quirk::ChainIncomplete) {
        links.retain(|link| link.role != Role::Intermediate);
    }
    if quirks.contains(&Quirk::ChainUnordered) {
        links.rotate_right(1);
    }
    links
}

/// PEM blocks one after another, a line break after each and no blank line.
pub fn concatenated<'a>(links: impl IntoIterator<Item = &'a Link<'a>>) -> String {
    links.into_iter().map(|link| normal(link.pem)).collect()
}

pub fn normal(pem: &str) -> String {
    format!("{}\n", pem.replace("\r\n", "\n").trim_end())
}
