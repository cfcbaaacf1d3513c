//! A world at a moment when every kind of operation can be asked for, each for Certificates of its own.

use anyhow::{Context, Result, bail, ensure};
use evercert::pki::{
    KeyKind, PrivateKey, SignatureHash, csr,
    payload::{read_certificate, read_pair},
};
use harness::{Objects, Operator, Sandbox, World, WorldOptions};
use jiff::Timestamp;
use serde_json::{Value, json};

/// What is asked of the CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Order,
    Reissue,
    Renew,
    Duplicate,
}

pub const OPERATIONS: [Operation; 4] = [Operation::Order, Operation::Reissue, Operation::Renew, Operation::Duplicate];

impl Operation {
    /// As the sandbox calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Reissue => "reissue",
            Self::Renew => "renew",
            Self::Duplicate => "duplicate",
        }
    }

    pub fn is_paid(self) -> bool {
        matches!(self, Self::Order | Self::Renew)
    }
}

/// One Certificate, and the operation that is asked for it.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub operation: Operation,
    pub name: &'static str,
}

impl Case {
    pub fn certificate(self) -> String {
        format!("{}-{}", self.operation.word(), self.name)
    }

    pub fn common_name(self) -> String {
        format!("{}.example.com", self.certificate())
    }

    /// Whether its key stays from certificate to certificate, so that it tells none from another.
    pub fn keeps_its_key(self) -> bool {
        self.name.starts_with("kept-") || self.key_is_elsewhere()
    }

    /// Whether somebody else has the key.
    pub fn key_is_elsewhere(self) -> bool {
        self.name.starts_with("csr-")
    }

    /// The revision that the operation brings.
    pub fn revision(self) -> i64 {
        match self.operation {
            Operation::Order | Operation::Duplicate => 1,
            Operation::Reissue | Operation::Renew => 3,
        }
    }

    /// The Certificate that has an order before the operation is asked for.
    pub fn prepared(self) -> Option<String> {
        match self.operation {
            Operation::Order => None,
            Operation::Reissue | Operation::Renew => Some(self.certificate()),
            Operation::Duplicate => Some(format!("{}-source", self.certificate())),
        }
    }

    pub fn issuance(self) -> String {
        format!("{}-{}", self.certificate(), self.revision())
    }
}

pub struct Stage {
    pub world: World,
}

/// So long before its end a certificate is due: longer than is left, shorter than its life.
const DUE: &str = "790h";

impl Stage {
    /// Reissues and renewals are asked of orders that have a month left. The operator is at work.
    pub async fn set(cases: &[Case], mut options: WorldOptions) -> Result<(Self, Operator)> {
        options.unlimited = true;
        let stage = Self { world: World::start(options).await? };
        let operator = stage.world.operator().await?;
        let prepared: Vec<(String, &Case)> = cases.iter().filter_map(|case| Some((case.prepared()?, case))).collect();
        for (name, case) in &prepared {
            stage.make(name, case, "digicert", json!({})).await?;
        }
        for (name, _) in &prepared {
            stage.objects().until_ready(name, 1).await?;
        }
        // What has expired by then is reissued, to the order's end.
        stage.sandbox().advance_days(330).await?;
        for (name, _) in &prepared {
            stage.objects().until_ready(name, 2).await?;
        }
        stage.sandbox().advance_days(4).await?;
        Ok((stage, operator))
    }

    pub fn objects(&self) -> &Objects {
        &self.world.objects
    }

    pub fn sandbox(&self) -> &Sandbox {
        &self.world.sandbox
    }

    /// Asks for the operation.
    pub async fn begin(&self, case: &Case) -> Result<()> {
        match case.operation {
            Operation::Order => self.create(case, "digicert").await,
            Operation::Duplicate => {
                let of = json!({"digicert": {"duplicateOf": {"certificate": case.prepared()}}});
                self.make(&case.certificate(), case, "digicert", of).await
            }
            Operation::Reissue => {
                let request = json!({"metadata": {"annotations": {"evercert.dev/reissue-requested": "now"}}});
                self.objects().patch("Certificate", &case.certificate(), request).await
            }
            Operation::Renew => {
                let due = json!({"spec": {"renewal": {"before": DUE}}});
                self.objects().patch("Certificate", &case.certificate(), due).await
            }
        }
    }

    /// A Certificate that is due an hour before its end.
    pub async fn create(&self, case: &Case, issuer: &str) -> Result<()> {
        self.make(&case.certificate(), case, issuer, json!({})).await
    }

    async fn make(&self, name: &str, case: &Case, issuer: &str, more: Value) -> Result<()> {
        let mut spec = json!({
            "issuerRef": {"name": issuer}, "secretName": name, "dnsNames": [case.common_name()],
            "renewal": {"before": "1h"},
        });
        if case.key_is_elsewhere() {
            let key = PrivateKey::generate(KeyKind::EcdsaP256)?;
            let csr = csr::build(&key, Some("hsm.example.com"), &[], SignatureHash::Sha256)?;
            self.objects().create_secret(&format!("{name}-csr"), "tls.csr", &csr).await?;
            spec["csrSecretRef"] = json!({"name": format!("{name}-csr"), "key": "tls.csr"});
        } else {
            let policy = if case.keeps_its_key() { "Never" } else { "Always" };
            spec["privateKey"] = json!({"algorithm": "ECDSA", "rotationPolicy": policy});
        }
        for (key, value) in more.as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        self.objects().create("Certificate", name, spec).await.map(drop)
    }

    /// Makes the one call of a case go wrong.
    pub async fn fault(&self, case: &Case, fault: &Value) -> Result<()> {
        let mut fault = fault.clone();
        fault["match"] = json!({"operation": case.operation.word(), "commonName": case.common_name()});
        self.sandbox().fault(&fault).await.map(drop)
    }

    /// Whether every fault of a case has happened.
    pub async fn has_hit(&self, case: &Case) -> Result<bool> {
        let faults = self.sandbox().faults().await?;
        let common_name = json!(case.common_name());
        let mut of_case = faults["faults"].as_array().into_iter().flatten();
        Ok(of_case.all(|fault| fault["match"]["commonName"] != common_name || fault["hits"] == 1))
    }

    /// The order that the CA has accepted last for a case.
    pub async fn last_order(&self, case: &Case) -> Result<u64> {
        let ledger = self.sandbox().ledger().await?;
        let name = case.common_name();
        let last = ledger.operations.iter().rfind(|operation| operation.common_name.as_ref() == Some(&name));
        last.and_then(|last| last.order_id).context("nothing was accepted")
    }

    /// How many times the CA has accepted the operation.
    pub async fn accepted(&self, case: &Case) -> Result<usize> {
        let before = usize::from(case.operation == Operation::Reissue);
        Ok(self.sandbox().ledger().await?.count(case.operation.word(), &case.common_name()) - before)
    }

    /// Ready with the pair that the CA was asked for, the operation accepted once and nothing else bought. Returns the
    /// Issuance.
    pub async fn ends_well(&self, case: &Case) -> Result<Value> {
        let (certificate, common_name) = (case.certificate(), case.common_name());
        self.objects().until_ready(&certificate, case.revision()).await?;
        let accepted = self.accepted(case).await?;
        if accepted != 1 {
            let issuance = self.objects().get("Issuance", &case.issuance()).await?;
            bail!(
                "{certificate}: the CA has accepted it {accepted} times: {:#}",
                json!([issuance["spec"], issuance["status"]])
            );
        }
        let ledger = self.sandbox().ledger().await?;
        let paid = ledger.paid(&common_name);
        ensure!(paid == 1 + usize::from(case.operation == Operation::Renew), "{certificate}: {paid} are paid");

        let secret = self.objects().secret(&certificate).await?.context("no Secret")?;
        let data = secret.data.unwrap_or_default();
        let leaf = match case.key_is_elsewhere() {
            true => read_certificate(&data["tls.crt"].0, None)?,
            false => read_pair(&data["tls.crt"].0, &data["tls.key"].0)?.leaf,
        };
        ensure!(data.contains_key("tls.key") != case.key_is_elsewhere(), "{certificate}: {:?}", data.keys());
        let last = ledger.operations.iter().rfind(|operation| operation.common_name.as_ref() == Some(&common_name));
        ensure!(last.and_then(|last| last.public_key_sha256.as_ref()) == Some(&leaf.public_key_sha256));
        let issuance = self.objects().get("Issuance", &case.issuance()).await?;
        ensure!(
            issuance["status"]["serialNumber"] == leaf.serial.as_str(),
            "{certificate}: an earlier certificate is served"
        );
        let mut asked =
            ledger.operations.iter().filter(|operation| operation.common_name.as_ref() == Some(&common_name));
        let kept = asked.all(|operation| operation.public_key_sha256.as_ref() == Some(&leaf.public_key_sha256));
        // A duplicate is for another key than the order it is on.
        let keeps = match case.operation {
            Operation::Order => true,
            Operation::Reissue | Operation::Renew => case.keeps_its_key(),
            Operation::Duplicate => false,
        };
        ensure!(kept == keeps, "{certificate}: kept is {kept}");
        Ok(issuance)
    }

    /// Stopped, with a message that leads a person to the order, and nothing bought twice.
    pub async fn asks(&self, case: &Case) -> Result<Value> {
        let issuance = self.objects().until_issuance(&case.issuance(), "NeedsAttention").await?;
        let certificate = self
            .objects()
            .until("Certificate", &case.certificate(), "a person is asked for", |object| {
                harness::condition(object, "ActionRequired").is_some_and(|asked| asked["reason"] == "NeedsAttention")
            })
            .await?;
        let told = harness::condition(&certificate, "ActionRequired").map(|asked| asked["message"].to_string());
        let (told, spec) = (told.unwrap_or_default(), &issuance["spec"]);
        let common_name = case.common_name();
        for clue in
            [&spec["account"]["id"], &spec["idempotencyKey"], &spec["submissions"][0]["at"], &json!(common_name)]
        {
            let clue = clue.as_str().context("a clue")?;
            ensure!(told.contains(clue), "{clue} is not in: {told}");
        }
        Ok(issuance)
    }

    /// What a person says who has looked at the provider's console.
    pub fn resolve(&self, case: &Case, reason: &str, message: &str) -> Result<()> {
        let now = Timestamp::now().round(jiff::Unit::Second)?;
        let condition = json!({"type": "Resolved", "status": "True", "reason": reason, "message": message, "lastTransitionTime": now});
        let patch = json!([{"op": "add", "path": "/status/conditions/-", "value": condition}]).to_string();
        let namespace = &self.objects().namespace;
        let issuance = case.issuance();
        let words = ["patch", "evisn", &issuance, "-n", namespace, "--subresource=status", "--type=json", "-p", &patch];
        self.world.kubectl(&words).map(drop)
    }
}

/// Classes of the outcomes of an Issuance's submissions, in order.
pub fn outcomes(issuance: &Value) -> Vec<&str> {
    let outcomes = issuance["status"]["outcomes"].as_array();
    outcomes.into_iter().flatten().filter_map(|outcome| outcome["class"].as_str()).collect()
}
