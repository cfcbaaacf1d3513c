#![allow(clippy::unwrap_used)]

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use super::*;

fn file() -> File {
    let url = "http://shop.example.com/.well-known/pki-validation/fileauth.txt".to_owned();
    File { url, content: "token".to_owned() }
}

/// Needs a runtime, and nobody behind it.
fn routes(way: Way) -> HttpRoutes {
    let config = kube::Config::new("http://127.0.0.1:1".parse().unwrap());
    HttpRoutes {
        client: Client::try_from(config).unwrap(),
        service: Service { namespace: "evercert".into(), name: "evercert-files".into(), port: 80 },
        way,
        names: vec!["shop.example.com".into(), "*.example.org".into()],
        installation: "one".into(),
        mark: [("evercert.dev/managed".to_owned(), "true".to_owned())].into(),
        field_manager: "evercert",
    }
}

fn gateway(namespace: &str, name: &str) -> (String, Value) {
    (namespace.to_owned(), json!({"name": name, "namespace": namespace}))
}

fn shown(objects: &[Object]) -> Vec<(Kind, &str)> {
    objects.iter().map(|object| (object.kind, object.namespace.as_str())).collect()
}

#[tokio::test]
async fn a_route_is_beside_its_gateway_and_let_into_another_namespace() {
    use Kind::{HttpRoute, Ingress, ReferenceGrant};
    let here = routes(Way::Gateways(vec![gateway("evercert", "web")])).objects(&file()).unwrap();
    assert_eq!(shown(&here), [(HttpRoute, "evercert")], "nobody has to let it in");

    let parents = vec![gateway("infra", "web"), gateway("evercert", "own"), gateway("infra", "more")];
    let objects = routes(Way::Gateways(parents)).objects(&file()).unwrap();
    assert_eq!(shown(&objects), [(HttpRoute, "evercert"), (HttpRoute, "infra"), (ReferenceGrant, "evercert")]);
    let from = &objects[2].content["spec"]["from"];
    assert_eq!(*from, json!([{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "infra"}]));
    let spec = &objects[1].content["spec"];
    assert_eq!(spec["parentRefs"].as_array().unwrap().len(), 2);
    assert_eq!(spec["hostnames"], json!(["shop.example.com"]));
    let path = json!({"type": "Exact", "value": "/.well-known/pki-validation/fileauth.txt"});
    assert_eq!(spec["rules"][0]["matches"], json!([{"path": path}]));
    let backend = json!([{"name": "evercert-files", "namespace": "evercert", "port": 80}]);
    assert_eq!(spec["rules"][0]["backendRefs"], backend);

    let annotations = [("a".to_owned(), "b".to_owned())].into();
    let way = Way::Ingress { class_name: Some("nginx".into()), annotations };
    let objects = routes(way).objects(&file()).unwrap();
    assert_eq!(shown(&objects), [(Ingress, "evercert")]);
    assert_eq!(objects[0].content["metadata"]["annotations"], json!({"a": "b"}));
    assert_eq!(objects[0].content["spec"]["ingressClassName"], "nginx");
}

#[tokio::test]
async fn what_is_not_the_same_has_another_name() {
    let name = |routes: &HttpRoutes, file: &File| routes.objects(file).unwrap().remove(0).name;
    let ours = routes(Way::Gateways(vec![gateway("evercert", "web")]));
    let theirs = HttpRoutes { installation: "another".into(), ..routes(ours.way.clone()) };
    let other = File { content: "other".into(), ..file() };
    assert_eq!(name(&ours, &file()), name(&ours, &file()));
    assert_ne!(name(&ours, &file()), name(&theirs, &file()));
    assert_ne!(name(&ours, &file()), name(&ours, &other));
}

#[tokio::test]
async fn only_a_validation_file_at_a_name_that_was_asked_for_is_led_to() {
    let ours = routes(Way::Gateways(vec![gateway("evercert", "web")]));
    let at = |url: &str| ours.objects(&File { url: url.into(), ..file() }).map(drop);
    for host in ["shop.example.com", "example.com", "example.org"] {
        assert_eq!(at(&format!("http://{host}/.well-known/pki-validation/ABC.txt")), Ok(()), "{host}");
    }
    for url in [
        "http://www.example.com/.well-known/pki-validation/fileauth.txt",
        "http://hop.example.com/.well-known/pki-validation/fileauth.txt",
        "http://shop.example.com/login",
        "http://shop.example.com/.well-known/pki-validation/../../login",
        "http://192.0.2.1/.well-known/pki-validation/fileauth.txt",
        "shop.example.com",
    ] {
        assert!(matches!(at(url), Err(PublishError::Malformed { .. })), "{url}");
    }
}

#[test]
fn what_gateways_say_against_a_route_is_told() {
    let silent = objections_of(&json!({"spec": {}}));
    assert_eq!(silent, ["no Gateway's controller has taken it up"]);
    let condition =
        |type_: &str, status: &str| json!({"type": type_, "status": status, "reason": "NoMatch", "message": "m"});
    let parent = |conditions: Value| json!({"parentRef": {"name": "web"}, "conditions": conditions});
    let route = |parents: Value| json!({"status": {"parents": parents}});
    assert!(objections_of(&route(json!([parent(json!([condition("Accepted", "True")]))]))).is_empty());
    let refused = route(json!([parent(json!([condition("Accepted", "False"), condition("ResolvedRefs", "True")]))]));
    assert_eq!(objections_of(&refused), ["Gateway web says Accepted=False, NoMatch: m"]);
    assert!(objections_of(&json!({"status": {"parents": "?"}})).len() == 1, "whatever a controller writes");
}

/// What an API server has, by path.
type Store = Arc<Mutex<BTreeMap<String, Value>>>;

/// One that applies, shows and deletes; grants it lets nobody make when it is `strict`.
fn server(store: &Store, strict: bool) -> Client {
    let store = store.clone();
    let answer = move |request: http::Request<kube::client::Body>| {
        let store = store.clone();
        async move {
            let (parts, body) = request.into_parts();
            let (path, body) = (parts.uri.path().to_owned(), body.collect_bytes().await.unwrap());
            let mut held = store.lock().unwrap();
            let found = match parts.method {
                http::Method::PATCH if strict && path.contains("referencegrants") => Err(403),
                http::Method::PATCH => {
                    let mut object: Value = serde_json::from_slice(&body).unwrap();
                    object["metadata"]["uid"] = json!(path);
                    held.insert(path, object.clone());
                    Ok(object)
                }
                http::Method::DELETE => held.remove(&path).ok_or(404),
                _ => held.get(&path).cloned().ok_or(404),
            };
            let (code, said) = match found {
                Ok(object) => (200, object),
                Err(code) => {
                    let reason = if code == 404 { "NotFound" } else { "Forbidden" };
                    (code, json!({"kind": "Status", "apiVersion": "v1", "reason": reason, "code": code}))
                }
            };
            let answer =
                http::Response::builder().status(code).body(kube::client::Body::from(said.to_string().into_bytes()));
            Ok::<_, Infallible>(answer.unwrap())
        }
    };
    Client::new(tower::service_fn(answer), "evercert")
}

fn kept(store: &Store) -> BTreeMap<String, Value> {
    store.lock().unwrap().clone()
}

#[tokio::test]
async fn what_leads_to_a_file_is_made_seen_and_gone() {
    let store = Store::default();
    let way = Way::Gateways(vec![gateway("infra", "web")]);
    let ours = HttpRoutes { client: server(&store, false), ..routes(way.clone()) };
    assert_eq!(ours.observe(&file()).await, Ok(Observed::Absent));
    for _ in 0..2 {
        ours.ensure(&file()).await.unwrap();
        assert_eq!(kept(&store).len(), 2, "a route and a grant");
    }
    assert_eq!(ours.observe(&file()).await, Ok(Observed::Present));
    for _ in 0..2 {
        ours.remove(&file()).await.unwrap();
        assert_eq!(kept(&store), BTreeMap::new());
    }

    let refused = HttpRoutes { client: server(&store, true), ..routes(way) };
    let told = refused.ensure(&file()).await.unwrap_err().to_string();
    assert!(told.contains("ReferenceGrants in namespace evercert) refused with Forbidden"), "{told}");
    assert_eq!(kept(&store), BTreeMap::new(), "half a way leads nowhere");
}

#[tokio::test]
async fn what_somebody_else_has_made_is_left_alone() {
    let store = Store::default();
    let way = Way::Gateways(vec![gateway("evercert", "web")]);
    let ours = HttpRoutes { client: server(&store, false), ..routes(way.clone()) };
    ours.ensure(&file()).await.unwrap();
    // The same name in spite of all.
    for object in store.lock().unwrap().values_mut() {
        object["metadata"]["labels"] = json!({"evercert.dev/managed": "false"});
    }
    let theirs = kept(&store);
    assert_eq!(ours.observe(&file()).await, Ok(Observed::Absent));
    assert!(matches!(ours.ensure(&file()).await, Err(PublishError::Conflict { .. })));
    assert_eq!(ours.remove(&file()).await, Ok(()));
    assert_eq!(kept(&store), theirs);
}
