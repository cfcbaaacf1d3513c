//! Named points at which a test can make the process die as `kill -9` would.

/// Dies here when `EVERCERT_DIE_AT` is `<point>@<Issuance>` for these two. Compiled to nothing in a release.
#[cfg(not(feature = "fault-points"))]
pub fn point(_name: &str, _issuance: &str) {}

#[cfg(feature = "fault-points")]
pub fn point(name: &str, issuance: &str) {
    if std::env::var("EVERCERT_DIE_AT").is_ok_and(|wanted| wanted == format!("{name}@{issuance}")) {
        let pid = std::process::id().to_string();
        let _ = std::process::Command::new("kill").args(["-9", &pid]).status();
        std::process::abort();
    }
}
