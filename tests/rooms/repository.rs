//! What the repository holds, and what its manifests say.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under version control that is there.
pub fn tracked() -> Vec<PathBuf> {
    let listed = output(Command::new("git").args(["ls-files", "-z"]));
    let files: Vec<PathBuf> = listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
    assert!(!files.is_empty(), "git lists no file");
    files.into_iter().filter(|file| root().join(file).is_file()).collect()
}

pub struct Manifest {
    /// Of the crate itself, by the names that code uses; those of its tests are left out.
    pub dependencies: BTreeSet<String>,
    /// What each feature switches on.
    pub features: BTreeMap<String, Vec<String>>,
}

/// As cargo understands it.
pub fn manifest(package: &str) -> Manifest {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let text = output(Command::new(cargo).args(["metadata", "--no-deps", "--format-version", "1", "--offline"]));
    let metadata: Value = serde_json::from_str(&text).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let found = packages.iter().find(|found| found["name"] == package).expect("a member of the workspace");
    let dependencies = found["dependencies"].as_array().expect("dependencies").iter();
    let name = |dependency: &Value| match dependency["name"].as_str() {
        // Its library has a name of its own.
        Some("rustls-webpki") => "webpki".to_owned(),
        name => name.unwrap_or_default().replace('-', "_"),
    };
    Manifest {
        dependencies: dependencies.filter(|dependency| dependency["kind"].is_null()).map(name).collect(),
        features: serde_json::from_value(found["features"].clone()).expect("features"),
    }
}

fn output(command: &mut Command) -> String {
    let done = command.current_dir(root()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("text")
}
