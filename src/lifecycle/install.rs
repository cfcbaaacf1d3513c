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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::testing::{NAME, at, days, key_hash, leaf};

    const WWW: &str = "www.example.com";

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    /// For the key `b`.
    fn offered(until: i64, covers: &[&str]) -> Leaf {
        Leaf { public_key_sha256: key_hash('b'), not_after: days(until), dns_names: names(covers), ..leaf() }
    }

    fn served(until: i64, covers: &[&str]) -> Leaf {
        Leaf { not_after: days(until), dns_names: names(covers), ..leaf() }
    }

    fn verdict(offered: &Leaf, why: Trigger, served: Option<&Leaf>, wanted: &[&str]) -> Verdict {
        judge(offered, &key_hash('b'), why, served, &names(wanted), at(0))
    }

    fn refused(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Refused(_))
    }

    #[test]
    fn nothing_is_installed_for_another_key_or_after_its_end() {
        let good = offered(199, &[NAME]);
        assert_eq!(verdict(&good, Trigger::FirstIssue, None, &[NAME]), Verdict::Install);
        let other = Leaf { public_key_sha256: key_hash('c'), ..good };
        assert!(refused(&verdict(&other, Trigger::FirstIssue, None, &[NAME])));
        for until in [-1, 0] {
            assert!(refused(&verdict(&offered(until, &[NAME]), Trigger::FirstIssue, None, &[NAME])));
        }
    }

    #[test]
    fn for_the_sake_of_expiry_it_lasts_longer() {
        for (until, why, installs) in [
            (60, Trigger::Expiring, true),
            (59, Trigger::Expiring, false),
            (10, Trigger::Expiring, false),
            (10, Trigger::KeyCompromise, true),
            (10, Trigger::SpecChanged, true),
        ] {
            let verdict = verdict(&offered(until, &[NAME]), why, Some(&served(59, &[NAME])), &[NAME]);
            assert_eq!(verdict == Verdict::Install, installs, "{until} {why:?}");
            assert_eq!(refused(&verdict), !installs);
        }
    }

    #[test]
    fn no_name_is_taken_away_that_is_wanted_and_served() {
        let both = served(59, &[NAME, WWW]);
        let lacking = offered(199, &[NAME]);
        let verdict = |wanted: &[&str]| verdict(&lacking, Trigger::SpecChanged, Some(&both), wanted);
        assert_eq!(verdict(&[NAME]), Verdict::Install, "no longer wanted");
        assert!(matches!(verdict(&[NAME, WWW]), Verdict::Superseded(why) if why.contains(WWW)));
        assert_eq!(verdict(&[NAME, "new.example.com"]), Verdict::Install, "not served yet either");
    }

    #[test]
    fn whatever_is_valid_is_better_than_what_has_expired() {
        let verdict = verdict(&offered(1, &[NAME]), Trigger::Expiring, Some(&served(0, &[NAME, WWW])), &[NAME, WWW]);
        assert_eq!(verdict, Verdict::Install);
    }
}
