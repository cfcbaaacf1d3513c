//! From DNSimple: Let's Encrypt, free, with DNSimple's key; and one that people buy on its pages, which is collected.

use anyhow::{Context, Result, ensure};
use harness::condition;
use serde_json::{Value, json};

use crate::story::Story;

const FREE: &str = "blog";
const BY_HAND: &str = "bank";

impl Story<'_> {
    pub async fn dnsimple(&mut self) -> Result<()> {
        self.tale.act("Let's Encrypt by DNSimple, and a certificate that only people can buy there");
        self.apply(&["dnsimple-issuer"])?;
        for (name, sample) in [(FREE, "certificate-dnsimple"), (BY_HAND, "certificate-dnsimple-existing")] {
            let applied = self.stage.apply_as(&format!("deploy/samples/{sample}.yaml"), name)?;
            self.tale.command(&format!("kubectl apply -f {name}.yaml"), &applied);
        }
        self.plan(FREE, "Order", "FirstIssue");
        self.until_ready(&[FREE]).await?;

        self.plan(BY_HAND, "Collect", "FirstIssue");
        let asked = |certificate: &Value| {
            condition(certificate, "ActionRequired").is_some_and(|asked| asked["reason"] == "IssueByHand")
        };
        self.until("people are told what to buy", |observer| observer.certificates.get(BY_HAND).is_some_and(asked))
            .await?;
        let asked = &self.observer.certificates[BY_HAND];
        let message = condition(asked, "ActionRequired").and_then(|asked| asked["message"].as_str());
        self.tale.about(BY_HAND, &format!("ActionRequired: {}", message.unwrap_or_default()));

        let command = format!("get issuances.evercert.dev {BY_HAND}-1 -o jsonpath={{.spec.request.csr}}");
        let csr = self.stage.kubectl(&command.split(' ').collect::<Vec<_>>())?;
        let form = json!({"domain": "example.com", "name": BY_HAND, "csr": csr});
        let bought = self.stage.sandbox.post("/_sandbox/dnsimple/certificates", &form).await?;
        let id = bought["id"].as_u64().context("nothing was bought")?;
        self.tale.say(&format!(
            "somebody buys certificate {id} with that CSR on DNSimple's page, and the CA sends its mail"
        ));
        self.stage.sandbox.post(&format!("/_sandbox/dnsimple/certificates/{id}/approve"), &json!({})).await?;
        self.tale.say("somebody follows the link in the mail");
        self.until_ready(&[BY_HAND]).await?;
        let collected = &self.observer.certificates[BY_HAND]["status"]["order"]["orderId"];
        ensure!(*collected == format!("example.com/{id}"), "{BY_HAND} serves {collected}");
        self.stage.show(self.tale, "get evcert,evisn").map(drop)
    }
}
