//! Names as DNSimple wants them: one label below a domain, and the rest whole.

use std::collections::BTreeSet;

use crate::provider::CallError;

/// What is left of a name above its domain: `www`, `*`, `a.b`, nothing for the domain itself. `None`: it is in another one.
pub(super) fn label(name: &str, domain: &str) -> Option<String> {
    if name == domain {
        return Some(String::new());
    }
    Some(name.strip_suffix(domain)?.strip_suffix('.')?.to_owned())
}

/// What a common name brings along.
pub(super) struct Below<'a> {
    common_name: &'a str,
    domain: &'a str,
}

impl<'a> Below<'a> {
    pub fn of(common_name: &'a str, domain: &'a str) -> Self {
        Self { common_name, domain }
    }

    /// *Purchase a Let's Encrypt certificate*: `www` covers its domain too, which as a further name would need a larger
    /// plan.
    fn brings(&self, name: &str) -> bool {
        let www = self.common_name.strip_prefix("www.") == Some(self.domain);
        name == self.common_name || www && name == self.domain
    }

    /// The names that have to be asked for beside it.
    pub fn alternate(&self, names: &[String]) -> Vec<String> {
        names.iter().filter(|name| !self.brings(name)).cloned().collect()
    }

    /// Whether a certificate of this common name with these names is the one that was asked for.
    pub fn is_for(&self, names: &[String], shown: &BTreeSet<String>) -> bool {
        let further = |name: &&str| !self.brings(name);
        let asked: BTreeSet<&str> = names.iter().map(String::as_str).filter(further).collect();
        let there: BTreeSet<&str> = shown.iter().map(String::as_str).filter(further).collect();
        asked == there
    }
}

pub(super) fn not_below(name: &str, domain: &str) -> CallError {
    CallError::Blocked {
        call: "getDomain",
        code: "other_domain".into(),
        message: format!("{name} is not in the domain {domain}, and a certificate of DNSimple is of one domain"),
        action: "Use a Certificate for each domain".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_label_is_what_stands_before_the_domain() {
        for (name, expected) in [
            ("example.com", Some("")),
            ("www.example.com", Some("www")),
            ("*.example.com", Some("*")),
            ("a.b.example.com", Some("a.b")),
            ("notexample.com", None),
            ("example.org", None),
        ] {
            assert_eq!(label(name, "example.com").as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn www_brings_its_domain_along_and_nothing_else_does() {
        let both = strings(&["www.example.com", "example.com"]);
        assert!(Below::of("www.example.com", "example.com").alternate(&both).is_empty());
        assert_eq!(Below::of("example.com", "example.com").alternate(&both), ["www.example.com"]);
        let shop = strings(&["shop.example.com", "example.com"]);
        assert_eq!(Below::of("shop.example.com", "example.com").alternate(&shop), ["example.com"]);
    }

    #[test]
    fn a_certificate_is_known_by_all_its_names() {
        let below = Below::of("www.example.com", "example.com");
        let shown = |names: &[&str]| strings(names).into_iter().collect();
        let asked = strings(&["www.example.com", "example.com"]);
        assert!(below.is_for(&asked, &shown(&["www.example.com"])), "the domain is not listed");
        assert!(below.is_for(&asked, &shown(&["www.example.com", "example.com"])));
        assert!(!below.is_for(&asked, &shown(&["www.example.com", "a.example.com"])));
        assert!(!below.is_for(&strings(&["www.example.com", "a.example.com"]), &shown(&["www.example.com"])));
    }
}
