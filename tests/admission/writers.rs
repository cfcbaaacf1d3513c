//! Who may write Issuances, and what.

use evercert::api::Issuance;
use evercert::api::conditions::{self, APPROVED, RESOLVED, reason};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::{Client, CustomResourceExt};
use serde_json::{Value, json};

use crate::{Verdicts, dry_run, issuance, person, plane};

#[tokio::test]
async fn only_the_operator_writes_issuances() {
    let plane = plane().await;
    let namespace = plane.namespace("writers").await.unwrap();
    let own =
        |client: Client| -> Api<DynamicObject> { Api::namespaced_with(client, &namespace, &Issuance::api_resource()) };
    let ordinary = json!(["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]);
    let may = |resources: &[&str], verbs: &Value| json!({"apiGroups": ["evercert.dev"], "resources": resources, "verbs": verbs});
    let ledger = may(&["issuances", "issuances/status"], &ordinary);

    let editor = own(person(plane, "editor", json!([may(&["certificates"], &ordinary)])).await);
    let broad = own(person(plane, "broad", json!([ledger, may(&["issuers", "certificates"], &ordinary)])).await);
    let backup = own(person(plane, "backup", json!([ledger, may(&["issuances"], &json!(["restore"]))])).await);
    let operator = own(person(plane, "operator", json!([ledger, may(&["issuances"], &json!(["operate"]))])).await);

    let new: DynamicObject = serde_json::from_value(issuance("shop", 1)).unwrap();
    let label = Patch::Merge(json!({"metadata": {"labels": {"a": "b"}}}));
    let state = Patch::Merge(json!({"status": {"state": "Submitting"}}));
    let (merge, create) = (PatchParams::default(), PostParams::default());
    let mut verdicts = Verdicts::default();

    verdicts.check("an editor of Certificates creates", "cannot create resource", editor.create(&create, &new).await);
    verdicts.check("without operate: create", "verb operate", broad.create(&create, &new).await);
    verdicts.check("backup: create", "", backup.create(&dry_run(), &new).await);
    verdicts.check("operator: create", "", operator.create(&create, &new).await);
    for (who, api) in [("without operate", &broad), ("backup", &backup)] {
        verdicts.check(&format!("{who}: update"), "verb operate", api.patch("shop-1", &merge, &label).await);
        verdicts.check(&format!("{who}: status"), "verb approve", api.patch_status("shop-1", &merge, &state).await);
        verdicts.check(&format!("{who}: delete"), "verb operate", api.delete("shop-1", &DeleteParams::default()).await);
        let all = api.delete_collection(&DeleteParams::default(), &Default::default()).await;
        verdicts.check(&format!("{who}: delete all"), "verb operate", all);
    }
    verdicts.check("operator: update", "", operator.patch("shop-1", &merge, &label).await);
    verdicts.check("operator: status", "", operator.patch_status("shop-1", &merge, &state).await);
    verdicts.check("operator: delete", "", operator.delete("shop-1", &DeleteParams::default()).await);
    verdicts.hold();
}

#[tokio::test]
async fn an_approver_decides_and_does_nothing_else() {
    let plane = plane().await;
    let namespace = plane.namespace("approvers").await.unwrap();
    let own = |client: Client| -> Api<Issuance> { Api::namespaced(client, &namespace) };
    let status =
        json!({"apiGroups": ["evercert.dev"], "resources": ["issuances/status"], "verbs": ["patch", "update"]});
    let approve = |resource: &str, name: &str| json!({"apiGroups": ["evercert.dev"], "resources": [resource], "resourceNames": [name], "verbs": ["approve"]});
    let approver = own(person(plane, "approver", json!([status, approve("issuers", "digicert")])).await);
    let other = own(person(
        plane,
        "other",
        json!([status, approve("issuers", "other"), approve("clusterissuers", "digicert")]),
    )
    .await);

    let admin = own(plane.client());
    let mut of_cluster = issuance("mail", 1);
    of_cluster["spec"]["issuerRef"]["kind"] = json!("ClusterIssuer");
    for object in [issuance("shop", 1), of_cluster] {
        admin.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
    }
    let now = Time(Timestamp::UNIX_EPOCH);
    let mut ours = Vec::new();
    conditions::set_condition(&mut ours, "Submitted", true, "Accepted", "by the provider", Some(1), &now);
    let given = json!({"status": {"state": "NeedsAttention", "orderId": "1", "validations": [], "conditions": ours}});
    for name in ["shop-1", "mail-1"] {
        admin.patch_status(name, &PatchParams::default(), &Patch::Merge(&given)).await.unwrap();
    }

    let decided = |type_: &str, why: &str| {
        let mut all: Vec<Condition> = ours.clone();
        conditions::set_condition(&mut all, type_, true, why, "112233", Some(1), &now);
        all
    };
    let touched = {
        let mut all = decided(APPROVED, "Checked");
        conditions::set_condition(&mut all, "Submitted", false, "No", "", Some(1), &now);
        all
    };
    let dry = PatchParams { dry_run: true, ..PatchParams::default() };
    let mut verdicts = Verdicts::default();
    for (expected, who, name, patch) in [
        ("", &approver, "shop-1", json!({"conditions": decided(APPROVED, "Checked")})),
        ("", &approver, "shop-1", json!({"conditions": decided(conditions::DENIED, "TooMuch")})),
        ("", &approver, "shop-1", json!({"conditions": decided(RESOLVED, reason::PLACED)})),
        ("nothing else", &approver, "shop-1", json!({"conditions": touched})),
        ("nothing else", &approver, "shop-1", json!({"conditions": []})),
        ("nothing else", &approver, "shop-1", json!({"conditions": null})),
        (
            "nothing else",
            &approver,
            "shop-1",
            json!({"state": "Installed", "conditions": decided(APPROVED, "Checked")}),
        ),
        ("nothing else", &approver, "shop-1", json!({"orderId": null})),
        ("nothing else", &approver, "shop-1", json!({"chain": "-----BEGIN…"})),
        ("verb approve", &approver, "mail-1", json!({"conditions": decided(APPROVED, "Checked")})),
        ("verb approve", &other, "shop-1", json!({"conditions": decided(APPROVED, "Checked")})),
        ("", &other, "mail-1", json!({"conditions": decided(APPROVED, "Checked")})),
    ] {
        let what = format!("{name} {patch}");
        let outcome = who.patch_status(name, &dry, &Patch::Merge(json!({"status": patch}))).await;
        verdicts.check(&what, expected, outcome);
    }

    // The first decision on an Issuance that has no status yet, as after a restore.
    admin.create(&PostParams::default(), &serde_json::from_value(issuance("new", 1)).unwrap()).await.unwrap();
    let first = json!({"status": {"conditions": decided(RESOLVED, reason::NOT_PLACED)[1..]}});
    verdicts.check("no status yet", "", approver.patch_status("new-1", &dry, &Patch::Merge(first)).await);
    verdicts.hold();
}
