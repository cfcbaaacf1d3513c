use serde_json::{Value, json};

use super::*;

fn rfc2136(zones: &[&str]) -> Value {
    let tsig = json!({"keyName": "k", "secretRef": {"name": "k", "key": "k"}});
    json!({"zones": zones, "rfc2136": {"nameserver": "192.0.2.53", "tsig": tsig}})
}

fn dnsimple(zones: &[&str]) -> Value {
    json!({"zones": zones, "dnsimple": {"accountId": 1010, "tokenSecretRef": {"name": "k", "key": "k"}}})
}

fn external_dns(zones: &[&str]) -> Value {
    json!({"zones": zones, "externalDns": {}})
}

fn webhook(zones: &[&str]) -> Value {
    json!({"zones": zones, "certManagerWebhook": {"groupName": "acme.example.com", "solverName": "dns"}})
}

fn http(zones: &[&str]) -> Value {
    json!({"zones": zones, "http": {"parentRefs": [{"name": "web"}]}})
}

fn manual(zones: &[&str]) -> Value {
    json!({"zones": zones, "manual": {}})
}

fn issuer(vendor: Vendor, method: &str, publishers: &[Value]) -> IssuerSpec {
    let mut spec = json!({"dcv": {"method": method, "publishers": publishers}});
    if vendor == Vendor::Sectigo {
        spec["sectigo"] = json!({
            "customerUri": "shop", "orgId": 42, "profileId": 5120, "term": 199,
            "auth": {"password": {"login": "admin", "passwordSecretRef": {"name": "scm", "key": "password"}}},
        });
    }
    serde_json::from_value(spec).expect("an issuer")
}

fn publishers(entries: &[Value]) -> Vec<Publisher> {
    entries.iter().map(|entry| serde_json::from_value(entry.clone()).expect("a publisher")).collect()
}

const SHOP: &str = "shop.example.com";
const ORG: &str = "example.org";

#[test]
fn what_the_issuer_says_is_the_method() {
    for (said, expected) in [("DnsTxt", DnsTxt), ("DnsCname", DnsCname), ("Http", Http), ("Email", Email)] {
        for vendor in [Vendor::DigiCert, Vendor::Sectigo] {
            assert_eq!(method(&issuer(vendor, said, &[rfc2136(&[])]), [SHOP]), expected, "{vendor:?} {said}");
        }
    }
}

#[test]
fn else_it_is_the_best_that_the_publishers_of_all_names_carry() {
    let cases: [(Vendor, &[Value], &[&str], ValidationMethod); 18] = [
        (Vendor::DigiCert, &[], &[SHOP], DnsTxt),
        (Vendor::Sectigo, &[], &[SHOP], DnsCname),
        (Vendor::DigiCert, &[rfc2136(&[])], &[SHOP, ORG], DnsTxt),
        (Vendor::Sectigo, &[rfc2136(&[])], &["*.example.org", ORG], DnsCname),
        (Vendor::Sectigo, &[manual(&["example.com"]), rfc2136(&[])], &[SHOP, ORG], DnsCname),
        (Vendor::DigiCert, &[rfc2136(&["example.com"])], &[SHOP, ORG], DnsTxt),
        (Vendor::Sectigo, &[dnsimple(&["example.com"]), manual(&[])], &[SHOP, "*.example.com"], DnsCname),
        (Vendor::Sectigo, &[external_dns(&[])], &[SHOP], DnsCname),
        (Vendor::Sectigo, &[webhook(&[])], &[SHOP, ORG], DnsTxt),
        (Vendor::Sectigo, &[webhook(&["example.com"]), rfc2136(&[])], &[SHOP, ORG], DnsTxt),
        (Vendor::Sectigo, &[webhook(&["example.com"]), rfc2136(&[])], &[ORG], DnsCname),
        (Vendor::Sectigo, &[webhook(&["example.com"])], &[SHOP, ORG], DnsCname),
        (Vendor::DigiCert, &[http(&[])], &[SHOP, ORG], Http),
        (Vendor::Sectigo, &[http(&[])], &[SHOP], Http),
        (Vendor::DigiCert, &[http(&[])], &[SHOP, "*.example.com"], DnsTxt),
        (Vendor::DigiCert, &[http(&[]), manual(&[])], &["*.example.com"], DnsTxt),
        (Vendor::DigiCert, &[http(&["example.com"]), rfc2136(&[])], &[SHOP, ORG], DnsTxt),
        (Vendor::DigiCert, &[http(&["example.com"]), manual(&[])], &[SHOP], Http),
    ];
    for (vendor, publishers, names, expected) in cases {
        let issuer = issuer(vendor, "Auto", publishers);
        assert_eq!(method(&issuer, names.iter().copied()), expected, "{vendor:?} {publishers:?} {names:?}");
    }
    assert_eq!(method(&IssuerSpec::default(), [SHOP]), DnsTxt);
}

#[test]
fn a_record_goes_to_the_closest_publisher_that_carries_it() {
    let entries = publishers(&[
        rfc2136(&[]),
        manual(&["example.com"]),
        rfc2136(&["example.org", "shop.Example.com."]),
        manual(&["shop.example.com"]),
        manual(&[]),
    ]);
    let index = |name: &str, method| {
        let found = publisher(&entries, name, method)?;
        entries.iter().position(|entry| std::ptr::eq(entry, found))
    };
    for (name, method, expected) in [
        ("example.com", DnsTxt, Some(1)),
        ("EXAMPLE.com.", DnsTxt, Some(1)),
        ("_dnsauth.www.example.com", DnsCname, Some(1)),
        ("shop.example.com", DnsTxt, Some(2)),
        ("a.shop.example.com", DnsCname, Some(2)),
        ("a.shop.example.com", Http, Some(3)),
        ("notexample.com", DnsTxt, Some(0)),
        ("example.net", DnsTxt, Some(0)),
        ("example.net", Http, Some(4)),
        ("*.example.net", Http, None),
        ("example.net", Email, None),
    ] {
        assert_eq!(index(name, method), expected, "{name} {method:?}");
    }
    assert_eq!(publisher(&publishers(&[rfc2136(&["example.com"])]), "example.net", DnsTxt), None);
    let kept = publisher_of(&entries, "a.shop.example.com", PublisherKind::Manual);
    assert!(std::ptr::eq(kept.expect("one"), &entries[3]), "the one it was given to");
}
