//! What is not taken over: one clear reason each, and nothing is bought, reissued or revoked.

use anyhow::{Context, Result, ensure};
use harness::{Objects, Scene, World, common_name, hand, scene};
use serde_json::{Value, json};

use super::{ask, issuer, nothing_else, required};

pub fn scenes(world: &World) -> Vec<Scene<'_>> {
    vec![
        scene("another team's order", theirs(world)),
        scene("another Certificate's order", siblings(world)),
        scene("one of two gets an order", race(world)),
        scene("another installation's order", marked(world)),
        scene("names that the policy does not allow", forbidden(world)),
        scene("an order that renews itself", automatic(world)),
        scene("no such order", unknown(world)),
        scene("an order that was canceled", ended(world)),
    ]
}

/// Neither with the key in the Secret nor when an issuer of one's own lists it.
async fn theirs(world: &World) -> Result<()> {
    let objects = &world.objects;
    ask(objects, "team", json!({})).await?;
    let owner = objects.until_ready("team", 1).await?;
    let order = owner["status"]["order"]["orderId"].as_str().context("no order")?.to_owned();

    let thief = Objects { client: objects.client.clone(), namespace: world.plane.namespace("thief").await? };
    let key = world.sandbox.ready()["digicert"]["apiKey"].as_str().context("no API key")?;
    thief.create_secret("digicert-api-key", "api-key", key).await?;
    issuer(world, &thief, "digicert", json!({"adoptable": [order]})).await?;
    ask(&thief, "team", json!({"adopt": {"orderId": order}})).await?;
    let told = required(&thief, "team", "AdoptionRefused").await?;
    ensure!(told.contains("a Certificate of another namespace") && !told.contains("team"), "{told}");
    ensure!(thief.list("Issuance").await?.is_empty(), "recorded");
    nothing_else(world, "team").await?;
    let now = objects.until_ready("team", 1).await?;
    ensure!(now["status"]["serialNumber"] == owner["status"]["serialNumber"], "it was touched");
    Ok(())
}

async fn siblings(world: &World) -> Result<()> {
    let objects = &world.objects;
    ask(objects, "elder", json!({})).await?;
    let owner = objects.until_ready("elder", 1).await?;
    let order = &owner["status"]["order"]["orderId"];
    issuer(world, objects, "siblings", json!({"adoptable": [order]})).await?;
    ask(objects, "younger", json!({"issuerRef": {"name": "siblings"}, "adopt": {"orderId": order}})).await?;
    let told = required(objects, "younger", "AdoptionRefused").await?;
    ensure!(told.contains("Certificate elder"), "{told}");
    nothing_else(world, "elder").await
}

async fn race(world: &World) -> Result<()> {
    let objects = &world.objects;
    let order = hand::buy(&world.sandbox, &[&common_name("race")], json!({})).await?;
    issuer(world, objects, "race", json!({"adoptable": [order.id]})).await?;
    let named =
        json!({"issuerRef": {"name": "race"}, "dnsNames": [common_name("race")], "adopt": {"orderId": order.id}});
    let names = ["race-a", "race-b", "race-c", "race-d"];
    for name in names {
        ask(objects, name, named.clone()).await?;
    }
    let settled = |object: &Value| {
        let is = |type_: &str, status: &str| harness::condition(object, type_).is_some_and(|c| c["status"] == status);
        is("Ready", "True") || is("ActionRequired", "True")
    };
    let mut ready = 0;
    for name in names {
        let object = objects.until("Certificate", name, "it has the order or not", settled).await?;
        ready += usize::from(object["status"]["revision"] == 2);
    }
    ensure!(ready == 1, "{ready} have it");
    ensure!(super::accepted(world, "race").await? == ["order", "reissue"]);
    Ok(())
}

async fn marked(world: &World) -> Result<()> {
    let mark = json!({"alternative_order_id": "aaaaaaaa-aaaa-8aaa-8aaa-aaaaaaaaaaaa"});
    refused(world, "foreign", mark, "another installation of Evercert").await
}

async fn automatic(world: &World) -> Result<()> {
    refused(world, "automatic", json!({"auto_renew": 1}), "switch its automatic renewal off").await
}

/// With its pair in the Secret, so that nothing else stands in the way.
async fn refused(world: &World, name: &str, changes: Value, why: &str) -> Result<()> {
    let objects = &world.objects;
    let order = hand::buy(&world.sandbox, &[&common_name(name)], changes).await?;
    let before = hand::keep(&world.objects, name, &order).await?;
    ask(objects, name, json!({"adopt": {"orderId": order.id}})).await?;
    let told = required(objects, name, "AdoptionRefused").await?;
    ensure!(told.contains(why) && told.contains(&order.id), "{told}");
    ensure!(objects.secret(name).await?.as_ref() == Some(&before), "it was touched");
    nothing_else(world, name).await
}

async fn forbidden(world: &World) -> Result<()> {
    let objects = &world.objects;
    let order = hand::buy(&world.sandbox, &[&common_name("forbidden"), "www.example.org"], json!({})).await?;
    hand::keep(&world.objects, "forbidden", &order).await?;
    let rules = json!({"rules": [{"name": "own", "allowedDomains": ["*.example.com"]}]});
    issuer(world, objects, "forbidden", rules).await?;
    ask(objects, "forbidden", json!({"issuerRef": {"name": "forbidden"}, "adopt": {"orderId": order.id}})).await?;
    let told = required(objects, "forbidden", "PolicyRefused").await?;
    ensure!(told.contains("www.example.org") && told.contains(&order.id), "{told}");
    nothing_else(world, "forbidden").await
}

async fn unknown(world: &World) -> Result<()> {
    let objects = &world.objects;
    ask(objects, "unknown", json!({"adopt": {"orderId": "4711"}})).await?;
    let told = required(objects, "unknown", "AdoptionRefused").await?;
    ensure!(told.contains("4711") && told.contains("not known to account"), "{told}");
    ensure!(super::accepted(world, "unknown").await?.is_empty());
    Ok(())
}

async fn ended(world: &World) -> Result<()> {
    let objects = &world.objects;
    let stays = json!({"match": {"operation": "order", "commonName": common_name("ended")}, "kind": "stayPending"});
    world.sandbox.fault(&stays).await?;
    let order = hand::buy(&world.sandbox, &[&common_name("ended")], json!({})).await?;
    hand::keep(&world.objects, "ended", &order).await?;
    let cancel = json!({"status": "CANCELED", "note": "a mistake"});
    hand::call(&world.sandbox, "PUT", &format!("order/certificate/{}/status", order.id), Some(&cancel)).await?;
    ask(objects, "ended", json!({"adopt": {"orderId": order.id}})).await?;
    let told = required(objects, "ended", "AdoptionRefused").await?;
    ensure!(told.contains("canceled"), "{told}");
    ensure!(super::accepted(world, "ended").await? == ["order", "cancel"]);
    Ok(())
}
