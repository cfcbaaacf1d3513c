use super::*;

fn publisher(labels: &[(&str, &str)]) -> ExternalDns {
    // Nobody is asked: any address will do.
    let config = kube::Config::new("http://127.0.0.1:1".parse().expect("a URL"));
    ExternalDns {
        client: Client::try_from(config).expect("a client"),
        namespace: "web".into(),
        labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        mark: ("evercert.dev/managed", "true"),
        installation: "here".into(),
        ours: BTreeSet::new(),
        dns: None,
    }
}

fn record(name: &str, kind: Kind, value: &str) -> Record {
    Record { name: name.into(), kind, value: value.into(), ttl: TTL }
}

fn txt(value: &str) -> Record {
    record("shop.example.com", Kind::Txt, value)
}

fn written(change: Result<Change, PublishError>) -> DNSEndpoint {
    match change {
        Ok(Change::Create(object) | Change::Replace(object)) => object,
        _ => panic!("it is to be written"),
    }
}

#[tokio::test]
async fn a_name_and_type_has_one_object_for_all_its_values() {
    let ours = publisher(&[("external-dns", "public")]);
    let first = written(ours.with(&txt("b"), None));
    assert_eq!(first.spec.endpoints.len(), 1);
    let labels = first.metadata.labels.clone().unwrap_or_default();
    assert_eq!(labels.get("external-dns").map(String::as_str), Some("public"));
    assert!(matches!(ours.with(&txt("b"), Some(first.clone())), Ok(Change::Nothing)));
    let second = written(ours.with(&txt("a"), Some(first)));
    assert_eq!(targets(&second), ["a", "b"].map(String::from).into());

    let left = written(Ok(ours.without(&txt("b"), Some(second.clone()))));
    assert_eq!(targets(&left), ["a".to_owned()].into());
    assert!(matches!(ours.without(&txt("nobody's"), Some(left.clone())), Change::Nothing));
    assert!(matches!(ours.without(&txt("a"), Some(left)), Change::Delete(_)));
    assert!(matches!(ours.without(&txt("a"), None), Change::Nothing));
}

#[tokio::test]
async fn what_somebody_else_made_is_left_alone() {
    let ours = publisher(&[]);
    let mut theirs = written(ours.with(&txt("a"), None));
    theirs.metadata.labels = None;
    let told = ours.with(&txt("b"), Some(theirs.clone())).err().map(|error| error.to_string());
    assert!(told.is_some_and(|told| told.contains("which is not Evercert's")));
    assert!(matches!(ours.without(&txt("a"), Some(theirs)), Change::Nothing));
}

#[tokio::test]
async fn a_name_has_one_cname() {
    let ours = publisher(&[]);
    let cname = |target: &str| record("_dnsauth.shop.example.com", Kind::Cname, target);
    let first = written(ours.with(&cname("a.dcv.digicert.com."), None));
    assert_eq!(targets(&first), ["a.dcv.digicert.com".to_owned()].into());
    let second = ours.with(&cname("b.dcv.digicert.com"), Some(first)).err();
    assert!(matches!(second, Some(PublishError::Conflict { .. })), "{second:?}");
}

#[tokio::test]
async fn objects_of_others_have_other_names() {
    let (ours, labelled) = (publisher(&[]), publisher(&[("external-dns", "public")]));
    let elsewhere = ExternalDns { installation: "there".into(), ..publisher(&[]) };
    let cname = record("shop.example.com", Kind::Cname, "a");
    let names = [ours.name(&txt("a")), labelled.name(&txt("a")), elsewhere.name(&txt("a")), ours.name(&cname)];
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    assert_eq!(ours.name(&txt("a")), ours.name(&record("SHOP.example.com.", Kind::Txt, "b")));
    assert!(names[0].starts_with("dcv-shop-example-com-txt-"), "{}", names[0]);

    let longest = format!("_dnsauth.{}.example.com", vec!["x".repeat(60); 3].join("."));
    for name in ["_dnsauth.shop.example.com", "*.example.com", "_", &longest] {
        let name = ours.name(&record(name, Kind::Cname, "a"));
        let allowed = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        assert!(name.len() <= 253 && allowed && !name.ends_with('-'), "{name}");
    }
}

#[test]
fn a_text_that_is_no_word_is_quoted() {
    for (value, expected) in
        [("2iz3ijvi_t-q=", "2iz3ijvi_t-q="), ("a;b c", r#""a;b c""#), (r#"a"b\"#, r#""a\"b\\""#), ("", "\"\"")]
    {
        assert_eq!(target(&txt(value)), expected);
    }
}
