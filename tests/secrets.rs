//! No key material gets out: a whole life at the finest log level, and then every key that was ever in a Secret is
//! searched for wherever somebody else can read.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::StreamExt;
use harness::{Operator, SandboxOptions, World, WorldOptions};
use k8s_openapi::api::{core::v1::Secret, events::v1::Event};
use kube::{
    Api,
    runtime::{WatchStreamExt, watcher},
};
use serde_json::{Value, json};

const NAME: &str = "shop.example.com";

#[tokio::test(flavor = "multi_thread")]
async fn no_key_gets_out_in_a_whole_life() -> Result<()> {
    let world = World::start(WorldOptions {
        sandbox: SandboxOptions { check_dcv: true, ..SandboxOptions::default() },
        log: Some("trace".to_owned()),
        ..WorldOptions::default()
    })
    .await?;
    let keys = Keys::watch(&world);
    let operator = world.operator().await?;
    live(&world).await?;

    let secrets = keys.seen(&world).await?;
    let of = |what: &str| secrets.iter().filter(|secret| secret.name.contains(what)).count();
    ensure!(of("evercert-key-shop-") >= 6 && of("shop-tls") >= 6, "too few keys seen: {secrets:?}");
    let leaks = search(&places(&world, &operator).await?, &secrets);
    ensure!(leaks.is_empty(), "{leaks:#?}");

    // It would have been found, in whatever form.
    for secret in &secrets {
        for (form, text) in &secret.forms {
            let planted = json!({"metadata": {"annotations": {"leak": format!("so: {text}!")}}});
            world.objects.patch("Certificate", "shop", planted).await?;
            let certificates = BTreeMap::from([("Certificate".to_owned(), text_of(&world, "Certificate").await?)]);
            ensure!(!search(&certificates, &secrets).is_empty(), "{} as {form} is not found", secret.name);
        }
    }
    Ok(())
}

/// Every operation and some failures.
async fn live(world: &World) -> Result<()> {
    let objects = &world.objects;
    objects.create_secret("wrong-api-key", "api-key", "WRONG-KEY-0123456789").await?;
    let mut wrong = world.issuer();
    wrong["digicert"]["apiKeySecretRef"]["name"] = json!("wrong-api-key");
    objects.create("Issuer", "wrong", wrong).await?;
    let spec =
        |issuer: &str, secret: &str| json!({"issuerRef": {"name": issuer}, "secretName": secret, "dnsNames": [NAME]});
    objects.create("Certificate", "never", spec("wrong", "never-tls")).await?;

    world.sandbox.fault(&json!({"kind": "truncateBody", "match": {"operation": "order"}})).await?;
    objects.create("Certificate", "shop", spec("digicert", "shop-tls")).await?;
    objects.until_ready("shop", 1).await?;
    objects.secrets().delete("shop-tls", &Default::default()).await?;
    objects.until_ready("shop", 2).await?;
    world.sandbox.fault(&json!({"kind": "errorAfterCommit", "status": 500, "match": {"operation": "reissue"}})).await?;
    let rsa = json!({"spec": {"privateKey": {"algorithm": "RSA", "size": 2048}}});
    objects.patch("Certificate", "shop", rsa).await?;
    objects.until_ready("shop", 3).await?;
    let again = json!({"spec": {"privateKey": {"algorithm": "RSA", "size": 2048, "rotationPolicy": "Never"}},
        "metadata": {"annotations": {"evercert.dev/reissue-requested": "again"}}});
    objects.patch("Certificate", "shop", again).await?;
    objects.until_ready("shop", 4).await?;
    let compromised = json!({"metadata": {"annotations": {
        "evercert.dev/reissue-requested": "incident", "evercert.dev/reissue-reason": "KeyCompromise"}}});
    objects.patch("Certificate", "shop", compromised).await?;
    objects.until_ready("shop", 5).await?;
    world.sandbox.advance_days(330).await?;
    objects.until_ready("shop", 6).await?;
    world.sandbox.advance_days(30).await?;
    objects.until_ready("shop", 7).await?;
    Ok(())
}

/// What must not get out, in every form in which it could.
struct Hidden {
    name: String,
    forms: Vec<(&'static str, String)>,
}

/// Never the secret itself.
impl std::fmt::Debug for Hidden {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.name)
    }
}

impl Hidden {
    fn word(name: &str, word: &str) -> Self {
        let bytes = word.as_bytes();
        let mut forms = vec![("text", word.to_owned())];
        forms.extend(spelled(bytes));
        if let Ok(decoded) = STANDARD.decode(word) {
            forms.extend(spelled(&decoded));
        }
        Self { name: name.to_owned(), forms }
    }

    /// The parts of a key that only its private half has: a CSR shows the others.
    fn key(name: &str, pem: &str) -> Result<Self> {
        let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(lines.concat())?;
        // PKCS #8 (RFC 5208 §5): an elliptic curve's scalar comes before the public point, an RSA modulus first.
        let elliptic = der.len() < 200;
        let (lines, private) =
            if elliptic { (&lines[..2], &der[36..68]) } else { (&lines[lines.len() / 2..], &der[der.len() * 3 / 4..]) };
        let mut forms: Vec<_> = lines.iter().map(|line| ("line", (*line).to_owned())).collect();
        forms.extend(spelled(private));
        let stored = STANDARD.encode(pem);
        let from = if elliptic { stored.len() / 4 } else { stored.len() * 3 / 4 };
        forms.push(("as stored", stored[from..from + 64].to_owned()));
        Ok(Self { name: name.to_owned(), forms })
    }
}

fn spelled(bytes: &[u8]) -> [(&'static str, String); 4] {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let numbers = format!("{bytes:?}");
    [
        ("base64", STANDARD.encode(bytes).trim_end_matches('=').to_owned()),
        ("HEX", hex.to_uppercase()),
        ("hex", hex),
        ("numbers", numbers.trim_matches(['[', ']']).to_owned()),
    ]
}

/// Every private key that is ever stored, from the first moment on.
struct Keys(Arc<Mutex<BTreeMap<String, String>>>);

impl Keys {
    fn watch(world: &World) -> Self {
        let keys = Self(Arc::default());
        let (seen, api): (_, Api<Secret>) = (keys.0.clone(), Api::all(world.objects.client.clone()));
        tokio::spawn(async move {
            let mut secrets =
                watcher::watcher(api, watcher::Config::default()).default_backoff().touched_objects().boxed();
            while let Some(secret) = secrets.next().await {
                let secret = secret.unwrap_or_default();
                let pem = secret.data.and_then(|data| String::from_utf8(data.get("tls.key")?.0.clone()).ok());
                if let (Some(pem), Ok(mut seen)) = (pem, seen.lock()) {
                    let version = secret.metadata.resource_version.unwrap_or_default();
                    seen.insert(format!("{} {version}", secret.metadata.name.unwrap_or_default()), pem);
                }
            }
        });
        keys
    }

    async fn seen(&self, world: &World) -> Result<Vec<Hidden>> {
        let served = world.objects.secret("shop-tls").await?.and_then(|secret| secret.metadata.resource_version);
        let last = format!("shop-tls {}", served.context("no Secret")?);
        let known = || self.0.lock().map(|seen| seen.clone()).unwrap_or_default();
        while !known().contains_key(&last) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let keys = known().into_iter().map(|(name, pem)| Hidden::key(&name, &pem));
        let ready = world.sandbox.ready();
        let word = |name: &str, value: &Value| Ok(Hidden::word(name, value.as_str().context(name.to_owned())?));
        keys.chain([
            word("API key", &ready["digicert"]["apiKey"]),
            word("wrong API key", &json!("WRONG-KEY-0123456789")),
            word("update key", &ready["dns"]["tsig"]["secret"]),
        ])
        .collect()
    }
}

/// Where others than the readers of Secrets can look.
async fn places(world: &World, operator: &Operator) -> Result<BTreeMap<String, String>> {
    let mut places = BTreeMap::new();
    for kind in ["Certificate", "Issuance", "Issuer", "ClusterIssuer"] {
        places.insert(kind.to_owned(), text_of(world, kind).await?);
    }
    let events: Api<Event> = Api::all(world.objects.client.clone());
    places.insert("Events".to_owned(), serde_json::to_string(&events.list(&Default::default()).await?)?);
    places.insert("log".to_owned(), operator.log());
    places.insert("metrics".to_owned(), operator.metrics_text().await?);
    places.insert("audit log".to_owned(), std::fs::read_to_string(world.plane.audit_log())?);
    for (place, expected) in
        [("Events", "Installed"), ("log", "DEBUG"), ("metrics", "evercert_"), ("audit log", "evercert-key-shop-1")]
    {
        ensure!(places[place].contains(expected), "{place} without {expected}");
    }
    Ok(places)
}

/// All objects of a kind, metadata included.
async fn text_of(world: &World, kind: &str) -> Result<String> {
    Ok(json!(world.objects.list(kind).await?).to_string())
}

fn search(places: &BTreeMap<String, String>, secrets: &[Hidden]) -> Vec<String> {
    let mut leaks = Vec::new();
    for (place, text) in places {
        for secret in secrets {
            let found = secret.forms.iter().filter(|(_, form)| text.contains(form.as_str()));
            leaks.extend(found.map(|(form, _)| format!("{} as {form} in {place}", secret.name)));
        }
    }
    leaks
}
