//! Download formats ("certificate formats" of the glossary).

use super::chain::{Link, concatenated};
use crate::state::records::Certificate;

pub struct File {
    pub name: String,
    pub content_type: &'static str,
    pub content: Vec<u8>,
}

const PEM: &str = "application/x-pem-file";

/// None for a format nobody knows.
pub fn build(links: &[Link<'_>], certificate: &Certificate, format: &str) -> Option<File> {
    let stem = certificate.common_name.replace("*.", "star_").replace('.', "_");
    let leaf: Vec<Link<'_>> = pick(links, |link| link.common_name == certificate.common_name);
    let no_root = pick(links, |link| link.common_name != "Evercert Sandbox Root");
    let (name, content_type, content) = match format {
        "pem_all" => ("pem", PEM, concatenated(links).into_bytes()),
        "pem_noroot" => ("pem", PEM, concatenated(&no_root).into_bytes()),
        "pem_nointermediate" => ("pem", PEM, concatenated(&leaf).into_bytes()),
        _ => return None,
    };
    Some(File { name: format!("{stem}.{name}"), content_type, content })
}

fn pick<'a>(links: &[Link<'a>], wanted: impl Fn(&Link<'_>) -> bool) -> Vec<Link<'a>> {
    let links = links.iter().filter(|link| wanted(link));
    links.map(|link| Link { common_name: link.common_name, pem: link.pem }).collect()
}

/// nginx takes PEM, everything else a zip.
pub fn platform_format(platform: i64) -> &'static str {
    match platform {
        45 => "pem_noroot",
        2 => "apache",
        _ => "default",
    }
}
