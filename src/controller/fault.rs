//! Named points at which a test can make the process die as `kill -9` would, or a reconcile panic.

/// Dies here when `EVERCERT_DIE_AT` is `<point>@<Issuance>` for these two; panics here, twice, when `EVERCERT_PANIC_AT`
/// is. Compiled to nothing in a release.
#[cfg(not(feature = "fault-points"))]
pub fn point(_name: &str, _issuance: &str) {}

#[cfg(feature = "fault-points")]
pub fn point(name: &str, issuance: &str) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static PANICS: AtomicU32 = AtomicU32::new(0);
    let asked = |variable: &str| std::env::var(variable).is_ok_and(|wanted| wanted == format!("{name}@{issuance}"));
    if asked("EVERCERT_PANIC_AT") && PANICS.fetch_add(1, Ordering::Relaxed) < 2 {
        panic!("asked for at {name}@{issuance}");
    }
    if asked("EVERCERT_DIE_AT") {
        let pid = std::process::id().to_string();
        let _ = std::process::Command::new("kill").args(["-9", &pid]).status();
        std::process::abort();
    }
}
