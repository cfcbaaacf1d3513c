//! What may take the place of the certificate that is served.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{api::issuance::Trigger, pki::Leaf};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Install,
    /// It would take away what is wanted by now: the next Issuance asks again.
    Superseded(String),
    Refused(String),
}

/// Judges a certificate right before it is written, whatever was checked when it was downloaded.
///
/// What is served is never replaced by something expired, for another key, or lacking a name that is wanted and
/// served; a replacement for the sake of its expiry lasts longer.
pub fn judge(
    offered: &Leaf,
    public_key_sha256: &str,
    why: Trigger,
    served: Option<&Leaf>,
    wanted: &BTreeSet<String>,
    now: Timestamp,
) -> Verdict {
    if offered.public_key_sha256 != public_key_sha256 {
        return Verdict::Refused("the certificate is for another key than ours".to_owned());
    }
    if offered.not_after <= now {
        return Verdict::Refused(format!("the certificate expired at {}", offered.not_after));
    }
    let Some(served) = served.filter(|served| served.not_after > now) else { return Verdict::Install };
    let lost: Vec<&str> = wanted
        .intersection(&served.dns_names)
        .filter(|name| !offered.dns_names.contains(*name))
        .map(String::as_str)
        .collect();
    if !lost.is_empty() {
        return Verdict::Superseded(format!("the certificate lacks {}, wanted by now and served", lost.join(", ")));
    }
    if why == Trigger::Expiring && offered.not_after <= served.not_after {
        let message = format!("the certificate ends at {}, no later than the one in use", offered.not_after);
        return Verdict::Refused(message);
    }
    Verdict::Install
}
