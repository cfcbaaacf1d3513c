//! What people see and copy.

use evercert::api::Certificate;
use kube::CustomResourceExt;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::{certificate, kubectl, plane, text};

#[tokio::test]
async fn people_can_read_them() {
    let plane = plane().await;
    let namespace = plane.namespace("readers").await.unwrap();
    let api: Api<DynamicObject> = Api::namespaced_with(plane.client(), &namespace, &Certificate::api_resource());
    api.create(&PostParams::default(), &serde_json::from_value(certificate()).unwrap()).await.unwrap();
    let status = json!({"status": {
        "notAfter": "2999-07-20T10:00:00Z", "renewalTime": "2999-06-18T10:00:00Z", "serialNumber": "0a1b",
        "order": {"provider": "digicert", "orderId": "112233"},
        "next": {"operation": "Reissue", "cost": "Free", "reason": "Expiring", "summary": "Reissue (free)"},
        "conditions": [{"type": "Ready", "status": "True", "reason": "Issued", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
    }});
    api.patch_status("shop", &PatchParams::default(), &Patch::Merge(status)).await.unwrap();

    let table = text(&kubectl(plane, &format!("get evcert -o wide -n {namespace}")).await.stdout);
    let rows: Vec<Vec<&str>> =
        table.lines().map(|l| l.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect()).collect();
    let columns =
        ["NAME", "READY", "SECRET", "ISSUER", "NEXT", "RENEWAL", "EXPIRES", "AGE", "ORDER", "SERIAL", "CSR", "REASON"];
    assert_eq!(rows[0], columns);
    let (before_age, after_age) = (&rows[1][..7], &rows[1][8..]);
    let expected =
        ["shop", "True", "shop-tls", "digicert", "Reissue (free)", "2999-06-18T10:00:00Z", "2999-07-20T10:00:00Z"];
    assert_eq!(before_age, expected);
    assert_eq!(after_age, ["112233", "0a1b", "Issued"]);

    let all = text(&kubectl(plane, &format!("get evercert -n {namespace} -o name")).await.stdout);
    assert_eq!(all.trim(), "certificate.evercert.dev/shop");

    let explained = text(&kubectl(plane, "explain evcert.spec").await.stdout);
    for part in ["dnsNames\t<[]string> -required-", "A wildcard is `*.`", "Default: ECDSA 256."] {
        assert!(explained.contains(part), "{part} in {explained}");
    }
}

#[tokio::test]
async fn samples_are_accepted() {
    let plane = plane().await;
    let applied = kubectl(plane, "apply --server-side --dry-run=server --validate=strict -f deploy/samples/").await;
    assert_eq!(text(&applied.stderr), "");
    let samples = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/samples")).unwrap();
    assert_eq!(text(&applied.stdout).lines().count(), samples.count(), "one object each: {}", text(&applied.stdout));
}
