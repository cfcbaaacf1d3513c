//! The calls, in an order in which each of them succeeds, and those that fail.

use serde_json::{Value, json};

use super::Exchange;
use crate::{client::Client, http::Answer};

struct Play {
    client: Client,
    exchanges: Vec<Exchange>,
}

impl Play {
    async fn call(&mut self, name: &'static str, method: &str, path: &str, body: Option<Value>) -> &Answer {
        let answer = self.client.call(method, path, body).await;
        self.exchanges.push(Exchange { name, answer });
        &self.exchanges.last().unwrap().answer
    }

    async fn data(&mut self, name: &'static str, method: &str, path: &str, body: Option<Value>) -> Value {
        self.call(name, method, path, body).await.json()["data"].take()
    }
}

pub async fn play() -> Vec<Exchange> {
    let client = Client::instant().await;
    let mut play = Play { client, exchanges: Vec::new() };
    identity(&mut play).await;
    certificates(&mut play).await;
    zones(&mut play).await;
    batches(&mut play).await;
    webhooks(&mut play).await;
    gateway(&mut play).await;
    play.exchanges
}

async fn identity(play: &mut Play) {
    play.call("whoami-success-account", "GET", "/whoami", None).await;
    play.call("listAccounts-success-account", "GET", "/accounts", None).await;
    let user = play.client.ready["dnsimple"]["userToken"].as_str().unwrap().to_owned();
    let own = std::mem::replace(&mut play.client.token, user);
    play.call("whoami-success-user", "GET", "/whoami", None).await;
    play.client.token = own;
    play.call("listDomains-success", "GET", "domains", None).await;
    play.call("getDomain-success", "GET", "domains/example.com", None).await;
    play.call("notfound-domain", "GET", "domains/0", None).await;
}

async fn certificates(play: &mut Play) {
    let all = "domains/example.com/certificates";
    let free = format!("{all}/letsencrypt");
    let purchase = play.data("purchaseLetsencryptCertificate-success", "POST", &free, Some(json!({}))).await;
    let id = &purchase["certificate_id"];
    play.call("issueLetsencryptCertificate-success", "POST", &format!("{free}/{id}/issue"), None).await;
    play.call("getCertificate-success", "GET", &format!("{all}/{id}"), None).await;
    play.call("listCertificates-success", "GET", all, None).await;
    play.call("downloadCertificate-success", "GET", &format!("{all}/{id}/download"), None).await;
    play.call("getCertificatePrivateKey-success", "GET", &format!("{all}/{id}/private_key"), None).await;
    let path = format!("{free}/{id}/renewals");
    let renewal = play.data("purchaseRenewalLetsencryptCertificate-success", "POST", &path, Some(json!({}))).await;
    let path = format!("{path}/{}/issue", renewal["id"]);
    play.call("issueRenewalLetsencryptCertificate-success", "POST", &path, None).await;
    play.call("notfound-certificate", "GET", &format!("{all}/0"), None).await;
}

async fn zones(play: &mut Play) {
    play.call("listZones-success", "GET", "zones", None).await;
    play.call("getZone-success", "GET", "zones/example.com", None).await;
    play.call("notfound-zone", "GET", "zones/0", None).await;
    let records = "zones/example.com/records";
    let apex = json!({"name": "", "type": "A", "content": "127.0.0.1", "ttl": 600});
    play.call("createZoneRecord-created-apex", "POST", records, Some(apex)).await;
    let body = json!({"name": "www", "type": "MX", "content": "mxa.example.com", "priority": 10, "regions": ["SV1"]});
    let record = play.data("createZoneRecord-created", "POST", records, Some(body.clone())).await;
    play.call("validation-error", "POST", records, Some(body)).await;
    play.call("listZoneRecords-success", "GET", records, None).await;
    play.call("notfound-record", "GET", &format!("{records}/0"), None).await;
    let one = format!("{records}/{}", record["id"]);
    play.call("getZoneRecord-success", "GET", &one, None).await;
    play.call("updateZoneRecord-success", "PATCH", &one, Some(json!({"content": "mxb.example.com"}))).await;
    let distribution = format!("{one}/distribution");
    play.call("checkZoneRecordDistribution-success", "GET", &distribution, None).await;
    play.call("checkZoneDistribution-success", "GET", "zones/example.com/distribution", None).await;
    play.client.zone(json!({"lagSeconds": 3600})).await;
    play.call("checkZoneRecordDistribution-failure", "GET", &distribution, None).await;
    play.client.zone(json!({"lagSeconds": 0, "distributionUnknown": true})).await;
    play.call("checkZoneRecordDistribution-error", "GET", &distribution, None).await;
    play.call("deleteZoneRecord-success", "DELETE", &one, None).await;
    play.call("method-not-allowed", "PUT", &one, None).await;
}

async fn batches(play: &mut Play) {
    play.client.settings(json!({"plan": "enterprise"})).await;
    let mut ids = Vec::new();
    for name in ["one", "two"] {
        ids.push(play.client.record(name, "A", "127.0.0.1").await["id"].clone());
    }
    let batch = json!({
        "creates": [{"name": "ab", "type": "A", "content": "3.2.3.4"}],
        "updates": [{"id": ids[0], "content": "3.2.3.40"}],
        "deletes": [{"id": ids[1]}],
    });
    let path = "zones/example.com/batch";
    play.call("batchChangeZoneRecords-success", "POST", path, Some(batch)).await;
    let missing = json!([{"id": 0, "content": "127.0.0.1"}]);
    for (name, kind, rows) in [
        ("batchChangeZoneRecords-error_400_create_validation_failed", "creates", json!([{"name": "x", "type": "X"}])),
        ("batchChangeZoneRecords-error_400_update_validation_failed", "updates", missing.clone()),
        ("batchChangeZoneRecords-error_400_delete_validation_failed", "deletes", missing),
    ] {
        play.call(name, "POST", path, Some(json!({kind: rows}))).await;
    }
}

async fn webhooks(play: &mut Play) {
    let body = json!({"url": "https://webhook.test"});
    let id = play.data("createWebhook-created", "POST", "webhooks", Some(body)).await["id"].clone();
    play.call("listWebhooks-success", "GET", "webhooks", None).await;
    play.call("getWebhook-success", "GET", &format!("webhooks/{id}"), None).await;
    play.call("deleteWebhook-success", "DELETE", &format!("webhooks/{id}"), None).await;
    play.call("notfound-webhook", "GET", "webhooks/0", None).await;
}

async fn gateway(play: &mut Play) {
    let fault = json!({"match": {"operation": "whoami"}, "kind": "errorBeforeCommit", "status": 502});
    play.client.fault(fault).await;
    play.call("badgateway", "GET", "/whoami", None).await;
}
