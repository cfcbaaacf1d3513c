//! Let's Encrypt by DNSimple's API, from its purchase to its renewal.

use anyhow::{Result, ensure};
use harness::{Scene, World, condition, scene};
use serde_json::{Value, json};

use crate::account::{accepted, ask, dnsimple, issuer, number, ready, served, served_again, token, told};

pub fn scenes(world: &World) -> Vec<Scene<'_>> {
    vec![
        scene("a life", life(world)),
        scene("an RSA key", rsa(world)),
        scene("the CA refuses", refused(world)),
        scene("a status that nobody knows", unheard(world)),
        scene("a name elsewhere", elsewhere(world)),
        scene("what has no place", misfits(world)),
        scene("a token that is refused", bad_token(world)),
        scene("a token without the scope", no_scope(world)),
    ]
}

async fn life(world: &World) -> Result<()> {
    let objects = &world.objects;
    ask(world, "letsencrypt", "shop", json!({})).await?;
    let first = ready(world, "shop", 1).await?;
    ensure!(first["status"]["next"]["summary"] == "Renew (free)", "the plan is {}", first["status"]["next"]);
    let issuance = objects.get("Issuance", "shop-1").await?;
    let (spec, status) = (&issuance["spec"], &issuance["status"]);
    ensure!(spec["cost"] == "Free" && spec["request"]["keyOrigin"] == "Provider", "{spec:#}");
    ensure!(spec["request"]["csr"] == "" && spec["request"]["publicKeySha256"] == "", "nothing of ours went along");
    ensure!(status["publicKeySha256"] == first["status"]["publicKeySha256"], "{status:#}");
    ensure!(accepted(world, "shop").await? == [1, 0, 0]);
    ensure!(objects.secrets().get_opt("evercert-key-shop-1").await?.is_none(), "the key waits no more");

    // The Secret is lost: certificate and key are downloaded again, and nothing is bought.
    objects.secrets().delete("shop", &Default::default()).await?;
    objects
        .until("Certificate", "shop", "the Secret is there again", |object| {
            condition(object, "Ready").is_some_and(|ready| ready["status"] == "True")
        })
        .await?;
    let again = served_again(world, "shop").await?;
    ensure!(first["status"]["serialNumber"] == again.leaf.serial.as_str(), "the same certificate");
    ensure!(accepted(world, "shop").await? == [1, 0, 0], "and no purchase");

    // Other names are a new purchase; so is a key that was compromised, whose revocation is left to people.
    let names = json!({"spec": {"dnsNames": ["shop.example.com", "www.shop.example.com"]}});
    objects.patch("Certificate", "shop", names).await?;
    let second = ready(world, "shop", 2).await?;
    ensure!(number(&second)? != number(&first)?, "another certificate");
    ensure!(served(world, "shop").await?.leaf.dns_names.len() == 2, "with both names");
    let annotations =
        json!({"evercert.dev/reissue-requested": "incident", "evercert.dev/reissue-reason": "KeyCompromise"});
    objects.patch("Certificate", "shop", json!({"metadata": {"annotations": annotations}})).await?;
    let third = ready(world, "shop", 3).await?;
    ensure!(third["status"]["publicKeySha256"] != second["status"]["publicKeySha256"], "another key");
    let left = |object: &Value| condition(object, "ActionRequired").is_some_and(|it| it["status"] == "True");
    let issuance = objects.until("Issuance", "shop-3", "people are told what to revoke", left).await?;
    let message = condition(&issuance, "ActionRequired").and_then(|it| it["message"].as_str()).unwrap_or_default();
    let old = second["status"]["serialNumber"].as_str().unwrap_or_default();
    ensure!(message.contains(old) && message.contains("support"), "{message}");
    ensure!(accepted(world, "shop").await? == [3, 0, 0]);

    // Somebody has the key removed at DNSimple: what is lost then is bought anew.
    let path = format!("/_sandbox/dnsimple/certificates/{}/removePrivateKey", number(&third)?);
    world.sandbox.post(&path, &json!({})).await?;
    objects.secrets().delete("shop", &Default::default()).await?;
    ready(world, "shop", 4).await?;
    ensure!(accepted(world, "shop").await? == [4, 0, 0]);
    Ok(())
}

async fn rsa(world: &World) -> Result<()> {
    ask(world, "letsencrypt", "rsa", json!({"privateKey": {"algorithm": "RSA"}})).await?;
    ready(world, "rsa", 1).await?;
    let kind = served(world, "rsa").await?.key.kind();
    ensure!(kind.algorithm() == "RSA", "{kind}");
    Ok(())
}

async fn refused(world: &World) -> Result<()> {
    let target = json!({"operation": "order", "commonName": "refused.example.com"});
    world.sandbox.fault(&json!({"kind": "approvalRefused", "match": target})).await?;
    ask(world, "letsencrypt", "refused", json!({})).await?;
    let issuance = world.objects.until_issuance("refused-1", "Failed").await?;
    let message = issuance["status"]["failure"]["message"].as_str().unwrap_or_default();
    ensure!(message.contains("is failed at DNSimple"), "{message}");
    told(world, "refused", "Ready", "Failed", "is failed at DNSimple").await?;
    ensure!(accepted(world, "refused").await? == [1, 0, 0], "it is not asked again at once");
    let annotations = json!({"evercert.dev/reissue-requested": "again"});
    world.objects.patch("Certificate", "refused", json!({"metadata": {"annotations": annotations}})).await?;
    ready(world, "refused", 2).await?;
    Ok(())
}

async fn unheard(world: &World) -> Result<()> {
    let target = json!({"operation": "order", "commonName": "unheard.example.com"});
    world.sandbox.fault(&json!({"kind": "stayPending", "match": target})).await?;
    ask(world, "letsencrypt", "unheard", json!({})).await?;
    let placed = |object: &Value| object["status"]["state"] == "AwaitingProvider";
    let issuance = world.objects.until("Issuance", "unheard-1", "it is requested", placed).await?;
    let id = issuance["status"]["orderId"].as_str().and_then(|id| id.split_once('/')).map_or("", |(_, id)| id);
    let path = format!("/_sandbox/dnsimple/certificates/{id}");
    world.sandbox.post(&path, &json!({"shownState": "pondering"})).await?;
    world.sandbox.post(&format!("{path}/release"), &json!({})).await?;
    ensure!(accepted(world, "unheard").await? == [1, 0, 0], "it waits");
    world.sandbox.post(&path, &json!({"shownState": null})).await?;
    ready(world, "unheard", 1).await?;
    ensure!(accepted(world, "unheard").await? == [1, 0, 0]);
    Ok(())
}

async fn elsewhere(world: &World) -> Result<()> {
    let names = json!({"dnsNames": ["elsewhere.example.com", "elsewhere.example.org"]});
    ask(world, "letsencrypt", "elsewhere", names).await?;
    told(world, "elsewhere", "ActionRequired", "PreflightRefused", "is of one domain").await?;
    ensure!(accepted(world, "elsewhere").await? == [0, 0, 0]);
    Ok(())
}

async fn misfits(world: &World) -> Result<()> {
    ask(world, "letsencrypt", "misfit", json!({"privateKey": {"algorithm": "ECDSA", "size": 384}})).await?;
    told(world, "misfit", "ActionRequired", "InvalidSpec", "chooses its size").await?;
    let own = json!({"dnsimple": {"product": "LetsEncrypt"}, "validity": {"days": 30}});
    let refusal = ask(world, "letsencrypt", "refusal", own).await.map_err(|error| format!("{error:#}"));
    ensure!(refusal.as_ref().is_err_and(|why| why.contains("chooses life and signature")), "{refusal:?}");
    let mut both = issuer(world, "LetsEncrypt", "dnsimple");
    both["dcv"] = json!({"method": "DnsTxt"});
    let refusal = world.objects.create("Issuer", "both", both).await.map_err(|error| format!("{error:#}"));
    ensure!(refusal.as_ref().is_err_and(|why| why.contains("leave dcv out")), "{refusal:?}");
    Ok(())
}

async fn bad_token(world: &World) -> Result<()> {
    world.objects.create_secret("wrong-token", "token", "dnsimple_a_wrong").await?;
    world.objects.create("Issuer", "wrong-token", issuer(world, "LetsEncrypt", "wrong-token")).await?;
    let refused = |object: &Value| condition(object, "Ready").is_some_and(|it| it["reason"] == "InvalidCredentials");
    let object = world.objects.until("Issuer", "wrong-token", "its token is refused", refused).await?;
    let message = condition(&object, "Ready").and_then(|it| it["message"].as_str()).unwrap_or_default();
    ensure!(message.contains("Access tokens") && !message.contains("dnsimple_a_wrong"), "{message}");
    let mut other = issuer(world, "LetsEncrypt", "dnsimple");
    other["dnsimple"]["accountId"] = json!(dnsimple(world)["accountId"].as_i64().unwrap_or_default() + 1);
    world.objects.create("Issuer", "other-account", other).await?;
    let other = |object: &Value| condition(object, "Ready").is_some_and(|it| it["reason"] == "UnknownAccount");
    world.objects.until("Issuer", "other-account", "the token is not for it", other).await.map(drop)
}

async fn no_scope(world: &World) -> Result<()> {
    token(world, "narrow-token", json!(["domains:*:read", "certificates:*:read"])).await?;
    world.objects.create("Issuer", "narrow", issuer(world, "LetsEncrypt", "narrow-token")).await?;
    ask(world, "narrow", "narrow", json!({})).await?;
    told(world, "narrow", "ActionRequired", "ProviderBlocked", "Required Scope").await?;
    ensure!(accepted(world, "narrow").await? == [0, 0, 0]);
    Ok(())
}

/// A month before its end, once; where that cannot be, it is bought anew.
pub async fn renewal(world: &World) -> Result<()> {
    ask(world, "letsencrypt", "yearly", json!({})).await?;
    ask(world, "letsencrypt", "automatic", json!({})).await?;
    let first = ready(world, "yearly", 1).await?;
    let automatic = ready(world, "automatic", 1).await?;
    let path = format!("/_sandbox/dnsimple/certificates/{}/enableAutoRenewal", number(&automatic)?);
    world.sandbox.post(&path, &json!({})).await?;
    world.sandbox.advance_days(66).await?;
    let second = ready(world, "yearly", 2).await?;
    ensure!(second["status"]["order"]["previousOrderId"] == first["status"]["order"]["orderId"], "{second:#}");
    ensure!(world.objects.get("Issuance", "yearly-2").await?["spec"]["operation"] == "Renew");
    ensure!(accepted(world, "yearly").await? == [1, 1, 0], "{:?}", accepted(world, "yearly").await?);
    ready(world, "automatic", 2).await?;
    ensure!(world.objects.get("Issuance", "automatic-2").await?["spec"]["operation"] == "Order");
    Ok(())
}
