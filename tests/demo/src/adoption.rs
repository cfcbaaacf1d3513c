//! What somebody has bought by hand is taken over, and from then on reissued for free.

use anyhow::{Context, Result, ensure};
use harness::hand;
use serde_json::json;

use crate::story::Story;

/// Name of the sample's Certificate.
const LEGACY: &str = "legacy";

impl Story<'_> {
    pub async fn adoption(&mut self) -> Result<()> {
        self.tale.act("An order that somebody bought by hand is adopted");
        let sandbox = &self.stage.sandbox;
        let mut bought = hand::buy(sandbox, &["legacy.example.com", "www.legacy.example.com"], json!({})).await?;
        sandbox.post(&format!("/_sandbox/orders/{}/validate", bought.id), &json!({})).await?;
        bought.collect(sandbox).await?;
        ensure!(bought.chain.is_some(), "order {} is not issued", bought.id);
        let secret = format!("{LEGACY}-tls");
        hand::keep(&self.stage.objects, &secret, &bought).await?;
        self.tale.about(
            LEGACY,
            &format!("order {} was bought in CertCentral, its pair put into Secret {secret}", bought.id),
        );

        let before = sandbox.ledger().await?.operations.len();
        let applied = self.stage.apply_edited("deploy/samples/certificate-adopt.yaml", |sample| {
            sample["spec"]["adopt"]["orderId"] = bought.id.clone().into();
            sample["spec"]["privateKey"] = json!({"algorithm": "ECDSA", "size": 256});
        })?;
        self.tale
            .command(&format!("kubectl apply -f {LEGACY}.yaml    # adopt: {{orderId: \"{}\"}}", bought.id), &applied);
        self.plan(LEGACY, "Adopt", "FirstIssue");
        self.until_ready(&[LEGACY]).await?;
        let after = sandbox.ledger().await?.operations.len();
        ensure!(after == before, "the CA was asked for {} operations to adopt an order", after - before);
        let kept = self.stage.objects.secret(&secret).await?.and_then(|secret| secret.data).unwrap_or_default();
        let key = kept.get("tls.key").context("no key")?;
        ensure!(key.0 == bought.pem.as_bytes(), "Secret {secret} has another key");
        self.tale.about(LEGACY, "adopted with its key and certificate, and nothing was bought");

        self.stage.show(self.tale, &format!("annotate evcert {LEGACY} evercert.dev/reissue-requested=own-key"))?;
        self.plan(LEGACY, "Reissue", "Requested");
        self.until_ready(&[LEGACY]).await
    }
}
