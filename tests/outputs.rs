//! What a Secret holds beside the pair follows the spec, without a call to the CA and without a write that changes
//! nothing; what cannot be written is told, and nothing is lost.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use evercert::pki::payload::read_pair;
use harness::{Objects, World, WorldOptions, condition};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

const NAME: &str = "shop.example.com";
const PAIR: [&str; 3] = ["ca.crt", "tls.crt", "tls.key"];

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_follows_its_certificate_and_the_ca_is_not_asked() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    let password = json!({"name": "keystores", "key": "password"});
    let spec = json!({
        "issuerRef": {"name": "digicert"}, "secretName": "shop-tls", "dnsNames": [NAME],
        "privateKey": {"algorithm": "ECDSA", "encoding": "PKCS1"},
        "secretTemplate": {"labels": {"team": "shop"}, "annotations": {"reloader": "on", "note": "first"}},
        "additionalOutputFormats": [{"type": "CombinedPEM"}, {"type": "DER"}],
        "keystores": {"pkcs12": {"passwordSecretRef": password}, "jks": {"passwordSecretRef": password}},
    });
    objects.create("Certificate", "shop", spec).await?;

    // The pair is served before its keystores can be made.
    let missing = until_reason(objects, "KeystorePassword").await?;
    ensure!(missing.contains("Secret keystores"), "{missing}");
    let first = shop(objects).await?;
    ensure!(files(&first) == ["ca.crt", "key.der", "tls-combined.pem", "tls.crt", "tls.key"], "{:?}", files(&first));
    objects.create_secret("keystores", "password", "changeit").await?;
    touch(objects, "1").await?;
    objects.until_ready("shop", 1).await?;

    let whole = shop(objects).await?;
    ensure!(files(&whole).len() == 9, "{:?}", files(&whole));
    ensure!(file(&whole, "tls.key").starts_with(b"-----BEGIN EC PRIVATE KEY-----"));
    ensure!(file(&whole, "tls-combined.pem") == [file(&whole, "tls.key"), file(&whole, "tls.crt")].concat());
    read_pair(file(&whole, "tls.crt"), file(&whole, "tls.key"))?;
    ensure!(opens(file(&whole, "keystore.p12"), "changeit")? && opens(file(&whole, "truststore.p12"), "changeit")?);
    ensure!(file(&whole, "keystore.jks").starts_with(&[0xfe, 0xed, 0xfe, 0xed]));
    ensure!(whole.labels()["team"] == "shop" && whole.annotations()["reloader"] == "on");

    // Looked at again, nothing is written: salts and all stay.
    objects.patch("Certificate", "shop", json!({"spec": {"renewal": {"before": "720h"}}})).await?;
    objects.until_ready("shop", 1).await?;
    ensure!(shop(objects).await?.resource_version() == whole.resource_version(), "written without need");

    // Others' labels stay, those of the template come and go with it.
    edit_secret(objects, json!({"metadata": {"labels": {"theirs": "kept"}, "annotations": {"note": "edited"}}}))
        .await?;
    let template = json!({"labels": {"team": null, "tier": "web"}, "annotations": {"reloader": null}});
    objects.patch("Certificate", "shop", json!({"spec": {"secretTemplate": template}})).await?;
    objects.until_ready("shop", 1).await?;
    let edited = shop(objects).await?;
    ensure!(edited.labels()["tier"] == "web" && edited.labels()["theirs"] == "kept", "{:?}", edited.labels());
    ensure!(!edited.labels().contains_key("team") && !edited.annotations().contains_key("reloader"));
    ensure!(edited.annotations()["note"] == "first", "what the template says is brought back");
    ensure!(file(&edited, "keystore.p12") == file(&whole, "keystore.p12"), "keystores are made when something changes");

    // A changed password makes them anew.
    let changed = json!({"stringData": {"password": "changed-it"}});
    objects.secrets().patch("keystores", &PatchParams::default(), &Patch::Merge(&changed)).await?;
    touch(objects, "2").await?;
    until_secret(objects, "the new password opens it", |secret| {
        opens(file(secret, "keystore.p12"), "changed-it").unwrap_or(false)
    })
    .await?;

    // Nothing is asked for any more: what was made is gone.
    let bare = json!({"secretTemplate": null, "additionalOutputFormats": null, "keystores": null, "privateKey": null});
    objects.patch("Certificate", "shop", json!({"spec": bare})).await?;
    objects.until_ready("shop", 1).await?;
    let bare = shop(objects).await?;
    ensure!(files(&bare) == PAIR, "{:?}", files(&bare));
    ensure!(file(&bare, "tls.key").starts_with(b"-----BEGIN PRIVATE KEY-----"));
    ensure!(!bare.labels().contains_key("tier") && !bare.annotations().contains_key("evercert.dev/keystores"));
    ensure!(bare.labels()["theirs"] == "kept");
    ensure!(file(&bare, "tls.crt") == file(&first, "tls.crt"), "the same certificate all along");
    ensure!(world.sandbox.ledger().await?.operations.len() == 1, "one order, nothing else");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_secret_cannot_take_is_told_and_nothing_is_lost() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    let spec = json!({"issuerRef": {"name": "digicert"}, "secretName": "shop-tls", "dnsNames": [NAME]});
    objects.create("Certificate", "shop", spec).await?;
    objects.until_ready("shop", 1).await?;

    // Too large, as the API server counts: 1 MiB of values.
    let before = shop(objects).await?;
    let room = 1024 * 1024 - before.data.iter().flatten().map(|(_, value)| value.0.len()).sum::<usize>();
    edit_secret(objects, json!({"stringData": {"theirs": "x".repeat(room - 100)}})).await?;
    let formats = |formats: Value| json!({"spec": {"additionalOutputFormats": formats}});
    objects.patch("Certificate", "shop", formats(json!([{"type": "CombinedPEM"}]))).await?;
    let told = until_reason(objects, "SecretNotWritable").await?;
    ensure!(told.contains("1048576"), "{told}");
    ensure!(file(&shop(objects).await?, "tls.crt") == file(&before, "tls.crt"), "still served");
    edit_secret(objects, json!({"data": {"theirs": null}})).await?;
    objects.until_ready("shop", 1).await?;
    ensure!(file(&shop(objects).await?, "tls-combined.pem").ends_with(file(&before, "tls.crt")));

    // Immutable: served as it is, until something has to be written.
    edit_secret(objects, json!({"immutable": true})).await?;
    objects.patch("Certificate", "shop", json!({"spec": {"renewal": {"before": "720h"}}})).await?;
    objects.until_ready("shop", 1).await?;
    objects.patch("Certificate", "shop", json!({"spec": {"dnsNames": [NAME, "www.example.com"]}})).await?;
    let told = until_reason(objects, "SecretNotWritable").await?;
    ensure!(told.contains("immutable") && told.contains("delete it"), "{told}");
    ensure!(world.sandbox.ledger().await?.operations.len() == 1, "nothing is asked for that could not be installed");
    ensure!(file(&shop(objects).await?, "tls.crt") == file(&before, "tls.crt"), "still served");
    objects.secrets().delete("shop-tls", &Default::default()).await?;
    objects.until_ready("shop", 2).await?;
    let ledger = world.sandbox.ledger().await?;
    ensure!((ledger.paid(NAME), ledger.count("reissue", NAME)) == (1, 1), "{:?}", ledger.operations);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_stays_is_found_among_its_own_certificates_and_goes_when_it_is_compromised() -> Result<()> {
    let world = World::start(WorldOptions::default()).await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;
    let spec = json!({
        "issuerRef": {"name": "digicert"}, "secretName": "shop-tls", "dnsNames": [NAME],
        "privateKey": {"algorithm": "ECDSA", "rotationPolicy": "Never"},
    });
    objects.create("Certificate", "shop", spec).await?;
    objects.until_ready("shop", 1).await?;
    let first = shop(objects).await?;

    // The answer is lost on its way here, then the request on its way there: one reissue each, for the same key.
    for (revision, kind) in [(2, "resetAfterCommit"), (3, "resetBeforeCommit")] {
        let fault = json!({"match": {"operation": "reissue", "commonName": NAME}, "kind": kind});
        world.sandbox.fault(&fault).await?;
        let request = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": kind}}});
        objects.patch("Certificate", "shop", request).await?;
        objects.until_ready("shop", revision).await?;
        let again = shop(objects).await?;
        ensure!(file(&again, "tls.key") == file(&first, "tls.key"), "{kind}: another key");
        ensure!(file(&again, "tls.crt") != file(&first, "tls.crt"), "{kind}: an old certificate");
        let reissues = world.sandbox.ledger().await?.count("reissue", NAME);
        ensure!(reissues + 1 == usize::try_from(revision)?, "{kind}: {reissues} reissues");
    }

    let request = json!({"metadata": {"annotations": {
        "evercert.dev/reissue-requested": "incident", "evercert.dev/reissue-reason": "KeyCompromise"}}});
    objects.patch("Certificate", "shop", request).await?;
    objects.until_ready("shop", 4).await?;
    ensure!(file(&shop(objects).await?, "tls.key") != file(&first, "tls.key"), "a compromised key is not used again");
    objects
        .until("Issuance", "shop-4", "every certificate for that key is revoked", |issuance| {
            issuance["status"]["revokedSerials"].as_array().is_some_and(|serials| serials.len() == 3)
        })
        .await?;
    ensure!(world.sandbox.ledger().await?.paid(NAME) == 1, "one order");
    Ok(())
}

async fn shop(objects: &Objects) -> Result<Secret> {
    objects.secret("shop-tls").await?.context("no Secret")
}

fn files(secret: &Secret) -> Vec<&str> {
    secret.data.iter().flatten().map(|(name, _)| name.as_str()).collect()
}

fn file<'a>(secret: &'a Secret, name: &str) -> &'a [u8] {
    secret.data.as_ref().and_then(|data| data.get(name)).map(|value| value.0.as_slice()).unwrap_or_default()
}

/// Wakes its reconciler.
async fn touch(objects: &Objects, token: &str) -> Result<()> {
    objects.patch("Certificate", "shop", json!({"metadata": {"labels": {"touched": token}}})).await
}

async fn edit_secret(objects: &Objects, patch: Value) -> Result<()> {
    objects.secrets().patch("shop-tls", &PatchParams::default(), &Patch::Merge(&patch)).await?;
    Ok(())
}

/// Waits for a condition that only a person can change, and returns its message.
async fn until_reason(objects: &Objects, reason: &str) -> Result<String> {
    let what = format!("a person is asked because of {reason}");
    let is = |object: &Value, type_: &str, status: &str| {
        condition(object, type_).is_some_and(|found| found["status"] == status && found["reason"] == reason)
    };
    let holds = |object: &Value| is(object, "Ready", "False") && is(object, "ActionRequired", "True");
    let object = objects.until("Certificate", "shop", &what, holds).await?;
    let required = condition(&object, "ActionRequired").context("no condition")?;
    Ok(required["message"].as_str().unwrap_or_default().to_owned())
}

async fn until_secret(objects: &Objects, what: &str, holds: impl Fn(&Secret) -> bool) -> Result<()> {
    for _ in 0..600 {
        if holds(&shop(objects).await?) {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    anyhow::bail!("the Secret did not become so that {what}")
}

/// Whether OpenSSL reads a PKCS#12 file with this password.
fn opens(store: &[u8], password: &str) -> Result<bool> {
    let mut command = Command::new("openssl");
    command.args(["pkcs12", "-nodes", "-passin", &format!("pass:{password}")]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().context("these tests need openssl")?;
    child.stdin.take().context("no input")?.write_all(store)?;
    let output = child.wait_with_output()?;
    Ok(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("BEGIN CERTIFICATE"))
}
