//! An issuer with rules: a person approves what costs money, and no more is spent than a budget allows.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::story::Story;

const FIRST: &str = "press";
const SECOND: &str = "media";

impl Story<'_> {
    pub async fn rules(&mut self) -> Result<()> {
        self.tale.act("Rules: a person approves each purchase, and the budget is one a day");
        let rules = json!({"spec": {"policy": {"rules": [
            {"name": "demo", "maxPaid": {"count": 1, "per": "24h"}, "requireApproval": ["Paid"]},
        ]}}});
        let patch = ["patch", "eviss", "digicert", "--type=merge", "--patch", &rules.to_string()];
        let patched = self.stage.kubectl(&patch)?;
        self.tale.command(&format!("kubectl patch eviss digicert --type=merge --patch '{rules}'"), &patched);

        self.ask(FIRST)?;
        self.approve(FIRST).await?;
        self.until_ready(&[FIRST]).await?;

        let before = self.stage.sandbox.ledger().await?.operations.len();
        self.ask(SECOND)?;
        self.approve(SECOND).await?;
        self.until("the budget holds the second purchase up", |observer| {
            let of_it = observer.certificates.get(SECOND).into_iter().chain(observer.issuances.get(&first_of(SECOND)));
            of_it.flat_map(conditions).any(|condition| condition["reason"] == "BudgetExhausted")
        })
        .await?;
        let after = self.stage.sandbox.ledger().await?.operations.len();
        ensure!(after == before, "the CA was asked for {} operations beyond the budget", after - before);
        self.tale.about(SECOND, "approved, and not bought: the budget of the day is spent");
        self.stage.show(self.tale, "get evcert,evisn")?;
        self.stage.sandbox.advance_days(1).await?;
        self.tale.say("the clock moves by a day");
        self.until_ready(&[SECOND]).await
    }

    /// A Certificate like the first sample's, under another name.
    fn ask(&mut self, name: &str) -> Result<()> {
        let applied = self.stage.apply_as("deploy/samples/certificate-single-name.yaml", name)?;
        self.tale.command(&format!("kubectl apply -f {name}.yaml"), &applied);
        self.plan(name, "Order", "FirstIssue");
        Ok(())
    }

    /// Types the command that the question names.
    async fn approve(&mut self, name: &str) -> Result<()> {
        self.until("a person is asked", |observer| question(observer.certificates.get(name)).is_some()).await?;
        let asked = question(self.observer.certificates.get(name)).context("nobody is asked")?;
        let command = asked.split("To approve it: ").nth(1).and_then(|rest| rest.split("; to refuse it").next());
        let command = command.with_context(|| format!("no command in: {asked}"))?.to_owned();
        let answered = self.stage.shell(&command)?;
        self.tale.command(&command, &answered);
        Ok(())
    }
}

fn first_of(certificate: &str) -> String {
    format!("{certificate}-1")
}

fn conditions(object: &Value) -> impl Iterator<Item = &Value> {
    object["status"]["conditions"].as_array().into_iter().flatten()
}

fn question(certificate: Option<&Value>) -> Option<&str> {
    let asked = conditions(certificate?).find(|condition| condition["reason"] == "ApprovalRequired")?;
    asked["message"].as_str()
}
