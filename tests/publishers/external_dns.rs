//! Through ExternalDNS.

use anyhow::{Context, Result, ensure};
use control_plane::Supervisor;
use harness::{
    World,
    bind::{Bind, Server, UPDATE_KEY},
};
use hickory_proto::rr::RecordType;
use kube::{
    Api,
    api::{ApiResource, DynamicObject, PostParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{NAME, certificate, hold, publisher, release, until, until_ready, until_texts, until_told, world};

/// Stops when dropped.
struct ExternalDns {
    _supervisor: Supervisor,
    _dir: TempDir,
}

/// Publishes the DNSEndpoints of this world in `example.com`.
async fn start(world: &World, bind: &Bind, further: &[&str]) -> Result<ExternalDns> {
    let (program, _) = control_plane::external_dns().await?;
    let dir = tempfile::tempdir()?;
    let mut supervisor = Supervisor::new(dir.path(), true)?;
    let server = bind.address(Server::Primary);
    let mut args = vec![
        format!("--kubeconfig={}", world.plane.kubeconfig().display()),
        format!("--rfc2136-host={}", server.ip()),
        format!("--rfc2136-port={}", server.port()),
        format!("--rfc2136-tsig-keyname={}", UPDATE_KEY.name),
        format!("--rfc2136-tsig-secret={}", UPDATE_KEY.secret),
    ];
    let fixed = [
        "--source=crd",
        "--provider=rfc2136",
        "--rfc2136-zone=example.com",
        "--rfc2136-tsig-secret-alg=hmac-sha256",
        "--rfc2136-tsig-axfr",
        "--domain-filter=example.com",
        "--policy=sync",
        "--interval=1s",
        "--metrics-address=127.0.0.1:0",
    ];
    args.extend(fixed.iter().chain(further).map(ToString::to_string));
    supervisor.run("external-dns", &program, &args)?;
    Ok(ExternalDns { _supervisor: supervisor, _dir: dir })
}

async fn define(world: &World) -> Result<()> {
    let (_, definition) = control_plane::external_dns().await?;
    world.kubectl(&["apply", "--server-side", "-f", &definition.to_string_lossy()])?;
    world.kubectl(&["wait", "--for=condition=Established", "crd/dnsendpoints.externaldns.k8s.io"]).map(drop)
}

fn endpoints(world: &World) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("externaldns.k8s.io", "v1alpha1", "DNSEndpoint");
    let resource = ApiResource::from_gvk_with_plural(&kind, "dnsendpoints");
    Api::namespaced_with(world.objects.client.clone(), &world.objects.namespace, &resource)
}

async fn all_endpoints(world: &World) -> Result<Vec<Value>> {
    let listed = endpoints(world).list(&Default::default()).await?;
    listed.items.into_iter().map(|object| Ok(serde_json::to_value(object)?)).collect()
}

async fn published_by(world: &World, method: &str) -> Result<()> {
    let publishers = json!([{"zones": ["example.com"], "externalDns": {"labels": {"external-dns": "public"}}}]);
    let dcv = json!({"spec": {"dcv": {"method": method, "publishers": publishers}}});
    world.objects.patch("Issuer", "digicert", dcv).await
}

fn issuer() -> Value {
    json!({"name": "digicert"})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_validated_by_txt_and_by_cname_and_nothing_stays() -> Result<()> {
    let (bind, world) = world().await?;
    published_by(&world, "Auto").await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;

    // First without the kind, then without anybody who publishes it.
    objects.create("Certificate", "shop", certificate(&issuer(), NAME)).await?;
    until_told(objects, "shop-1", "CustomResourceDefinition of ExternalDNS is not installed").await?;
    define(&world).await?;
    until("a DNSEndpoint is there", async || Ok(!all_endpoints(&world).await?.is_empty())).await?;
    let [endpoint] = &all_endpoints(&world).await?[..] else { anyhow::bail!("one") };
    let [asked] = &endpoint["spec"]["endpoints"].as_array().context("endpoints")?[..] else { anyhow::bail!("one") };
    ensure!(asked["dnsName"] == NAME && asked["recordType"] == "TXT" && asked["recordTTL"] == 60, "{asked}");
    ensure!(endpoint["metadata"]["labels"] == json!({"evercert.dev/managed": "true", "external-dns": "public"}));
    until_told(objects, "shop-1", "--managed-record-types").await?;

    let types = [
        "--registry=noop",
        "--label-filter=external-dns=public",
        "--managed-record-types=TXT",
        "--managed-record-types=CNAME",
    ];
    let _external_dns = start(&world, &bind, &types).await?;
    objects.until_ready("shop", 1).await?;
    ensure!(publisher(&objects.get("Issuance", "shop-1").await?) == "externalDns");
    until("its DNSEndpoint is gone", async || Ok(all_endpoints(&world).await?.is_empty())).await?;
    until_texts(&bind, NAME, &[]).await?;

    published_by(&world, "DnsCname").await?;
    objects.create("Certificate", "www", certificate(&issuer(), "www.example.com")).await?;
    let delegated = |object: &Value| object["status"]["validations"][0]["record"]["name"] == "_dnsauth.www.example.com";
    objects.until("Issuance", "www-1", "its CNAME is known", delegated).await?;
    objects.until_ready("www", 1).await?;
    until("its CNAME is gone", async || {
        let left = bind.data(Server::Primary, "_dnsauth.www.example.com", RecordType::CNAME).await?;
        Ok(all_endpoints(&world).await?.is_empty() && left.is_empty())
    })
    .await
}

/// ExternalDNS drops the CNAME of a name for which something else is wanted as well.
#[tokio::test(flavor = "multi_thread")]
async fn neither_a_site_nor_somebody_else_s_value_is_lost() -> Result<()> {
    let (bind, world) = world().await?;
    define(&world).await?;
    published_by(&world, "DnsTxt").await?;
    let record = |name: &str, type_: &str, target: &str| {
        json!({
            "apiVersion": "externaldns.k8s.io/v1alpha1", "kind": "DNSEndpoint", "metadata": {"name": type_.to_lowercase()},
            "spec": {"endpoints": [{"dnsName": name, "recordType": type_, "recordTTL": 5, "targets": [target]}]},
        })
    };
    for object in [record("site.example.com", "CNAME", "lb.example.net"), record(NAME, "TXT", "theirs")] {
        endpoints(&world).create(&PostParams::default(), &serde_json::from_value(object)?).await?;
    }
    let types = ["--registry=noop", "--managed-record-types=TXT", "--managed-record-types=CNAME"];
    let _external_dns = start(&world, &bind, &types).await?;
    until_texts(&bind, NAME, &["theirs"]).await?;
    let site = async || bind.data(Server::Primary, "site.example.com", RecordType::CNAME).await;
    until("the site is there", async || Ok(!site().await?.is_empty())).await?;

    let _operator = world.operator().await?;
    let objects = &world.objects;
    objects.create("Certificate", "site", certificate(&issuer(), "site.example.com")).await?;
    objects.create("Certificate", "shop", certificate(&issuer(), NAME)).await?;
    until_told(objects, "site-1", "already holds a CNAME to lb.example.net").await?;
    until_told(objects, "shop-1", "already holds the TXT value \"theirs\"").await?;
    ensure!(all_endpoints(&world).await?.len() == 2, "none of ours");

    // Theirs has to go; a name that is a CNAME has a name beside it for another.
    endpoints(&world).delete("txt", &Default::default()).await?;
    objects.until_ready("shop", 1).await?;
    published_by(&world, "DnsCname").await?;
    let mut by_cname = certificate(&issuer(), "site.example.com");
    by_cname["secretName"] = json!("by-cname-tls");
    objects.create("Certificate", "cname", by_cname).await?;
    objects.until_ready("cname", 1).await?;
    ensure!(site().await? == ["lb.example.net."], "{:?}", site().await?);
    Ok(())
}

/// Each with an ExternalDNS of its own, which knows what is its own.
#[tokio::test(flavor = "multi_thread")]
async fn two_clusters_take_turns_at_one_name() -> Result<()> {
    let (bind, ours) = world().await?;
    let theirs = ours.beside().await?;
    // What is validated for one account is not for another.
    let another = theirs.issuer_of_another("another", &json!({})).await?;
    theirs.objects.patch("Issuer", "digicert", json!({"spec": {"digicert": another["digicert"]}})).await?;
    hold(&ours, NAME, 2).await?;
    let mut running = Vec::new();
    for (world, owner) in [(&ours, "--txt-owner-id=ours"), (&theirs, "--txt-owner-id=theirs")] {
        define(world).await?;
        published_by(world, "DnsCname").await?;
        let flags = ["--registry=txt", owner, "--managed-record-types=CNAME"];
        running.push((start(world, &bind, &flags).await?, world.operator().await?));
    }
    let held = async || bind.data(Server::Primary, &format!("_dnsauth.{NAME}"), RecordType::CNAME).await;
    ours.objects.create("Certificate", "shop", certificate(&issuer(), NAME)).await?;
    until("ours is there", async || Ok(held().await?.len() == 1)).await?;
    let ours_first = held().await?;
    theirs.objects.create("Certificate", "shop", certificate(&issuer(), NAME)).await?;
    until_told(&theirs.objects, "shop-1", "already holds a CNAME to").await?;
    ensure!(all_endpoints(&theirs).await?.is_empty() && held().await? == ours_first);

    release(&ours, "shop-1").await?;
    until_ready(&ours, "shop").await?;
    until("theirs is there", async || Ok(held().await?.len() == 1 && held().await? != ours_first)).await?;
    release(&theirs, "shop-1").await?;
    until_ready(&theirs, "shop").await?;
    until("nothing stays", async || Ok(held().await?.is_empty())).await
}
