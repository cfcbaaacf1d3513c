//! Everything that can be said to CertCentral, from the issuer and the Certificate to the order the CA shows, on a real
//! API server: what is recorded, what is sent again, what no Certificate may ask for, which chain is served, and who
//! approves.

use anyhow::{Context, Result, ensure};
use evercert::pki::Leaf;
use harness::{Objects, World, WorldOptions, condition, play, scene};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn every_field_goes_where_it_belongs() -> Result<()> {
    let world = World::start(WorldOptions { unlimited: true, ..WorldOptions::default() }).await?;
    let _operator = world.operator().await?;
    play([
        scene("all of them", all(&world)),
        scene("said again", again(&world)),
        scene("bounds", bounds(&world)),
        scene("chains", chains(&world)),
        scene("approved", approved(&world)),
        scene("refused", refused(&world)),
        scene("an organization", organization(&world)),
        scene("a code nobody knows", unknown_code(&world)),
    ])
    .await
}

/// An Issuer of its own, with these additions to its digicert block.
async fn issuer(world: &World, name: &str, digicert: Value) -> Result<()> {
    let mut spec = world.issuer();
    for (key, value) in digicert.as_object().context("an object")? {
        spec["digicert"][key] = value.clone();
    }
    world.objects.create("Issuer", name, spec).await.map(drop)
}

/// A Certificate that says more than its names.
async fn ask(objects: &Objects, name: &str, issuer: &str, digicert: Value) -> Result<()> {
    let changes = json!({
        "issuerRef": {"name": issuer}, "signatureHash": "sha384", "validity": {"days": 90}, "digicert": digicert,
    });
    objects.ask(name, changes).await
}

async fn order_of(world: &World, issuance: &str) -> Result<Value> {
    let issuance = world.objects.get("Issuance", issuance).await?;
    let order = issuance["status"]["orderId"].as_str().context("no order")?;
    world.sandbox.api(&format!("order/certificate/{order}")).await
}

async fn message(objects: &Objects, name: &str, type_: &str, reason: &str) -> Result<String> {
    let so = |object: &Value| condition(object, type_).is_some_and(|found| found["reason"] == reason);
    let object = objects.until("Certificate", name, &format!("{type_} is {reason}"), so).await?;
    Ok(condition(&object, type_).and_then(|found| found["message"].as_str()).unwrap_or_default().to_owned())
}

/// Both blocks full: the order shows what each of them said, and nothing happens when that is edited until something
/// else is due.
async fn all(world: &World) -> Result<()> {
    let objects = &world.objects;
    let person = json!({"type": "Technical", "firstName": "Ada", "lastName": "Byron", "email": "ada@example.com",
        "jobTitle": "Engineer", "telephone": "555-0100"});
    issuer(
        world,
        "full",
        json!({
            "containerId": 5, "paymentMethod": "card", "orderValidity": {"years": 2}, "skipApproval": true,
            "disableRenewalNotifications": true, "caCertId": "SANDBOX1", "organizationUnits": ["IT"],
            "serverPlatform": 2, "comments": "from the issuer", "customFields": [{"metadataId": 11, "value": "CC 7"}],
            "additionalEmails": ["pki@example.com"], "customRenewalMessage": "Keep it.", "locale": "de",
            "contacts": [{"type": "Organization", "userId": 1}, person],
        }),
    )
    .await?;
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let until = today.saturating_add(jiff::Span::new().days(500)).to_string();
    let overrides = json!({
        "orderValidity": {"until": until},
        "organizationUnits": ["Shop"], "serverPlatform": 45, "comments": "from the shop",
        "customFields": [{"metadataId": 12, "value": "shop"}], "additionalEmails": ["shop@example.com"],
    });
    ask(objects, "full", "full", overrides).await?;
    objects.until_ready("full", 1).await?;

    let order = order_of(world, "full-1").await?;
    let shown = json!({
        "container": order["container"]["id"], "payment_method": order["payment_method"],
        "order_valid_till": order["order_valid_till"], "mails": order["disable_renewal_notifications"],
        "additional_emails": order["additional_emails"], "custom_renewal_message": order["custom_renewal_message"],
        "locale": order["locale"], "comments": order["comments"], "custom_fields": order["custom_fields"],
        "organization_contact": order["organization_contact"]["user_id"],
        "technical_contact": order["technical_contact"]["email"], "ca_cert": order["certificate"]["ca_cert"]["id"],
        "organization_units": order["certificate"]["organization_units"],
        "server_platform": order["certificate"]["server_platform"]["id"],
        "signature_hash": order["certificate"]["signature_hash"],
        "cert_validity": order["certificate"]["cert_validity"], "dcv_method": order["dcv_method"],
    });
    let expected = json!({
        "container": 5, "payment_method": "card", "order_valid_till": until, "mails": true,
        "additional_emails": ["shop@example.com"], "custom_renewal_message": "Keep it.", "locale": "de",
        "comments": "from the shop",
        "custom_fields": [{"metadata_id": 11, "value": "CC 7"}, {"metadata_id": 12, "value": "shop"}],
        "organization_contact": 1, "technical_contact": "ada@example.com", "ca_cert": "SANDBOX1",
        "organization_units": ["Shop"], "server_platform": 45, "signature_hash": "sha384",
        "cert_validity": {"days": 90}, "dcv_method": "dns-txt-token",
    });
    ensure!(shown == expected, "{shown:#}\n{expected:#}");

    let edit = json!({"spec": {"digicert": {"comments": "later", "serverPlatform": 2, "organizationUnits": null}}});
    objects.patch("Certificate", "full", edit).await?;
    objects.patch("Issuer", "full", json!({"spec": {"digicert": {"containerId": 6, "paymentMethod": null}}})).await?;
    objects.until_ready("full", 1).await?;
    ensure!(objects.names("Issuance").await?.iter().filter(|name| name.starts_with("full-")).count() == 1);

    let token = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": "now"}}});
    objects.patch("Certificate", "full", token).await?;
    objects.until_ready("full", 2).await?;
    let order = order_of(world, "full-2").await?;
    let said = order["requests"].as_array().and_then(|requests| requests.last()).context("no request")?;
    ensure!(said["comments"] == "later", "{said}");
    ensure!(order["certificate"]["server_platform"]["id"] == 2, "{}", order["certificate"]);
    ensure!(order["certificate"]["organization_units"] == json!(["IT"]), "{}", order["certificate"]);
    ensure!(order["container"]["id"] == 5 && order["payment_method"] == "card", "the order is as it was bought");
    let recorded = world.objects.get("Issuance", "full-2").await?["spec"]["request"]["digicert"].clone();
    ensure!(recorded["containerId"].is_null() && recorded["comments"] == "later", "what a reissue takes: {recorded}");
    Ok(())
}

/// A call that the CA never got is made again with what was recorded, whatever the issuer and the Certificate say by
/// then.
async fn again(world: &World) -> Result<()> {
    let objects = &world.objects;
    issuer(world, "again", json!({"containerId": 5, "comments": "first"})).await?;
    ask(objects, "again", "again", json!({"serverPlatform": 45})).await?;
    objects.until_ready("again", 1).await?;
    let target = json!({"operation": "reissue", "commonName": "again.example.com"});
    world.sandbox.fault(&json!({"kind": "resetBeforeCommit", "match": target})).await?;
    let token = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": "now"}}});
    objects.patch("Certificate", "again", token).await?;
    let doubtful = |issuance: &Value| issuance["status"]["outcomes"][0]["class"] == "Ambiguous";
    objects.until("Issuance", "again-2", "nobody knows", doubtful).await?;
    objects
        .patch("Issuer", "again", json!({"spec": {"digicert": {"comments": "second"}, "dcv": {"method": "DnsCname"}}}))
        .await?;
    objects.patch("Certificate", "again", json!({"spec": {"digicert": {"serverPlatform": 2}}})).await?;
    objects.until_ready("again", 2).await?;
    let issuance = objects.get("Issuance", "again-2").await?;
    ensure!(issuance["spec"]["submissions"].as_array().map(Vec::len) == Some(2), "{:#}", issuance["spec"]);
    let order = order_of(world, "again-2").await?;
    let said = order["requests"].as_array().and_then(|requests| requests.last()).context("no request")?;
    ensure!(said["comments"] == "first", "{said}");
    ensure!(order["certificate"]["server_platform"]["id"] == 45, "{}", order["certificate"]);
    ensure!(order["dcv_method"] == "dns-txt-token", "{}", order["dcv_method"]);
    Ok(())
}

/// Money and identity: what the issuer has not given is refused, and nothing is bought.
async fn bounds(world: &World) -> Result<()> {
    let objects = &world.objects;
    issuer(
        world,
        "strict",
        json!({"containerId": 5, "skipApproval": false, "customFields": [{"metadataId": 11, "value": "CC 7"}]}),
    )
    .await?;
    let policy =
        json!({"spec": {"policy": {"rules": [{"name": "all", "containers": [6], "products": ["ssl_basic"]}]}}});
    objects.patch("Issuer", "strict", policy).await?;
    let cases = [
        ("division", json!({"containerId": 7}), "division 7"),
        ("organization", json!({"organizationId": 999}), "organization 999"),
        ("hurry", json!({"skipApproval": true}), "to skip the approval at CertCentral"),
        (
            "account",
            json!({"customFields": [{"metadataId": 11, "value": "CC 8"}]}),
            "another value for custom field 11",
        ),
        ("years", json!({"orderValidity": {"years": 3}}), "an order until"),
    ];
    for (name, digicert, _) in &cases {
        ask(objects, name, "strict", digicert.clone()).await?;
    }
    for (name, _, expected) in &cases {
        let told = message(objects, name, "ActionRequired", "PolicyRefused").await?;
        ensure!(told.starts_with(&format!("the issuer does not allow a Certificate {expected}")), "{name}: {told}");
    }
    let ledger = world.sandbox.ledger().await?;
    let bought = |name: &str| ledger.paid(&format!("{name}.example.com"));
    ensure!(cases.iter().all(|(name, ..)| bought(name) == 0), "something was bought");

    // What the rule lists is served: in that division.
    objects.patch("Certificate", "division", json!({"spec": {"digicert": {"containerId": 6}}})).await?;
    let waits = |object: &Value| object["status"]["requestId"].is_string();
    objects.until("Issuance", "division-1", "it is placed", waits).await?;
    ensure!(order_of(world, "division-1").await?["container"]["id"] == 6);
    Ok(())
}

/// The CA delivers two chains: the preferred one is served; one that it does not deliver is told, and the certificate
/// is served all the same.
async fn chains(world: &World) -> Result<()> {
    let objects = &world.objects;
    let (old, new) = ("Evercert Sandbox Old Root", "Evercert Sandbox Root");
    for (name, preferred) in [("oldchain", old), ("newchain", new), ("nochain", "Nobody's Root")] {
        let target = json!({"operation": "order", "commonName": format!("{name}.example.com")});
        world.sandbox.fault(&json!({"kind": "chainAlternatives", "match": target})).await?;
        ask(objects, name, "digicert", json!({"preferredChain": preferred})).await?;
    }
    for (name, root, length) in [("oldchain", old, 3), ("newchain", new, 2)] {
        let certificate = objects.until_ready(name, 1).await?;
        ensure!(condition(&certificate, "PreferredChain").is_none(), "{name}: {certificate:#}");
        let data = objects.secret(name).await?.and_then(|secret| secret.data).context("no data")?;
        let part = |key: &str| data.get(key).map(|part| String::from_utf8_lossy(&part.0).into_owned());
        let (crt, ca) = part("tls.crt").zip(part("ca.crt")).context("no chain")?;
        ensure!(crt.matches("BEGIN CERTIFICATE").count() == length, "{name}: {crt}");
        let top = Leaf::from_pem(&ca)?;
        ensure!(top.common_name.as_deref() == Some(root), "{name}: {top:?}");
    }
    let told = message(objects, "nochain", "PreferredChain", "NotOffered").await?;
    ensure!(told.contains("no chain to Nobody's Root") && told.contains("is served"), "{told}");
    objects.until_ready("nochain", 1).await?;
    Ok(())
}

/// The request that has to be approved is named with the place, and approved there.
async fn approved(world: &World) -> Result<()> {
    let request = waits_for_approval(world, "approved").await?;
    world.sandbox.put(&format!("request/{request}/status"), &json!({"status": "approved"})).await?;
    let certificate = world.objects.until_ready("approved", 1).await?;
    ensure!(condition(&certificate, "ActionRequired").is_none(), "somebody is still asked");
    Ok(())
}

/// A refusal says by whom and why, not what we asked.
async fn refused(world: &World) -> Result<()> {
    let request = waits_for_approval(world, "refused").await?;
    let no = json!({"status": "rejected", "processor_comment": "not in the budget"});
    world.sandbox.put(&format!("request/{request}/status"), &no).await?;
    let told = message(&world.objects, "refused", "Ready", "Failed").await?;
    ensure!(told.contains("is rejected, by Sandbox User: not in the budget"), "{told}");
    let failed = world.objects.until_issuance("refused-1", "Failed").await?;
    ensure!(failed["status"]["failure"]["class"] == "Canceled", "{}", failed["status"]["failure"]);
    Ok(())
}

async fn waits_for_approval(world: &World, name: &str) -> Result<String> {
    let objects = &world.objects;
    ask(objects, name, "digicert", json!({"skipApproval": false, "comments": "for the shop"})).await?;
    let told = message(objects, name, "ActionRequired", "ProviderBlocked").await?;
    let issuance = objects.get("Issuance", &format!("{name}-1")).await?;
    let request = issuance["status"]["requestId"].as_str().context("no request")?.to_owned();
    let expected = format!("approve request {request} in CertCentral, under Certificates > Requests");
    ensure!(told.contains(&expected), "{told}");
    let asked = world.sandbox.api(&format!("request/{request}")).await?;
    ensure!(asked["comments"] == "for the shop", "{asked}");
    Ok(request)
}

/// An order waits for its organization: who and where is told, and it goes on by itself.
async fn organization(world: &World) -> Result<()> {
    let objects = &world.objects;
    let account = json!({"name": "Unvetted Ltd", "organizationValidated": false});
    let unvetted = world.issuer_of_another("unvetted", &account).await?;
    let organization = unvetted["digicert"]["organizationId"].clone();
    objects.create("Issuer", "unvetted", unvetted).await?;
    ask(objects, "unvetted", "unvetted", json!({})).await?;
    let told = message(objects, "unvetted", "ActionRequired", "OrganizationNotValidated").await?;
    let expected = format!(
        "organization Unvetted Ltd ({organization}) is not validated: Normal Organization Validation is \
                            pending. CertCentral, Certificates > Organizations"
    );
    ensure!(told.starts_with(&expected), "{told}");
    world.sandbox.post(&format!("/_sandbox/organizations/{organization}/validate"), &json!({})).await?;
    let certificate = objects.until_ready("unvetted", 1).await?;
    ensure!(condition(&certificate, "ActionRequired").is_none(), "somebody is still asked");
    ensure!(world.sandbox.ledger().await?.paid("unvetted.example.com") == 1, "one order");
    Ok(())
}

/// A refusal whose code nobody has documented proves nothing: it is looked for, and then a person is asked, with the
/// vendor's words.
async fn unknown_code(world: &World) -> Result<()> {
    let target = json!({"operation": "order", "commonName": "unknown.example.com"});
    world.sandbox.fault(&json!({"kind": "errorBeforeCommit", "status": 400, "match": target})).await?;
    ask(&world.objects, "unknown", "digicert", json!({})).await?;
    let told = message(&world.objects, "unknown", "ActionRequired", "NeedsAttention").await?;
    ensure!(told.starts_with("the answer was: 400 Bad Request: "), "{told}");
    ensure!(told.contains("reason NotPlaced"), "{told}");
    ensure!(world.sandbox.ledger().await?.paid("unknown.example.com") == 0, "nothing was placed");
    Ok(())
}
