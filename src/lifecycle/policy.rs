//! What an issuer's policy lets a Certificate ask for.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::{Selector, SelectorExt};

use crate::api::issuer::{IssuerKind, PolicyRule};

/// What a Certificate asks for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub namespace: &'a str,
    pub namespace_labels: &'a BTreeMap<String, String>,
    pub names: &'a BTreeSet<String>,
    /// A product other than the issuer's.
    pub product: Option<&'a str>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Verdict<'a> {
    /// By this rule; by none only when an Issuer has no rules.
    Allowed(Option<&'a PolicyRule>),
    /// A sentence for the Certificate's condition.
    Refused(String),
}

/// The first rule for the namespace decides.
///
/// An Issuer without rules serves its own namespace, as one rule without limits would: any name, the issuer's
/// product only.
pub fn judge<'a>(kind: IssuerKind, rules: &'a [PolicyRule], asked: &Asked<'_>) -> Verdict<'a> {
    let rule = match rule_for(kind, rules, asked.namespace, asked.namespace_labels) {
        Ok(rule) => rule,
        Err(why) => return Verdict::Refused(why),
    };
    match refusal(rule.unwrap_or(&PolicyRule::default()), asked) {
        None => Verdict::Allowed(rule),
        Some(what) => Verdict::Refused(match rule {
            Some(rule) => format!("policy rule {} of the issuer does not allow {what}", rule.name),
            None => format!("the issuer has no policy rule that allows {what}"),
        }),
    }
}

/// The rule that decides for a namespace; none when an Issuer has no rules; or a sentence that says who is not served.
pub fn rule_for<'a>(
    kind: IssuerKind,
    rules: &'a [PolicyRule],
    namespace: &str,
    labels: &BTreeMap<String, String>,
) -> Result<Option<&'a PolicyRule>, String> {
    match (rules.iter().find(|rule| selects(rule, labels)), kind) {
        (Some(rule), _) => Ok(Some(rule)),
        (None, IssuerKind::Issuer) if rules.is_empty() => Ok(None),
        _ => Err(format!("no policy rule of the issuer is for namespace {namespace}")),
    }
}

/// A selector that cannot be understood selects nothing.
fn selects(rule: &PolicyRule, labels: &BTreeMap<String, String>) -> bool {
    let selector = rule.namespace_selector.clone().unwrap_or_default();
    Selector::try_from(selector).is_ok_and(|selector| selector.matches(labels))
}

fn refusal(rule: &PolicyRule, asked: &Asked<'_>) -> Option<String> {
    let allowed =
        |name: &str| rule.allowed_domains.is_empty() || rule.allowed_domains.iter().any(|of| covers(of, name));
    let mut refused = asked.names.iter().filter(|name| !allowed(name));
    if let Some(name) = refused.next() {
        return Some(match refused.count() {
            0 => name.clone(),
            more => format!("{name} and {more} more of the names"),
        });
    }
    let product = asked.product.filter(|product| !rule.products.iter().any(|listed| listed == product))?;
    Some(format!("product {product}"))
}

/// `*.example.com` covers everything below the apex, at any depth, wildcards included; any other entry covers itself.
fn covers(allowed: &str, name: &str) -> bool {
    match allowed.strip_prefix("*.") {
        Some(apex) => name.strip_suffix(apex).is_some_and(|below| below.len() > 1 && below.ends_with('.')),
        None => name == allowed,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
    use proptest::prelude::*;

    use super::*;

    fn strings<C: FromIterator<String>>(items: &[&str]) -> C {
        items.iter().map(|&item| item.to_owned()).collect()
    }

    fn rule(name: &str, label: Option<(&str, &str)>, domains: &[&str], products: &[&str]) -> PolicyRule {
        let match_labels = label.map(|(key, value)| BTreeMap::from([(key.to_owned(), value.to_owned())]));
        PolicyRule {
            name: name.to_owned(),
            namespace_selector: match_labels
                .map(|labels| LabelSelector { match_labels: Some(labels), ..Default::default() }),
            allowed_domains: strings(domains),
            products: strings(products),
            ..PolicyRule::default()
        }
    }

    fn ask<'a>(
        kind: IssuerKind,
        rules: &'a [PolicyRule],
        team: &str,
        names: &[&str],
        product: Option<&str>,
    ) -> Verdict<'a> {
        let labels = BTreeMap::from([("team".to_owned(), team.to_owned())]);
        let names = strings(names);
        judge(kind, rules, &Asked { namespace: "web", namespace_labels: &labels, names: &names, product })
    }

    fn refused(sentence: &str) -> Verdict<'static> {
        Verdict::Refused(sentence.to_owned())
    }

    #[test]
    fn the_first_rule_for_the_namespace_decides() {
        let shop = rule("shop", Some(("team", "shop")), &["*.example.com", "example.com"], &["ssl_basic"]);
        let rest = rule("rest", None, &["*.example.org"], &[]);
        let rules = [shop.clone(), rest.clone()];
        let judge = |team, names: &[&str], product| ask(IssuerKind::ClusterIssuer, &rules, team, names, product);

        assert_eq!(judge("shop", &["example.com", "a.b.example.com"], None), Verdict::Allowed(Some(&shop)));
        assert_eq!(judge("shop", &["example.com"], Some("ssl_basic")), Verdict::Allowed(Some(&shop)));
        assert_eq!(judge("blog", &["www.example.org"], None), Verdict::Allowed(Some(&rest)));
        assert_eq!(
            judge("shop", &["a.example.org", "example.com"], None),
            refused("policy rule shop of the issuer does not allow a.example.org")
        );
        assert_eq!(
            judge("shop", &["a.org", "b.org", "c.org", "example.com"], None),
            refused("policy rule shop of the issuer does not allow a.org and 2 more of the names")
        );
        assert_eq!(
            judge("blog", &["www.example.org"], Some("ssl_basic")),
            refused("policy rule rest of the issuer does not allow product ssl_basic")
        );
    }

    #[test]
    fn without_a_rule_only_an_issuer_without_rules_serves() {
        let nobody = refused("no policy rule of the issuer is for namespace web");
        let shop = [rule("shop", Some(("team", "shop")), &[], &[])];
        assert_eq!(ask(IssuerKind::Issuer, &[], "blog", &["a.org"], None), Verdict::Allowed(None));
        assert_eq!(
            ask(IssuerKind::Issuer, &[], "blog", &["a.org"], Some("ssl_ev_basic")),
            refused("the issuer has no policy rule that allows product ssl_ev_basic")
        );
        assert_eq!(ask(IssuerKind::Issuer, &shop, "blog", &["a.org"], None), nobody);
        assert_eq!(ask(IssuerKind::ClusterIssuer, &[], "blog", &["a.org"], None), nobody);
        assert_eq!(ask(IssuerKind::ClusterIssuer, &shop, "blog", &["a.org"], None), nobody);
    }

    #[test]
    fn selectors_mean_what_they_mean_to_kubernetes() {
        let expression = |key: &str, operator: &str, values: &[&str]| LabelSelector {
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: key.to_owned(),
                operator: operator.to_owned(),
                values: (!values.is_empty()).then(|| strings(values)),
            }]),
            ..Default::default()
        };
        let table = [
            (LabelSelector::default(), true),
            (expression("team", "In", &["blog", "shop"]), true),
            (expression("team", "In", &["blog"]), false),
            (expression("other", "In", &["shop"]), false),
            (expression("team", "NotIn", &["shop"]), false),
            (expression("team", "NotIn", &["blog"]), true),
            (expression("other", "NotIn", &["shop"]), true),
            (expression("team", "Exists", &[]), true),
            (expression("other", "Exists", &[]), false),
            (expression("team", "DoesNotExist", &[]), false),
            (expression("other", "DoesNotExist", &[]), true),
            (expression("team", "Unheard", &[]), false),
            (
                LabelSelector {
                    match_labels: Some([("team".to_owned(), "shop".to_owned())].into()),
                    ..expression("other", "Exists", &[])
                },
                false,
            ),
        ];
        for (selector, matches) in table {
            let rules = [PolicyRule { namespace_selector: Some(selector.clone()), ..rule("one", None, &[], &[]) }];
            let verdict = ask(IssuerKind::ClusterIssuer, &rules, "shop", &["a.org"], None);
            assert_eq!(matches!(verdict, Verdict::Allowed(_)), matches, "{selector:?}");
        }
    }

    #[test]
    fn a_wildcard_covers_any_depth_and_itself_but_not_the_apex() {
        let table = [
            ("*.example.com", "www.example.com", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "*.example.com", true),
            ("*.example.com", "*.a.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", ".example.com", false),
            ("*.example.com", "badexample.com", false),
            ("*.example.com", "www.example.com.evil.org", false),
            ("example.com", "example.com", true),
            ("example.com", "www.example.com", false),
            ("example.com", "*.example.com", false),
        ];
        for (allowed, name, expected) in table {
            assert_eq!(covers(allowed, name), expected, "{allowed} {name}");
        }
    }

    proptest! {
        #[test]
        fn nothing_outside_is_ever_covered(allowed in "(\\*\\.)?[a-c]{1,2}\\.[a-c]{1,2}", name in "(\\*\\.)?([a-c]{1,2}\\.){1,3}[a-c]{1,2}") {
            let apex = allowed.trim_start_matches("*.");
            if covers(&allowed, &name) {
                let below = name.strip_suffix(apex).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
                prop_assert!(below);
                prop_assert!((name == apex) != allowed.starts_with("*."));
            }
        }
    }
}
