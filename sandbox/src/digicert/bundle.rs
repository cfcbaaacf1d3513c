//! Download formats ("certificate formats" of the glossary).

use std::io::{Cursor, Write};

use zip::{CompressionMethod, ZipWriter, result::ZipResult, write::SimpleFileOptions};

use crate::{
    chain::{Link, Role, concatenated, normal},
    pkcs7,
};

pub struct File {
    pub name: String,
    pub content_type: &'static str,
    pub content: Vec<u8>,
}

const PEM: &str = "application/x-pem-file";
const PKCS7: &str = "application/x-pkcs7-certificates";
const ZIP: &str = "application/zip";

/// The file a download delivers; None for a format nobody knows.
pub fn build(links: &[Link<'_>], common_name: &str, format: &str) -> Option<File> {
    let stem = common_name.replace("*.", "star_").replace('.', "_");
    let without = |left_out: &[Role]| -> Vec<Link<'_>> {
        links.iter().filter(|link| !left_out.contains(&link.role)).copied().collect()
    };
    let (extension, content_type, content) = match format {
        "pem_all" => ("pem", PEM, concatenated(links).into_bytes()),
        "pem_noroot" => ("pem", PEM, concatenated(&without(&[Role::Root])).into_bytes()),
        "pem_nointermediate" | "crt" => {
            let leaf = without(&[Role::Root, Role::Intermediate]);
            (if format == "crt" { "crt" } else { "pem" }, PEM, concatenated(&leaf).into_bytes())
        }
        "p7b" => ("p7b", PKCS7, pkcs7::pem(links).into_bytes()),
        "cer" => ("cer", PKCS7, pkcs7::pem(links).into_bytes()),
        "default" => ("zip", ZIP, archive(links, &stem, "crt").ok()?),
        "apache" => ("zip", ZIP, archive(&without(&[Role::Root]), &stem, "crt").ok()?),
        "default_cer" => ("zip", ZIP, archive(links, &stem, "cer").ok()?),
        "default_pem" => ("zip", ZIP, archive(links, &stem, "pem").ok()?),
        _ => return None,
    };
    Some(File { name: format!("{stem}.{extension}"), content_type, content })
}

/// The format that suits a server platform: nginx takes PEM, most others a zip.
pub fn platform_format(platform: i64) -> &'static str {
    match platform {
        45 => "pem_noroot",
        2 => "apache",
        _ => "default",
    }
}

/// One file for each certificate.
fn archive(links: &[Link<'_>], stem: &str, extension: &str) -> ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for link in links {
        let name = match link.role {
            Role::Leaf => stem,
            Role::Intermediate => "SandboxCA",
            Role::Root => "TrustedRoot",
        };
        zip.start_file(format!("{name}.{extension}"), options)?;
        zip.write_all(normal(link.pem).as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}
