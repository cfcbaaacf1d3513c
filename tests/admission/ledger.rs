//! An Issuance, once written, only grows.

use evercert::api::Issuance;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, PostParams};
use kube::runtime::wait::{await_condition, conditions::is_deleted};
use kube::{CustomResourceExt, Resource, ResourceExt};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{PATIENCE, Verdicts, dry_run, issuance, plane, submission, try_out, with};

#[tokio::test]
async fn issuances_are_a_ledger() {
    let plane = plane().await;
    let namespace = plane.namespace("ledger").await.unwrap();
    let api: Api<DynamicObject> = Api::namespaced_with(plane.client(), &namespace, &Issuance::api_resource());
    let spec = |patch: Value| json!({"spec": patch});
    let mut verdicts = Verdicts::default();
    for (expected, patch) in [
        ("", json!({})),
        ("named <certificate>-<revision>", json!({"metadata": {"name": "shop-2"}})),
        ("need a parent", spec(json!({"parent": null}))),
        ("need a parent", spec(json!({"operation": "Order"}))),
        ("", spec(json!({"operation": "Order", "parent": null}))),
        ("Unsupported value", spec(json!({"operation": "Replace"}))),
        ("", spec(json!({"submissions": (1..=16).map(submission).collect::<Vec<_>>()}))),
        ("Too many", spec(json!({"submissions": (1..=17).map(submission).collect::<Vec<_>>()}))),
        ("numbered 1, 2, 3", spec(json!({"submissions": [submission(2)]}))),
        ("should match", spec(json!({"idempotencyKey": "X"}))),
        ("", spec(json!({"operation": "Adopt", "adopt": "112233", "submissions": []}))),
        ("nothing is submitted", spec(json!({"operation": "Adopt", "submissions": [submission(1)]}))),
        ("", spec(json!({"operation": "Collect", "submissions": []}))),
        ("", spec(json!({"operation": "Collect", "submissions": [], "parent": null}))),
        ("nothing is submitted", spec(json!({"operation": "Collect", "submissions": [submission(1)]}))),
        ("", spec(json!({"request": {"keyOrigin": "Provider", "publicKeySha256": "", "csr": ""}}))),
        ("not known before", spec(json!({"request": {"keyOrigin": "Provider"}}))),
        ("not known before", spec(json!({"request": {"publicKeySha256": ""}}))),
    ] {
        verdicts.check(
            &format!("new {patch}"),
            expected,
            try_out(&api, with(issuance("shop", 1), patch.clone())).await,
        );
    }

    let stored =
        api.create(&PostParams::default(), &serde_json::from_value(issuance("shop", 1)).unwrap()).await.unwrap();
    let stored = serde_json::to_value(stored).unwrap();
    let other_time = with(submission(1), json!({"at": "2026-01-01T00:00:01Z"}));
    for (expected, patch) in [
        ("", json!({"metadata": {"labels": {"evercert.dev/managed": "true"}}})),
        ("", spec(json!({"submissions": [submission(1), submission(2)]}))),
        ("submissions only grows", spec(json!({"submissions": []}))),
        ("submissions only grows", spec(json!({"submissions": [other_time, submission(2)]}))),
        ("immutable", spec(json!({"certificateRef": {"uid": "5"}}))),
        ("immutable", spec(json!({"issuerRef": {"kind": "ClusterIssuer"}}))),
        ("immutable", spec(json!({"account": {"id": "78"}}))),
        ("immutable", spec(json!({"revision": 2}))),
        ("immutable", spec(json!({"operation": "Renew"}))),
        ("immutable", spec(json!({"cost": "MayCharge"}))),
        ("immutable", spec(json!({"reason": "Requested"}))),
        ("immutable", spec(json!({"requestToken": "t2"}))),
        ("immutable", spec(json!({"requestToken": null}))),
        ("immutable", spec(json!({"request": {"csr": "another"}}))),
        ("immutable", spec(json!({"request": {"organizationId": 1}}))),
        ("immutable", spec(json!({"request": {"digicert": {"comments": "later"}}}))),
        ("immutable", spec(json!({"request": {"digicert": {"organizationUnits": ["IT"]}}}))),
        ("immutable", spec(json!({"request": {"digicert": null}}))),
        ("immutable", spec(json!({"parent": {"orderId": "1"}}))),
        ("immutable", spec(json!({"parent": {"certificateId": "1"}}))),
        ("immutable", spec(json!({"supersedes": null}))),
        ("immutable", spec(json!({"supersedes": {"serialNumbers": ["0b"]}}))),
        ("immutable", spec(json!({"adopt": "112233"}))),
        ("immutable", spec(json!({"idempotencyKey": "00000000-0000-8000-8000-000000000001"}))),
    ] {
        let changed = serde_json::from_value(with(stored.clone(), patch.clone())).unwrap();
        verdicts.check(&format!("change {patch}"), expected, api.replace("shop-1", &dry_run(), &changed).await);
    }
    verdicts.hold();

    let of_shop = ListParams::default().fields("spec.certificateRef.name=shop");
    assert_eq!(api.list(&of_shop).await.unwrap().items.len(), 1);
    let of_other = ListParams::default().fields("spec.certificateRef.name=other");
    assert_eq!(api.list(&of_other).await.unwrap().items.len(), 0);
}

#[tokio::test]
async fn kubernetes_still_collects_issuances() {
    let plane = plane().await;
    let namespace = plane.namespace("collected").await.unwrap();
    let api: Api<Issuance> = Api::namespaced(plane.client(), &namespace);
    let owners: Api<ConfigMap> = Api::namespaced(plane.client(), &namespace);
    let named = ConfigMap {
        metadata: kube::core::ObjectMeta { name: Some("owner".into()), ..Default::default() },
        ..Default::default()
    };
    let owner = owners.create(&PostParams::default(), &named).await.unwrap();

    let mut owned: Issuance = serde_json::from_value(issuance("owned", 1)).unwrap();
    owned.metadata.owner_references = owner.controller_owner_ref(&()).map(|reference| vec![reference]);
    let owned = api.create(&PostParams::default(), &owned).await.unwrap();
    owners.delete("owner", &DeleteParams::background()).await.unwrap();
    let uid = owned.uid().unwrap();
    let gone = await_condition(api.clone(), "owned-1", is_deleted(&uid));
    timeout(PATIENCE, gone).await.expect("the garbage collector deletes it").unwrap();

    let orphan: Issuance = serde_json::from_value(issuance("shop", 1)).unwrap();
    api.create(&PostParams::default(), &orphan).await.unwrap();
    let namespaces: Api<Namespace> = Api::all(plane.client());
    let uid = namespaces.get(&namespace).await.unwrap().uid().unwrap();
    namespaces.delete(&namespace, &DeleteParams::default()).await.unwrap();
    let gone = await_condition(namespaces, &namespace, is_deleted(&uid));
    timeout(PATIENCE, gone).await.expect("the namespace controller deletes it with its Issuance").unwrap();
}
