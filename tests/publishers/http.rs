//! Files answered by the operator's replicas. No data plane runs: the name leads to a replica itself, past the objects that
//! would lead there.

use anyhow::{Context, Result, ensure};
use harness::{Objects, Operator, SandboxOptions, condition};
use hickory_proto::rr::RData;
use kube::{
    Api,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
    core::GroupVersionKind,
};
use reqwest::{Client, StatusCode, header};

use super::*;

const SYSTEM: &str = "default";
const SERVICE: &str = "evercert-files:8082";
const DIR: &str = "/.well-known/pki-validation";

/// A world in which the CA, and the self-check, expect web servers at this port.
async fn world() -> Result<(Arc<Bind>, World, u16)> {
    let (bind, port) = (Arc::new(Bind::start().await?), free_port()?);
    let options = WorldOptions {
        sandbox: SandboxOptions { args: vec!["--http-port".into(), port.to_string()], ..SandboxOptions::default() },
        operator: vec!["--http-check-addresses".into(), format!("127.0.0.1:{port}")],
        bind: Some(bind.clone()),
        unlimited: true,
        ..WorldOptions::default()
    };
    Ok((bind, World::start(options).await?, port))
}

async fn operator(world: &World, port: u16) -> Result<Operator> {
    let listen = format!("127.0.0.1:{port}");
    world.operator_with(&[("EVERCERT_FILE_LISTEN", &listen), ("EVERCERT_FILE_SERVICE", SERVICE)]).await
}

/// A ClusterIssuer `files` of this provider, with `http` for all names.
async fn cluster_issuer(world: &World, mut spec: Value, http: Value) -> Result<()> {
    spec["dcv"] = json!({"publishers": [{"http": http}]});
    spec["policy"] = json!({"rules": [{"name": "all", "namespaceSelector": {}}]});
    system(world).create("ClusterIssuer", "files", spec).await.map(drop)
}

async fn digicert(world: &World, http: Value) -> Result<()> {
    let key = world.sandbox.ready()["digicert"]["apiKey"].as_str().context("no API key")?.to_owned();
    system(world).create_secret("digicert-api-key", "api-key", &key).await?;
    cluster_issuer(world, world.issuer(), http).await
}

fn system(world: &World) -> Objects {
    Objects { namespace: SYSTEM.to_owned(), ..world.objects.clone() }
}

fn issuer() -> Value {
    json!({"kind": "ClusterIssuer", "name": "files"})
}

/// The kinds of the standard channel.
async fn define(world: &World) -> Result<()> {
    let published = control_plane::gateway_api()?;
    for plural in ["gateways", "httproutes", "referencegrants"] {
        let file = published.join(format!("gateway.networking.k8s.io_{plural}.yaml"));
        world.kubectl(&["apply", "--server-side", "-f", &file.to_string_lossy()])?;
    }
    // It refuses to wait for one that has no conditions yet.
    let established = ["wait", "--for=condition=Established", "crd", "--all"];
    until("the kinds are known", async || Ok(world.kubectl(&established).is_ok())).await
}

/// Of all namespaces.
fn api(world: &World, group: &str, version: &str, kind: &str, plural: &str) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
    Api::all_with(world.objects.client.clone(), &resource)
}

fn routes(world: &World) -> Api<DynamicObject> {
    api(world, "gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes")
}

fn grants(world: &World) -> Api<DynamicObject> {
    api(world, "gateway.networking.k8s.io", "v1", "ReferenceGrant", "referencegrants")
}

fn ingresses(world: &World) -> Api<DynamicObject> {
    api(world, "networking.k8s.io", "v1", "Ingress", "ingresses")
}

async fn all(api: &Api<DynamicObject>) -> Result<Vec<Value>> {
    let listed = api.list(&Default::default()).await?;
    listed.items.into_iter().map(|object| Ok(serde_json::to_value(object)?)).collect()
}

async fn until_gone(world: &World, api: &Api<DynamicObject>) -> Result<()> {
    let gone = async || Ok(all(api).await?.is_empty());
    until("what led to the file is gone", gone).await.with_context(|| format!("{:?}", world.objects.namespace))
}

/// What a replica answers to a request for this name.
async fn asked(port: u16, host: &str, path: &str) -> Result<(StatusCode, String)> {
    let request = Client::new().get(format!("http://127.0.0.1:{port}{path}")).header(header::HOST, host);
    let answer = request.send().await?;
    Ok((answer.status(), answer.text().await?))
}

async fn point(bind: &Bind, name: &str) -> Result<()> {
    bind.put("example.com", name, RData::A(std::net::Ipv4Addr::LOCALHOST.into())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_validated_through_a_gateway_by_a_replica_that_waits_and_nothing_stays() -> Result<()> {
    let (bind, world, port) = world().await?;
    let infra = world.plane.namespace("infra").await?;
    digicert(&world, json!({"parentRefs": [{"namespace": infra, "name": "web", "sectionName": "http"}]})).await?;
    // The CA comes to the replica that waits.
    let leader_port = free_port()?;
    let _leader = operator(&world, leader_port).await?;
    let listen = format!("127.0.0.1:{port}");
    let standby = [("EVERCERT_FILE_LISTEN", listen.as_str()), ("EVERCERT_FILE_SERVICE", SERVICE)];
    let _standby = world.standby_with(&standby).await?;

    // First without the kinds, then without a Gateway.
    let objects = &world.objects;
    hold(&world, NAME, 1).await?;
    objects.create("Certificate", "shop", certificate(&issuer(), NAME)).await?;
    until_told(objects, "shop-1", "resource definitions of the Gateway API are not installed").await?;
    define(&world).await?;
    until_told(objects, "shop-1", "no Gateway's controller has taken it up").await?;
    let issuance = objects.get("Issuance", "shop-1").await?;
    ensure!(publisher(&issuance) == "http", "{:#}", issuance["status"]["validations"]);
    ensure!(issuance["status"]["validations"][0]["method"] == "Http");
    let certificate_now = objects.get("Certificate", "shop").await?;
    ensure!(condition(&certificate_now, "ActionRequired").is_none(), "nobody is asked for a file");

    let [route] = &all(&routes(&world)).await?[..] else { anyhow::bail!("one route") };
    ensure!(route["metadata"]["namespace"] == infra.as_str());
    ensure!(route["metadata"]["labels"]["evercert.dev/managed"] == "true");
    let spec = &route["spec"];
    ensure!(spec["hostnames"] == json!([NAME]), "{spec:#}");
    ensure!(spec["parentRefs"][0]["name"] == "web" && spec["parentRefs"][0]["sectionName"] == "http", "{spec:#}");
    let path = format!("{DIR}/fileauth.txt");
    ensure!(spec["rules"][0]["matches"][0]["path"] == json!({"type": "Exact", "value": path}), "{spec:#}");
    let backend = &spec["rules"][0]["backendRefs"][0];
    ensure!(backend["name"] == "evercert-files" && backend["namespace"] == SYSTEM && backend["port"] == 8082);
    let [grant] = &all(&grants(&world)).await?[..] else { anyhow::bail!("one grant") };
    ensure!(grant["metadata"]["namespace"] == SYSTEM);
    ensure!(
        grant["spec"]["from"][0]["namespace"] == infra.as_str() && grant["spec"]["to"][0]["name"] == "evercert-files"
    );

    // What the Gateway's controller says is passed on.
    let now = "2026-11-24T10:00:00Z";
    let refused = json!({"status": {"parents": [{
        "parentRef": {"name": "web", "namespace": infra}, "controllerName": "example.com/gateway",
        "conditions": [{
            "type": "Accepted", "status": "False", "reason": "NotAllowedByListeners", "message": "not from there",
            "lastTransitionTime": now, "observedGeneration": 1,
        }],
    }]}});
    let route_name = route["metadata"]["name"].as_str().context("a name")?;
    let here = Api::<DynamicObject>::namespaced_with(
        objects.client.clone(),
        &infra,
        &ApiResource::from_gvk(&GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "HTTPRoute")),
    );
    here.patch_status(route_name, &PatchParams::default(), &Patch::Merge(&refused)).await?;
    until_told(objects, "shop-1", "Gateway web says Accepted=False, NotAllowedByListeners: not from there").await?;
    // One that somebody deletes comes back.
    here.delete(route_name, &Default::default()).await?;
    until("the route is there again", async || Ok(!all(&routes(&world)).await?.is_empty())).await?;

    // Every replica answers for this name and path, and for nothing else.
    let token = token(&world, "shop-1").await?;
    for port in [leader_port, port] {
        until("the replica answers", async || Ok(asked(port, NAME, &path).await? == (StatusCode::OK, token.clone())))
            .await?;
        for (host, path) in [("www.example.com", &path), (NAME, &format!("{DIR}/other.txt"))] {
            ensure!(asked(port, host, path).await?.0 == StatusCode::NOT_FOUND, "{host} {path}");
        }
    }

    point(&bind, NAME).await?;
    let seen = |object: &Value| {
        object["status"]["validations"][0]["state"] == "Visible"
            || object["status"]["validations"][0]["state"] == "Valid"
    };
    objects.until("Issuance", "shop-1", "its file is seen", seen).await?;
    release(&world, "shop-1").await?;
    objects.until_ready("shop", 1).await?;
    until_gone(&world, &routes(&world)).await?;
    until_gone(&world, &grants(&world)).await?;
    until("nobody answers any more", async || Ok(asked(port, NAME, &path).await?.0 == StatusCode::NOT_FOUND)).await?;
    ensure!(world.sandbox.ledger().await?.paid(NAME) == 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_orders_with_one_file_take_turns() -> Result<()> {
    let (bind, world, port) = world().await?;
    define(&world).await?;
    digicert(&world, json!({"parentRefs": [{"name": "web"}]})).await?;
    let _operator = operator(&world, port).await?;
    let objects = &world.objects;
    objects.create("Certificate", "first", certificate(&issuer(), NAME)).await?;
    until_told(objects, "first-1", "no Gateway's controller has taken it up").await?;
    let mut second = certificate(&issuer(), NAME);
    second["secretName"] = json!("second-tls");
    objects.create("Certificate", "second", second).await?;
    until_told(objects, "second-1", &format!("is the file of Issuance {}/first-1 until", objects.namespace)).await?;
    ensure!(all(&routes(&world)).await?.len() == 1 && all(&grants(&world)).await?.is_empty(), "beside its Gateway");
    let first = token(&world, "first-1").await?;
    ensure!(asked(port, NAME, &format!("{DIR}/fileauth.txt")).await?.1 == first);

    point(&bind, NAME).await?;
    for name in ["first", "second"] {
        objects.until_ready(name, 1).await?;
    }
    until_gone(&world, &routes(&world)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sectigo_reads_its_file_behind_an_ingress() -> Result<()> {
    let (bind, world, port) = world().await?;
    point(&bind, NAME).await?;
    let customer = &world.sandbox.ready()["sectigo"];
    let password = customer["password"].as_str().context("no password")?.to_owned();
    system(&world).create_secret("scm-password", "password", &password).await?;
    let spec = json!({
        "sectigo": {
            "url": customer["url"], "customerUri": customer["customerUri"],
            "auth": {"password": {"login": customer["login"], "passwordSecretRef": {"name": "scm-password", "key": "password"}}},
            "orgId": customer["orgId"], "profileId": customer["profileId"], "term": 90,
        },
        "rateLimit": {"requests": 100_000, "per": "60s", "burst": 10_000},
    });
    let annotations = json!({"nginx.ingress.kubernetes.io/ssl-redirect": "false"});
    cluster_issuer(&world, spec, json!({"ingress": {"className": "nginx", "annotations": annotations}})).await?;

    // An operator that answers nothing says so.
    let objects = &world.objects;
    let mut quiet = world.operator().await?;
    objects.create("Certificate", "shop", certificate(&issuer(), NAME)).await?;
    until_told(objects, "shop-1", "the operator answers no files").await?;
    ensure!(all(&ingresses(&world)).await?.is_empty());
    quiet.terminate().await?;

    // It is there as long as nobody can see the file.
    let elsewhere = operator(&world, free_port()?).await?;
    until("an Ingress is there", async || Ok(!all(&ingresses(&world)).await?.is_empty())).await?;
    let [ingress] = &all(&ingresses(&world)).await?[..] else { anyhow::bail!("one Ingress") };
    ensure!(ingress["metadata"]["namespace"] == SYSTEM && ingress["metadata"]["annotations"] == annotations);
    let issuance = objects.get("Issuance", "shop-1").await?;
    let url = issuance["status"]["validations"][0]["record"]["name"].as_str().context("a URL")?.to_owned();
    let rule = &ingress["spec"]["rules"][0];
    let path = rule["http"]["paths"][0]["path"].as_str().context("a path")?;
    ensure!(format!("http://{NAME}{path}") == url && rule["host"] == NAME, "{rule:#} for {url}");
    ensure!(rule["http"]["paths"][0]["pathType"] == "Exact" && ingress["spec"]["ingressClassName"] == "nginx");
    drop(elsewhere);
    world.drop_lease().await?;

    let _operator = operator(&world, port).await?;
    objects.until_ready("shop", 1).await?;
    until_gone(&world, &ingresses(&world)).await
}
