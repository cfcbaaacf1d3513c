//! Named points at which a test can make the process die as `kill -9` would.

/// Dies here when `EVERCERT_DIE_AT` names this point. Compiled to nothing in a release.
#[cfg(not(feature = "fault-points"))]
pub fn point(_name: &str) {}

#[cfg(feature = "fault-points")]
pub fn point(name: &str) {
    if std::env::var("EVERCERT_DIE_AT").is_ok_and(|wanted| wanted == name) {
        let pid = std::process::id().to_string();
        let _ = std::process::Command::new("kill").args(["-9", &pid]).status();
        std::process::abort();
    }
}
