//! What a provider tells of domain validations, kept within what is recorded of them: an absurd answer is told, not stored.

use super::{DcvRecord, Validation};

/// Of a certificate.
const MOST_NAMES: usize = 250;
/// Of a name (RFC 1035 §2.3.4), written out.
const LONGEST_DOMAIN: usize = 253;
/// Of a file's URL.
const LONGEST_NAME: usize = 320;
const LONGEST_VALUE: usize = 1024;
const MOST_EMAILS: usize = 32;
const LONGEST_STATUS: usize = 256;

/// What can be no domain is left out, and so is a record that nobody could publish: the status then says why.
pub(super) fn bounded(told: Vec<Validation>) -> Vec<Validation> {
    let domains = told.into_iter().filter(|validation| is_plain(&validation.domain, LONGEST_DOMAIN)).take(MOST_NAMES);
    domains.map(bounded_one).collect()
}

fn bounded_one(mut validation: Validation) -> Validation {
    if let Some(why) = validation.record.as_ref().and_then(unfit) {
        validation.record = None;
        validation.status = why;
    }
    validation.status = validation.status.chars().take(LONGEST_STATUS).collect();
    validation.emails.retain(|email| is_plain(email, LONGEST_NAME));
    validation.emails.truncate(MOST_EMAILS);
    validation
}

fn unfit(record: &DcvRecord) -> Option<String> {
    if !is_plain(&record.name, LONGEST_NAME) {
        return Some(format!("the provider wants a record under a name of {} bytes, which is none", record.name.len()));
    }
    let control = |letter: char| letter.is_control() && !letter.is_ascii_whitespace();
    let length = record.value.chars().count();
    (length > LONGEST_VALUE || record.value.contains(control))
        .then(|| format!("the provider wants a record of {length} characters published, which cannot be one"))
}

fn is_plain(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::DcvMethod;

    fn validation(domain: &str) -> Validation {
        let record = DcvRecord { name: format!("_dcv.{domain}"), method: DcvMethod::DnsTxt, value: "a b\nc".into() };
        Validation {
            domain: domain.into(),
            valid: false,
            record: Some(record),
            emails: vec!["admin@example.com".into()],
            status: "pending".into(),
        }
    }

    #[test]
    fn what_is_sane_stays_as_it_is() {
        let sane = vec![validation("example.com"), Validation { record: None, ..validation("example.org") }];
        assert_eq!(bounded(sane.clone()), sane);
    }

    #[test]
    fn what_can_be_no_domain_is_left_out() {
        let long = "a.".repeat(200);
        let told = ["", long.as_str(), "exa\u{0}mple.com", "exämple.com", "example.com"].map(validation).to_vec();
        assert_eq!(bounded(told), [validation("example.com")]);
        let many = (0..1000).map(|number| validation(&format!("{number}.example.com"))).collect();
        assert_eq!(bounded(many).len(), MOST_NAMES);
    }

    #[test]
    fn a_record_that_can_be_none_is_said_to_be_none() {
        let with = |name: &str, value: &str| {
            let record = DcvRecord { name: name.into(), method: DcvMethod::DnsTxt, value: value.into() };
            bounded(vec![Validation { record: Some(record), ..validation("example.com") }]).remove(0)
        };
        for (name, value, why) in [
            (&*"n".repeat(321), "v", "under a name of 321 bytes"),
            ("", "v", "under a name of 0 bytes"),
            ("n", &*"é".repeat(1025), "of 1025 characters"),
            ("n", "\u{1b}[2J", "cannot be one"),
        ] {
            let told = with(name, value);
            assert!(told.record.is_none() && told.status.contains(why), "{told:?}");
        }
        assert!(with("n", &"é".repeat(1024)).record.is_some());
        let mut talkative = validation("example.com");
        talkative.status = "x".repeat(5000);
        talkative.emails = (0..99).map(|number| format!("{number}@example.com")).collect();
        talkative.emails.insert(0, "y".repeat(400));
        let told = bounded(vec![talkative]).remove(0);
        assert_eq!((told.status.len(), told.emails.len()), (LONGEST_STATUS, MOST_EMAILS));
        assert_eq!(told.emails[0], "0@example.com");
    }
}
