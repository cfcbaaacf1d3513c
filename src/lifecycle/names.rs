//! The names a certificate is asked for.

use std::collections::BTreeSet;

use crate::api::CertificateSpec;

/// RFC 5280 appendix A.1, ub-common-name.
const LONGEST_COMMON_NAME: usize = 64;

/// Every wanted name, the common name included.
pub fn wanted(spec: &CertificateSpec) -> BTreeSet<String> {
    spec.dns_names.iter().chain(&spec.common_name).map(|name| name.to_ascii_lowercase()).collect()
}

/// The spec's common name; else the previous one for as long as it is wanted, so that adding a name does not change
/// the subject; else the first wanted name that fits. `None` when none fits.
pub fn common_name(spec: &CertificateSpec, previous: Option<&str>) -> Option<String> {
    if let Some(name) = &spec.common_name {
        return Some(name.to_ascii_lowercase());
    }
    let fitting: BTreeSet<String> = wanted(spec).into_iter().filter(|name| name.len() <= LONGEST_COMMON_NAME).collect();
    match previous {
        Some(name) if fitting.contains(name) => Some(name.to_owned()),
        _ => fitting.into_iter().next(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spec(common_name: Option<&str>, dns_names: &[&str]) -> CertificateSpec {
        CertificateSpec {
            common_name: common_name.map(str::to_owned),
            dns_names: dns_names.iter().map(|&name| name.to_owned()).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn the_common_name_is_the_specs_then_the_kept_then_the_first_that_fits() {
        let long = format!("{}.example.com", "a".repeat(60));
        let choose = |set, previous, names: &[&str]| common_name(&spec(set, names), previous);
        let chosen = |name: &str| Some(name.to_owned());
        assert_eq!(choose(Some("b.org"), Some("a.org"), &["a.org", "b.org"]), chosen("b.org"));
        assert_eq!(choose(None, Some("b.org"), &["a.org", "b.org"]), chosen("b.org"));
        assert_eq!(choose(None, Some("gone.org"), &["b.org", "a.org"]), chosen("a.org"));
        assert_eq!(choose(None, None, &["b.org", "a.org"]), chosen("a.org"));
        assert_eq!(choose(None, None, &[&long, "b.org"]), chosen("b.org"));
        assert_eq!(choose(None, Some(&long), &[&long, "b.org"]), chosen("b.org"));
        assert_eq!(choose(None, None, &[&long]), None);
    }

    #[test]
    fn wanted_names_are_a_set_in_lower_case() {
        let names = wanted(&spec(Some("c.org"), &["B.org", "a.org", "b.org"]));
        assert_eq!(names, ["a.org", "b.org", "c.org"].map(str::to_owned).into());
    }

    proptest! {
        #[test]
        fn the_choice_is_wanted_and_rests(names in proptest::collection::vec("[a-z]{1,40}\\.[a-z]{2,40}", 1..6)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let spec = spec(None, &names);
            if let Some(first) = common_name(&spec, None) {
                prop_assert!(wanted(&spec).contains(&first) && first.len() <= LONGEST_COMMON_NAME);
                let again = common_name(&spec, Some(&first));
                prop_assert_eq!(again, Some(first));
            }
        }
    }
}
