//! Configurations and zones.

use std::{fmt::Write, fs, path::Path};

use anyhow::{Context, Result};

use super::{Key, OTHER_KEY, Server, TTL, UPDATE_KEY};

/// The zone that only the other primary serves.
pub(super) const OTHERS: &str = "example.org";

/// Zones, and the servers that their NS records name.
pub(super) const ZONES: [(&str, &[Server]); 7] = [
    ("example.com", &[Server::Primary]),
    ("example.net", &[Server::Primary]),
    ("lagging.example", &[Server::Primary, Server::Secondary]),
    ("lame.example", &[Server::Primary, Server::Other]),
    ("signed.example", &[Server::Primary]),
    ("bogus.example", &[Server::Primary]),
    (OTHERS, &[Server::Other]),
];

/// `refresh` an hour: a secondary that is not notified keeps what it has. `minimum` short, so that a test need not wait
/// for resolvers to forget that there was nothing.
const TIMES: &str = "1 3600 600 86400 2";

/// Name and content of each file in a server's folder.
pub(super) fn of(server: Server, dir: &Path, port: u16, listen: u16) -> Result<Vec<(String, String)>> {
    let mut config = options(server, dir, port, listen);
    let mut files = Vec::new();
    match server {
        Server::Primary => {
            config += &key(UPDATE_KEY);
            config += "dnssec-policy one-key { keys { csk lifetime unlimited algorithm ecdsap256sha256; }; };\n";
            for (zone, servers) in ZONES.iter().filter(|(zone, _)| *zone != OTHERS) {
                let policy = if *zone == "signed.example" { "dnssec-policy one-key;" } else { "" };
                config += &primary(zone, UPDATE_KEY, policy);
                files.push(((*zone).to_owned(), contents(zone, servers)));
            }
        }
        Server::Root => {
            config += "zone \".\" { type primary; file \"root\"; };\n";
            files.push(("root".to_owned(), root()));
        }
        Server::Other => {
            config += &key(OTHER_KEY);
            config += &primary(OTHERS, OTHER_KEY, "");
            files.push((OTHERS.to_owned(), contents(OTHERS, &[Server::Other])));
        }
        Server::Secondary => {
            let from = Server::Primary.address();
            config += &format!(
                "zone \"lagging.example\" {{ type secondary; file \"copy\"; primaries port {port} {{ {from}; }}; }};\n"
            );
        }
        Server::Resolver => {
            let key = signing_key(&dir.join(Server::Primary.name()))?;
            config += "zone \".\" { type hint; file \"hints\"; };\n";
            config +=
                &format!("trust-anchors {{ signed.example static-key {key}; bogus.example static-key {key}; }};\n");
            files.push(("hints".to_owned(), format!(". {TTL} NS ns.\nns. {TTL} A {}\n", Server::Root.address())));
        }
    }
    files.push(("named.conf".to_owned(), config));
    Ok(files)
}

fn options(server: Server, dir: &Path, port: u16, listen: u16) -> String {
    let folder = dir.join(server.name());
    let recursion = if server == Server::Resolver { "yes" } else { "no" };
    // `port` is also where others are asked.
    format!(
        "options {{
    directory \"{}\";
    port {port};
    listen-on port {listen} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    pid-file none;
    session-keyfile none;
    recursion {recursion};
    dnssec-validation {recursion};
    servfail-ttl 0;
    empty-zones-enable no;
    notify no;
    allow-notify {{ any; }};
    allow-transfer {{ any; }};
}};
controls {{ }};
",
        folder.display()
    )
}

fn key(key: Key) -> String {
    let algorithm = key.algorithm.to_ascii_lowercase().replace("hmac", "hmac-");
    format!("key \"{}\" {{ algorithm {algorithm}; secret \"{}\"; }};\n", key.name, key.secret)
}

fn primary(zone: &str, key: Key, policy: &str) -> String {
    let update = format!("allow-update {{ key \"{}\"; }};", key.name);
    format!("zone \"{zone}\" {{ type primary; file \"{zone}\"; {update} {policy} }};\n")
}

fn contents(zone: &str, servers: &[Server]) -> String {
    let mut text = format!("$TTL {TTL}\n@ SOA ns1 hostmaster {TIMES}\n");
    for line in delegation(zone, servers) {
        let _ = writeln!(text, "{line}");
    }
    text
}

fn root() -> String {
    let mut text = format!("$TTL {TTL}\n. SOA ns. hostmaster. {TIMES}\n. NS ns.\nns. A {}\n", Server::Root.address());
    for line in ZONES.iter().flat_map(|(zone, servers)| delegation(zone, servers)) {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// NS records and the addresses they name.
fn delegation(zone: &str, servers: &[Server]) -> Vec<String> {
    let numbered = servers.iter().zip(1..);
    numbered
        .flat_map(|(server, n)| [format!("{zone}. NS ns{n}.{zone}."), format!("ns{n}.{zone}. A {}", server.address())])
        .collect()
}

/// Flags, protocol, algorithm and key of the one key that `named` has made there, as a trust anchor has them.
fn signing_key(folder: &Path) -> Result<String> {
    let mut paths = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let path = paths.find(|path| path.extension().is_some_and(|extension| extension == "key"));
    let text = fs::read_to_string(path.context("the primary has made no key")?)?;
    let data = text.split_once("DNSKEY ").context("no DNSKEY")?.1;
    let mut words = data.split_whitespace();
    let [flags, protocol, algorithm] = [(); 3].map(|()| words.next().unwrap_or_default());
    Ok(format!("{flags} {protocol} {algorithm} \"{}\"", words.collect::<String>()))
}
