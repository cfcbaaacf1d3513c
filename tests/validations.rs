//! Validation by file and by mail: what a person is asked to do, what happens then, and that it is asked again when a
//! validation has expired. Real API server, and a CA that looks for itself.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use anyhow::{Context, Result, ensure};
use axum::{Router, routing::get};
use base64::{Engine, engine::general_purpose::STANDARD};
use harness::{SandboxOptions, World, WorldOptions, condition};
use hickory_net::{
    client::{Client, ClientHandle},
    runtime::TokioRuntimeProvider,
    udp::UdpClientStream,
};
use hickory_proto::rr::{Name, RData, Record, TSigner, rdata::tsig::TsigAlgorithm};
use serde_json::{Value, json};

const NAME: &str = "shop.example.com";
const FILE: &str = "/.well-known/pki-validation/fileauth.txt";

fn spec(names: &[&str]) -> Value {
    json!({"issuerRef": {"name": "digicert"}, "secretName": "shop-tls", "dnsNames": names})
}

async fn method(world: &World, method: &str) -> Result<()> {
    let dcv = json!({"spec": {"dcv": {"method": method, "publishers": null}}});
    world.objects.patch("Issuer", "digicert", dcv).await
}

/// Waits until a person is asked for, and returns for what.
async fn asked(world: &World, what: &str) -> Result<String> {
    let message = |object: &Value| {
        let asked = condition(object, "ActionRequired").filter(|asked| asked["status"] == "True")?;
        asked["message"].as_str().map(str::to_owned)
    };
    let so = |object: &Value| message(object).is_some_and(|message| message.contains(what));
    let object = world.objects.until("Certificate", "shop", &format!("{what} is asked for"), so).await?;
    message(&object).context("a message")
}

/// Stands for the user's web server: what it serves at the one path.
async fn web_server() -> Result<(SocketAddr, Arc<Mutex<String>>)> {
    let content = Arc::new(Mutex::new("nothing yet".to_owned()));
    let served = content.clone();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = Router::new().route(FILE, get(async move || served.lock().map(|text| text.clone()).unwrap_or_default()));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok((address, content))
}

/// Puts the name's address into the DNS.
async fn point(world: &World, name: &str, address: SocketAddr) -> Result<()> {
    let dns = &world.sandbox.ready()["dns"];
    let secret = STANDARD.decode(dns["tsig"]["secret"].as_str().unwrap_or_default())?;
    let key = Name::from_ascii(format!("{}.", dns["tsig"]["name"].as_str().unwrap_or_default()))?;
    let signer = TSigner::new(secret, TsigAlgorithm::HmacSha256, key, 300)?;
    let server: SocketAddr = world.sandbox.dns_address().parse()?;
    let stream = UdpClientStream::builder(server, TokioRuntimeProvider::new()).with_signer(Some(signer)).build();
    let (mut client, background) = Client::<TokioRuntimeProvider>::from_sender(stream);
    tokio::spawn(background);
    let SocketAddr::V4(address) = address else { anyhow::bail!("an IPv4 address") };
    let record = Record::from_rdata(Name::from_ascii(format!("{name}."))?, 60, RData::A((*address.ip()).into()));
    client.append(record, Name::from_ascii("example.com.")?, false).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_asked_for_by_url_and_content_checked_here_and_then_by_the_ca() -> Result<()> {
    let (address, content) = web_server().await?;
    let options = WorldOptions {
        sandbox: SandboxOptions { check_dcv: true, args: vec!["--http-port".into(), address.port().to_string()] },
        operator: vec!["--http-check-addresses".into(), address.to_string()],
        ..WorldOptions::default()
    };
    let world = World::start(options).await?;
    point(&world, NAME, address).await?;
    method(&world, "Http").await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;

    objects.create("Certificate", "shop", spec(&[NAME])).await?;
    let told = asked(&world, "serve these files over plain HTTP").await?;
    let url = format!("http://{NAME}{FILE} containing ");
    let token = told.split_once(&url).map(|(_, token)| token.trim().to_owned()).with_context(|| told.clone())?;
    // Seen from here first: until then the CA is not asked to look.
    let lacking = |object: &Value| {
        object["status"]["validations"][0]["message"]
            .as_str()
            .is_some_and(|message| message.contains("does not contain"))
    };
    objects.until("Issuance", "shop-1", "its file was looked for", lacking).await?;
    if let Ok(mut content) = content.lock() {
        *content = format!("{token}\n");
    }
    objects.until_ready("shop", 1).await?;
    let issuance = objects.get("Issuance", "shop-1").await?;
    ensure!(issuance["status"]["validations"][0]["method"] == "Http", "{:#}", issuance["status"]["validations"]);
    ensure!(world.sandbox.ledger().await?.paid(NAME) == 1);

    // A wildcard cannot be proven so: told before anything is bought.
    let mut wildcard = spec(&["*.example.com"]);
    wildcard["commonName"] = json!("*.example.com");
    wildcard["secretName"] = json!("wildcard-tls");
    objects.create("Certificate", "wildcard", wildcard).await?;
    let refused = |object: &Value| condition(object, "Ready").is_some_and(|ready| ready["reason"] == "InvalidSpec");
    let object = objects.until("Certificate", "wildcard", "it is refused", refused).await?;
    let told = condition(&object, "Ready").map(|ready| ready["message"].to_string()).unwrap_or_default();
    ensure!(told.contains("*.example.com cannot be validated by file"), "{told}");
    ensure!(world.sandbox.ledger().await?.paid("*.example.com") == 0);
    Ok(())
}

/// The mails that wait for an answer.
async fn mails(world: &World) -> Result<Vec<Value>> {
    let listed: Value = reqwest::get(format!("{}/_sandbox/mails", world.sandbox.url())).await?.json().await?;
    Ok(listed["mails"].as_array().cloned().unwrap_or_default())
}

async fn answer(world: &World) -> Result<()> {
    for mail in mails(world).await? {
        let link = format!("{}{}", world.sandbox.url(), mail["link"].as_str().unwrap_or_default());
        reqwest::get(link).await?.error_for_status()?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_named_sent_again_once_for_a_token_and_asked_for_anew_when_the_validation_has_expired() -> Result<()>
{
    let options =
        WorldOptions { sandbox: SandboxOptions { check_dcv: true, args: Vec::new() }, ..WorldOptions::default() };
    let world = World::start(options).await?;
    method(&world, "Email").await?;
    let _operator = world.operator().await?;
    let objects = &world.objects;

    objects.create("Certificate", "shop", spec(&[NAME])).await?;
    let told = asked(&world, "answer the provider's mail").await?;
    for address in ["admin@", "administrator@", "hostmaster@", "postmaster@", "webmaster@"] {
        ensure!(told.contains(&format!("{address}{NAME}")), "{address} is not in: {told}");
    }
    ensure!(told.contains("evercert.dev/resend-dcv-email"), "{told}");

    // Sent again, once for each token.
    let token = |token: &str| json!({"metadata": {"annotations": {"evercert.dev/resend-dcv-email": token}}});
    for (word, sent) in [("please", 2), ("once-more", 3)] {
        objects.patch("Certificate", "shop", token(word)).await?;
        let resent =
            |object: &Value| condition(object, "DcvEmailResent").is_some_and(|resent| resent["message"] == word);
        objects.until("Issuance", "shop-1", "the mail was sent again", resent).await?;
        objects.patch("Certificate", "shop", json!({"metadata": {"labels": {"touched": word}}})).await?;
        ensure!(mails(&world).await?[0]["sent"] == sent, "{:?}", mails(&world).await?);
    }
    answer(&world).await?;
    let first = objects.until_ready("shop", 1).await?;
    ensure!(condition(&first, "ActionRequired").is_none(), "nobody is needed any more");

    // The validation has expired by the time of the reissue: the same question again, and the pair stays served.
    world.sandbox.advance_days(200).await?;
    let told = asked(&world, "answer the provider's mail").await?;
    ensure!(told.contains(&format!("admin@{NAME}")), "{told}");
    ensure!(objects.secret("shop-tls").await?.is_some());
    answer(&world).await?;
    objects.until_ready("shop", 2).await?;
    let ledger = world.sandbox.ledger().await?;
    ensure!(ledger.paid(NAME) == 1 && ledger.count("reissue", NAME) == 1, "{ledger:?}");
    Ok(())
}
