//! What an issuer's policy does not allow.

use anyhow::{Context, Result, ensure};
use harness::{Objects, Scene, World, scene};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::json;

use super::{nothing_bought, reason};

pub fn scenes(world: &World) -> Vec<Scene<'_>> {
    vec![scene("policies of a ClusterIssuer", cluster_issuer(world))]
}

async fn cluster_issuer(world: &World) -> Result<()> {
    let operators = Objects { namespace: "default".to_owned(), ..world.objects.clone() };
    let key = world.sandbox.ready()["digicert"]["apiKey"].as_str().context("no key")?;
    operators.create_secret("digicert-api-key", "api-key", key).await?;
    let mut spec = world.issuer();
    spec["policy"] = json!({"rules": [{
        "name": "shops", "namespaceSelector": {"matchLabels": {"team": "shop"}}, "allowedDomains": ["*.example.com"],
    }]});
    operators.create("ClusterIssuer", "shared", spec).await?;

    let shop = namespace(world, "shop").await?;
    let blog = namespace(world, "blog").await?;
    let shared = json!({"kind": "ClusterIssuer", "name": "shared"});
    blog.ask("unselected", json!({"issuerRef": shared})).await?;
    shop.ask("outside", json!({"issuerRef": shared, "dnsNames": ["outside.example.com", "example.org"]})).await?;
    shop.ask("dear", json!({"issuerRef": shared, "digicert": {"product": "ssl_ev_basic"}})).await?;
    shop.ask("fine", json!({"issuerRef": shared})).await?;

    let told = [
        (&blog, "unselected", format!("no policy rule of the issuer is for namespace {}", blog.namespace)),
        (&shop, "outside", "policy rule shops of the issuer does not allow example.org".to_owned()),
        (&shop, "dear", "policy rule shops of the issuer does not allow product ssl_ev_basic".to_owned()),
    ];
    for (objects, name, expected) in told {
        let message = reason(objects, name, "Ready", "PolicyRefused").await?;
        ensure!(message == expected, "{name}: {message}");
        ensure!(reason(objects, name, "ActionRequired", "PolicyRefused").await? == expected);
    }
    shop.until_ready("fine", 1).await?;
    for name in ["unselected", "outside", "dear"] {
        nothing_bought(world, name).await?;
    }

    // A namespace that is selected later is served then.
    label(world, &blog.namespace, "shop").await?;
    blog.patch("Certificate", "unselected", json!({"metadata": {"annotations": {"touched": "yes"}}})).await?;
    blog.until_ready("unselected", 1).await.map(drop)
}

/// A namespace of a team.
async fn namespace(world: &World, team: &str) -> Result<Objects> {
    let namespace = world.plane.namespace(team).await?;
    label(world, &namespace, team).await?;
    Ok(Objects { namespace, ..world.objects.clone() })
}

async fn label(world: &World, namespace: &str, team: &str) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(world.objects.client.clone());
    let labels = json!({"metadata": {"labels": {"team": team}}});
    namespaces.patch(namespace, &PatchParams::default(), &Patch::Merge(&labels)).await?;
    Ok(())
}
