//! Workloads are restarted once for each certificate that replaces another, in a way that who applies them from Git
//! neither sees nor undoes.

use anyhow::{Context, Result, ensure};
use harness::{Objects, World, WorldOptions, condition};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};
use tokio::time::{Duration, sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(60);
const RESTARTED_FOR: &str = "evercert.dev/restarted-for";

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_is_restarted_once_for_each_replacement_and_git_sees_no_drift() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let objects = &world.objects;
    let manifest = write(&workload("Deployment"))?;
    let file = manifest.path().to_string_lossy().into_owned();
    let namespace = ["--namespace", objects.namespace.as_str()];
    let kubectl = |args: &[&str]| world.kubectl(&[&namespace[..], args].concat());
    // As Argo CD does by default, and as Flux, Helm 4 and Argo CD's server-side apply do.
    let by_client = ["apply", "--filename", &file];
    let by_server = ["apply", "--server-side", "--field-manager=kustomize-controller", "--filename", &file];
    kubectl(&by_client)?;
    kubectl(&by_server)?;

    let _operator = world.operator().await?;
    objects.create("Certificate", "shop", certificate(&[("Deployment", "shop")])).await?;
    let first = objects.until_ready("shop", 1).await?;
    let untouched = until_rolled_out(objects, 1).await?;
    ensure!(restarted_for(&untouched).is_none(), "nobody has served anything before the first certificate");
    ensure!(condition(&first, "Restarted").is_none(), "{first:#}");

    let second = reissue(objects, "one", 2).await?;
    let restarted = until_rolled_out(objects, 2).await?;
    ensure!(restarted_for(&restarted) == second["status"]["fingerprintSha256"].as_str().map(str::to_owned));
    let unannotated = |deployment: &Deployment| {
        let mut spec = deployment.spec.clone();
        spec.iter_mut().flat_map(|spec| &mut spec.template.metadata).for_each(|metadata| metadata.annotations = None);
        spec
    };
    ensure!(unannotated(&restarted) == untouched.spec, "nothing else was changed: {restarted:#?}");
    let told = condition(&second, "Restarted").context("Restarted is told")?;
    ensure!(
        told["status"] == "True" && told["message"].as_str().context("why")?.ends_with("Deployment shop"),
        "{told}"
    );
    let events = kubectl(&[
        "get",
        "events",
        "--output=jsonpath={.items[?(@.reason==\"Restarted\")].note}{.items[?(@.reason==\"Restarted\")].message}",
    ])?;
    ensure!(events.contains("restarted for the new certificate: Deployment shop"), "{events}");

    // Of ours is the annotation and nothing else.
    let ours: Vec<_> = restarted.managed_fields().iter().filter(|e| e.manager.as_deref() == Some("evercert")).collect();
    let annotation = json!({format!("f:{RESTARTED_FOR}"): {}});
    let template = json!({"f:metadata": {"f:annotations": annotation}});
    let mut owned = serde_json::to_value(&ours.first().context("a field manager of its own")?.fields_v1)?;
    strip_dots(&mut owned);
    ensure!(ours.len() == 1 && owned == json!({"f:spec": {"f:template": template}}), "{owned:#}");

    // No difference, and applied again nothing is undone.
    kubectl(&["diff", "--filename", &file])?;
    kubectl(&["diff", "--server-side", "--field-manager=kustomize-controller", "--filename", &file])?;
    kubectl(&by_client)?;
    kubectl(&by_server)?;
    ensure!(until_rolled_out(objects, 2).await?.spec == restarted.spec, "applied from Git, it is not changed");

    // As after a crash before the status was written: it is done again, which changes nothing.
    let forgotten = json!({"status": {"restartedFor": first["status"]["fingerprintSha256"]}});
    let params = PatchParams::default();
    objects.api("Certificate").patch_status("shop", &params, &Patch::Merge(&forgotten)).await?;
    let current = second["status"]["fingerprintSha256"].clone();
    objects.until("Certificate", "shop", "it knows again", |shop| shop["status"]["restartedFor"] == current).await?;
    ensure!(until_rolled_out(objects, 2).await?.spec == restarted.spec, "restarted twice for one certificate");

    reissue(objects, "two", 3).await?;
    until_rolled_out(objects, 3).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_workload_is_told_once_and_hinders_no_other() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let objects = &world.objects;
    let _operator = world.operator().await?;
    let sets: Api<StatefulSet> = Api::namespaced(objects.client.clone(), &objects.namespace);
    sets.create(&Default::default(), &serde_json::from_value(workload("StatefulSet"))?).await?;
    let named = [("Deployment", "gone"), ("StatefulSet", "shop"), ("DaemonSet", "gone")];
    objects.create("Certificate", "shop", certificate(&named)).await?;
    objects.until_ready("shop", 1).await?;

    let second = reissue(objects, "one", 2).await?;
    let told = condition(&second, "Restarted").context("Restarted is told")?;
    ensure!(told["status"] == "False" && told["reason"] == "WorkloadNotFound", "{told}");
    let message = told["message"].as_str().context("a message")?;
    ensure!(message.contains("not there: Deployment gone, DaemonSet gone"), "{message}");
    ensure!(message.contains("StatefulSet shop"), "{message}");
    let template = sets.get("shop").await?.spec.context("a spec")?.template;
    let fingerprint = second["status"]["fingerprintSha256"].as_str().context("a fingerprint")?.to_owned();
    let annotations = template.metadata.and_then(|metadata| metadata.annotations).unwrap_or_default();
    ensure!(annotations.get(RESTARTED_FOR) == Some(&fingerprint), "{annotations:?}");
    ensure!(condition(&second, "Ready").context("Ready")?["status"] == "True");

    // Looked at again, nothing is tried again.
    objects.patch("Certificate", "shop", json!({"spec": {"renewal": {"before": "720h"}}})).await?;
    let again = objects.until_ready("shop", 2).await?;
    ensure!(condition(&again, "Restarted") == Some(told), "{again:#}");

    // Not asked for any more, it is not spoken of.
    objects.patch("Certificate", "shop", json!({"spec": {"rolloutRestart": null}})).await?;
    objects
        .until("Certificate", "shop", "nothing of it is left", |shop| {
            condition(shop, "Restarted").is_none() && shop["status"]["restartedFor"].is_null()
        })
        .await?;
    Ok(())
}

fn certificate(workloads: &[(&str, &str)]) -> Value {
    let workloads: Vec<_> = workloads.iter().map(|(kind, name)| json!({"kind": kind, "name": name})).collect();
    json!({
        "issuerRef": {"name": "digicert"}, "secretName": "shop-tls", "dnsNames": ["shop.example.com"],
        "rolloutRestart": workloads,
    })
}

fn workload(kind: &str) -> Value {
    let labels = json!({"app": "shop"});
    json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "shop"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [{"name": "web", "image": "web", "volumeMounts": [{"name": "tls", "mountPath": "/tls"}]}],
                    "volumes": [{"name": "tls", "secret": {"secretName": "shop-tls"}}],
                },
            },
        },
    })
}

fn write(manifest: &Value) -> Result<tempfile::NamedTempFile> {
    let file = tempfile::Builder::new().suffix(".json").tempfile()?;
    std::fs::write(file.path(), manifest.to_string())?;
    Ok(file)
}

async fn reissue(objects: &Objects, token: &str, revision: i64) -> Result<Value> {
    let asked = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": token}}});
    objects.patch("Certificate", "shop", asked).await?;
    let ready = objects.until_ready("shop", revision).await?;
    let fingerprint = ready["status"]["fingerprintSha256"].clone();
    let done = |shop: &Value| shop["status"]["restartedFor"] == fingerprint && shop["status"]["issuance"].is_null();
    objects.until("Certificate", "shop", "its workloads are restarted", done).await
}

/// The Deployment, once its controller has made so many ReplicaSets for it and has nothing left to do.
async fn until_rolled_out(objects: &Objects, rollouts: usize) -> Result<Deployment> {
    let deployments: Api<Deployment> = Api::namespaced(objects.client.clone(), &objects.namespace);
    let sets: Api<ReplicaSet> = Api::namespaced(objects.client.clone(), &objects.namespace);
    let seen = async {
        loop {
            let deployment = deployments.get("shop").await?;
            let observed = deployment.status.as_ref().and_then(|status| status.observed_generation);
            if observed == deployment.metadata.generation
                && sets.list(&Default::default()).await?.items.len() == rollouts
            {
                return anyhow::Ok(deployment);
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, seen).await.with_context(|| format!("rollouts did not become {rollouts}"))?
}

fn restarted_for(deployment: &Deployment) -> Option<String> {
    let annotations = deployment.spec.as_ref()?.template.metadata.as_ref()?.annotations.as_ref()?;
    annotations.get(RESTARTED_FOR).cloned()
}

/// `.` is there where the map itself was made, too.
fn strip_dots(fields: &mut Value) {
    for (_, field) in fields.as_object_mut().into_iter().flatten() {
        if let Some(map) = field.as_object_mut() {
            map.remove(".");
        }
        strip_dots(field);
    }
}
