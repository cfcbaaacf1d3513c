//! People at SCM approve and decline, profiles forbid, others renew.

use anyhow::{Result, ensure};
use harness::{Scene, World, condition, scene};
use serde_json::{Value, json};

use reqwest::Method;

use crate::account::{accepted, act, ask, call, issuer, placed, ready, reissue, scm};

pub fn scenes(world: &World) -> Vec<Scene<'_>> {
    vec![
        scene("an enrollment is approved", approved(world)),
        scene("an enrollment is declined", declined(world)),
        scene("a request is amended while it waits for approval", amended(world)),
        scene("the CA refuses", rejected(world)),
        scene("a profile forbids renewals", forbidden(world)),
        scene("a profile forbids replacements", irreplaceable(world)),
        scene("SCM renews by itself", automatic(world)),
        scene("SCM is to renew by itself", scheduled(world)),
        scene("a status that nobody knows", unheard(world)),
    ]
}

/// An Issuer for another profile of the sandbox.
async fn profile(world: &World, profile: &str, policy: Value) -> Result<()> {
    let mut spec = issuer(world, json!({"profileId": scm(world)["profiles"][profile]}));
    spec["policy"] = policy;
    world.objects.create("Issuer", &profile.to_lowercase(), spec).await.map(drop)
}

async fn message(world: &World, name: &str, type_: &str, reason: &str) -> Result<String> {
    let told = |object: &Value| condition(object, type_).is_some_and(|found| found["reason"] == reason);
    let object = world.objects.until("Certificate", name, &format!("{type_} is {reason}"), told).await?;
    let found = condition(&object, type_).and_then(|found| found["message"].as_str());
    Ok(found.unwrap_or_default().to_owned())
}

async fn approved(world: &World) -> Result<()> {
    profile(world, "approvedTwice", json!({})).await?;
    ask(world, "approved", json!({"issuerRef": {"name": "approvedtwice"}})).await?;
    let id = placed(world, "approved-1").await?;
    let told = message(world, "approved", "ActionRequired", "ProviderBlocked").await?;
    ensure!(told.contains(&format!("approve request {id} in SCM")), "{told}");
    for _ in 0..2 {
        act(world, &id, "approve").await?;
    }
    let certificate = ready(world, "approved", 1).await?;
    ensure!(condition(&certificate, "ActionRequired").is_none(), "somebody is still asked");
    ensure!(accepted(world, "approved").await? == [1, 0, 0]);
    Ok(())
}

async fn declined(world: &World) -> Result<()> {
    profile(world, "approved", json!({})).await?;
    ask(world, "declined", json!({"issuerRef": {"name": "approved"}})).await?;
    let id = placed(world, "declined-1").await?;
    act(world, &id, "decline").await?;
    let issuance = world.objects.until_issuance("declined-1", "Failed").await?;
    let failure = &issuance["status"]["failure"];
    ensure!(failure["class"] == "Canceled", "{failure}");
    let told = failure["message"].as_str().unwrap_or_default();
    ensure!(told.contains(&format!("certificate {id} is Declined by an administrator")), "{told}");
    message(world, "declined", "Ready", "Failed").await?;
    // Who asks again has the same request amended, which is declined again: only then it is enrolled anew.
    reissue(world, "declined", "again", None).await?;
    ensure!(placed(world, "declined-2").await? == id, "an amended request keeps its id");
    ensure!(world.objects.get("Issuance", "declined-2").await?["spec"]["operation"] == "Amend");
    act(world, &id, "decline").await?;
    world.objects.until_issuance("declined-2", "Failed").await?;
    ensure!(accepted(world, "declined").await? == [1, 0, 0], "nothing was asked for beside it");
    reissue(world, "declined", "once more", None).await?;
    let id = placed(world, "declined-3").await?;
    act(world, &id, "approve").await?;
    ready(world, "declined", 3).await?;
    ensure!(accepted(world, "declined").await? == [2, 0, 0]);
    Ok(())
}

/// Other names, under the same id; and other names again once it was declined.
async fn amended(world: &World) -> Result<()> {
    let approved = issuer(world, json!({"profileId": scm(world)["profiles"]["approved"]}));
    world.objects.create("Issuer", "amending", approved).await?;
    ask(world, "amended", json!({"issuerRef": {"name": "amending"}})).await?;
    let id = placed(world, "amended-1").await?;
    message(world, "amended", "ActionRequired", "ProviderBlocked").await?;
    let name = |prefix: &str| format!("{prefix}amended.example.com");
    let names = json!([name(""), name("www.")]);
    world.objects.patch("Certificate", "amended", json!({"spec": {"dnsNames": names}})).await?;
    ensure!(placed(world, "amended-2").await? == id, "it keeps its id");
    world.objects.until_issuance("amended-1", "Superseded").await?;
    let second = world.objects.get("Issuance", "amended-2").await?;
    ensure!(second["spec"]["operation"] == "Amend" && second["spec"]["cost"] == "MayCharge", "{}", second["spec"]);
    let shown = call(world, Method::GET, &format!("ssl/v2/{id}"), &Value::Null).await?;
    ensure!(shown["subjectAlternativeNames"] == names, "{shown}");
    act(world, &id, "decline").await?;
    world.objects.until_issuance("amended-2", "Failed").await?;
    let names = json!([name(""), name("api.")]);
    world.objects.patch("Certificate", "amended", json!({"spec": {"dnsNames": names}})).await?;
    ensure!(placed(world, "amended-3").await? == id, "declined, it is amended and asked for again");
    act(world, &id, "approve").await?;
    let certificate = world.objects.until_ready("amended", 3).await?;
    ensure!(certificate["status"]["order"]["orderId"] == id.as_str(), "{}", certificate["status"]["order"]);
    ensure!(accepted(world, "amended").await? == [1, 0, 0], "one purchase in all");
    Ok(())
}

async fn rejected(world: &World) -> Result<()> {
    let target = json!({"operation": "enroll", "commonName": "rejected.example.com"});
    world.sandbox.fault(&json!({"kind": "approvalRefused", "match": target})).await?;
    ask(world, "rejected", json!({})).await?;
    let issuance = world.objects.until_issuance("rejected-1", "Failed").await?;
    let told = issuance["status"]["failure"]["message"].as_str().unwrap_or_default();
    ensure!(told.contains("is Rejected by the CA"), "{told}");
    ensure!(accepted(world, "rejected").await? == [1, 0, 0]);
    Ok(())
}

async fn forbidden(world: &World) -> Result<()> {
    profile(world, "notRenewable", json!({})).await?;
    let due = json!({"issuerRef": {"name": "notrenewable"}});
    ask(world, "forbidden", due).await?;
    ready(world, "forbidden", 1).await?;
    world.sandbox.advance_days(1).await?;
    world.objects.patch("Certificate", "forbidden", json!({"spec": {"renewal": {"before": "2159h"}}})).await?;
    let told = message(world, "forbidden", "ActionRequired", "ProviderBlocked").await?;
    ensure!(told.contains("lets nothing be renewed") && told.contains("policy.whenForbidden"), "{told}");
    ensure!(accepted(world, "forbidden").await? == [1, 0, 0], "the refusal cost nothing");
    // The policy lets it be bought anew instead.
    let policy = json!({"spec": {"policy": {"whenForbidden": "Order"}}});
    world.objects.patch("Issuer", "notrenewable", policy).await?;
    world.objects.patch("Certificate", "forbidden", json!({"metadata": {"labels": {"look": "again"}}})).await?;
    let revision = 3;
    let certificate = world.objects.until_ready("forbidden", revision).await?;
    ensure!(world.objects.get("Issuance", "forbidden-3").await?["spec"]["operation"] == "Order");
    ensure!(certificate["status"]["revision"].as_i64() >= Some(revision));
    Ok(())
}

/// A replacement that is denied is told, and bought anew only where the policy says so.
async fn irreplaceable(world: &World) -> Result<()> {
    profile(world, "notReplaceable", json!({})).await?;
    ask(world, "irreplaceable", json!({"issuerRef": {"name": "notreplaceable"}})).await?;
    let first = ready(world, "irreplaceable", 1).await?;
    world.objects.secrets().delete("irreplaceable", &Default::default()).await?;
    let told = message(world, "irreplaceable", "ActionRequired", "ProviderBlocked").await?;
    ensure!(told.contains("lets nothing be replaced") && told.contains("policy.whenForbidden"), "{told}");
    let failure = world.objects.until_issuance("irreplaceable-2", "Failed").await?["status"]["failure"].clone();
    ensure!(failure["code"] == "-37" && failure["class"] == "Rejected", "{failure}");
    ensure!(accepted(world, "irreplaceable").await? == [1, 0, 0], "nothing is bought in its place");
    let policy = json!({"spec": {"policy": {"whenForbidden": "Order"}}});
    world.objects.patch("Issuer", "notreplaceable", policy).await?;
    let anew = world.objects.until_ready("irreplaceable", 3).await?;
    ensure!(anew["status"]["order"]["orderId"] != first["status"]["order"]["orderId"], "{}", anew["status"]["order"]);
    ensure!(world.objects.get("Issuance", "irreplaceable-3").await?["spec"]["operation"] == "Order");
    ensure!(accepted(world, "irreplaceable").await? == [2, 0, 0]);
    Ok(())
}

async fn automatic(world: &World) -> Result<()> {
    ask(world, "automatic", json!({})).await?;
    ready(world, "automatic", 1).await?;
    world.sandbox.advance_days(1).await?;
    let id = placed(world, "automatic-1").await?;
    act(world, &id, "startRenewal").await?;
    world.objects.patch("Certificate", "automatic", json!({"spec": {"renewal": {"before": "2159h"}}})).await?;
    let told = message(world, "automatic", "ActionRequired", "ProviderBlocked").await?;
    ensure!(told.contains("would buy a second time"), "{told}");
    ensure!(accepted(world, "automatic").await? == [1, 0, 0]);
    Ok(())
}

/// Switched off before the renewal is asked for.
async fn scheduled(world: &World) -> Result<()> {
    ask(world, "scheduled", json!({})).await?;
    ready(world, "scheduled", 1).await?;
    world.sandbox.advance_days(1).await?;
    let id = placed(world, "scheduled-1").await?.parse::<u64>()?;
    let schedule = json!({"sslId": id, "autoRenewDetails": {"state": "Scheduled", "daysBeforeExpiration": 30}});
    call(world, Method::PUT, "ssl/v2", &schedule).await?;
    world.objects.patch("Certificate", "scheduled", json!({"spec": {"renewal": {"before": "2159h"}}})).await?;
    ready(world, "scheduled", 2).await?;
    let details = call(world, Method::GET, &format!("ssl/v2/{id}"), &Value::Null).await?;
    ensure!(details["autoRenewDetails"]["state"] == "Not scheduled", "{}", details["autoRenewDetails"]);
    ensure!(accepted(world, "scheduled").await? == [1, 1, 0], "renewed once, by Evercert");
    Ok(())
}

/// Waited for, and never asked for again.
async fn unheard(world: &World) -> Result<()> {
    profile(world, "ev", json!({})).await?;
    ask(world, "unheard", json!({"issuerRef": {"name": "ev"}})).await?;
    let id = placed(world, "unheard-1").await?;
    message(world, "unheard", "ActionRequired", "ProviderBlocked").await?;
    let show = |status: Value| json!({"shownStatus": status});
    world.sandbox.post(&format!("/_sandbox/scm/ssl/{id}"), &show(json!("Under consideration"))).await?;
    let nobody = |object: &Value| condition(object, "ActionRequired").is_none();
    world.objects.until("Certificate", "unheard", "nobody is asked, since nobody knows", nobody).await?;
    world.sandbox.post(&format!("/_sandbox/scm/ssl/{id}"), &show(Value::Null)).await?;
    act(world, &id, "approve").await?;
    ready(world, "unheard", 1).await?;
    ensure!(accepted(world, "unheard").await? == [1, 0, 0]);
    Ok(())
}
