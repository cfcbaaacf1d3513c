//! The same from Sectigo Certificate Manager, where an enrollment and each renewal are paid for, and a replacement is free.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::story::Story;

/// Renewed with the others, when a year passes.
pub const PORTAL: &str = "portal";

impl Story<'_> {
    pub fn enroll_at_sectigo(&mut self) -> Result<()> {
        self.apply(&["sectigo-issuer"])?;
        let applied = self.stage.apply_edited("deploy/samples/certificate-sectigo.yaml", |sample| {
            sample["metadata"]["name"] = PORTAL.into();
            sample["spec"]["secretName"] = format!("{PORTAL}-tls").into();
            sample["spec"]["dnsNames"] = json!([format!("{PORTAL}.example.com"), format!("www.{PORTAL}.example.com")]);
            sample["spec"]["privateKey"] = json!({"algorithm": "ECDSA", "size": 256});
            sample["spec"]["sectigo"] = json!({"comments": sample["spec"]["sectigo"]["comments"]});
        })?;
        self.tale.command(&format!("kubectl apply -f {PORTAL}.yaml"), &applied);
        self.plan(PORTAL, "Order", "FirstIssue");
        Ok(())
    }

    pub async fn sectigo_replaces(&mut self) -> Result<()> {
        self.tale.act("A key has to be of another kind: at Sectigo, too, that is free");
        let before = self.enrolled();
        let change = json!({"spec": {"privateKey": {"algorithm": "RSA", "size": 3072}}}).to_string();
        let patched = self.stage.kubectl(&["patch", "evcert", PORTAL, "--type=merge", "--patch", &change])?;
        self.tale.command(&format!("kubectl patch evcert {PORTAL} --type=merge --patch '{change}'"), &patched);
        self.plan(PORTAL, "Reissue", "SpecChanged");
        self.until_ready(&[PORTAL]).await?;
        ensure!(self.enrolled() == before, "{PORTAL} has another id or end by now: {:?}", self.enrolled());
        Ok(())
    }

    /// SCM's id of it, and its end.
    fn enrolled(&self) -> (Value, Value) {
        let status = &self.observer.certificates[PORTAL]["status"];
        (status["order"]["orderId"].clone(), status["notAfter"].clone())
    }

    pub fn sectigo_has_renewed(&self) -> Result<()> {
        let renewed = self.plot.iter().any(|planned| planned.is(PORTAL, "Renew"));
        ensure!(renewed, "{PORTAL} was not renewed in a year");
        Ok(())
    }
}
