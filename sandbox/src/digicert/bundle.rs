//! Download formats ("certificate formats" of the glossary).

use std::io::{Cursor, Write};

use rustls_pki_types::{CertificateDer, pem::PemObject};
use yasna::{Tag, models::ObjectIdentifier};
use zip::{CompressionMethod, ZipWriter, result::ZipResult, write::SimpleFileOptions};

use super::chain::{Link, Role, concatenated, normal};

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
        "p7b" => ("p7b", PKCS7, pkcs7_pem(links).into_bytes()),
        "cer" => ("cer", PKCS7, pkcs7_pem(links).into_bytes()),
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

fn pkcs7_pem(links: &[Link<'_>]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let text = STANDARD.encode(pkcs7(links));
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let body: String = lines.map(|line| format!("{line}\n")).collect();
    format!("-----BEGIN PKCS7-----\n{body}-----END PKCS7-----\n")
}

/// A SignedData that carries certificates and no signature (RFC 2315 §9, "degenerate").
fn pkcs7(links: &[Link<'_>]) -> Vec<u8> {
    let oid = |last| ObjectIdentifier::from_slice(&[1, 2, 840, 113_549, 1, 7, last]);
    yasna::construct_der(|writer| {
        writer.write_sequence(|content_info| {
            content_info.next().write_oid(&oid(2));
            content_info.next().write_tagged(Tag::context(0), |writer| {
                writer.write_sequence(|signed_data| {
                    signed_data.next().write_u8(1);
                    signed_data.next().write_set(|_digest_algorithms| {});
                    signed_data.next().write_sequence(|content| content.next().write_oid(&oid(1)));
                    signed_data.next().write_tagged_implicit(Tag::context(0), |writer| {
                        writer.write_set_of(|certificates| {
                            for link in links {
                                certificates.next().write_der(&der(link.pem));
                            }
                        });
                    });
                    signed_data.next().write_set(|_signer_infos| {});
                });
            });
        });
    })
}

/// DER of the certificates this CA itself wrote as PEM.
fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map(|der| der.to_vec()).unwrap_or_default()
}
