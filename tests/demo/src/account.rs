//! The final reckoning: what was due, what the cluster has recorded, and what the CA has accepted are one.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use harness::{Ledger, Operation};
use serde_json::Value;

use crate::{observer::Observer, served::Served, tale::table};

/// An operation that has to happen.
pub struct Planned {
    pub certificate: String,
    /// `Order`, `Reissue`, `Renew`, `Adopt`, `Collect`.
    operation: String,
    /// As an Issuance names it.
    reason: String,
}

impl Planned {
    pub fn new(certificate: &str, operation: &str, reason: &str) -> Self {
        let [certificate, operation, reason] = [certificate, operation, reason].map(str::to_owned);
        Self { certificate, operation, reason }
    }

    pub fn is(&self, certificate: &str, operation: &str) -> bool {
        self.certificate == certificate && self.operation == operation
    }

    /// By Evercert, be it for nothing.
    fn is_purchase(&self) -> bool {
        matches!(self.operation.as_str(), "Order" | "Renew")
    }

    /// What is adopted or collected was bought by somebody else.
    fn is_bought_by_hand(&self) -> bool {
        matches!(self.operation.as_str(), "Adopt" | "Collect")
    }

    /// As the CA's ledger names it, at CertCentral and at SCM.
    fn is_recorded_as(&self, kind: &str) -> bool {
        match self.operation.as_str() {
            "Order" | "Adopt" | "Collect" => matches!(kind, "order" | "enroll"),
            "Reissue" => matches!(kind, "reissue" | "replace"),
            _ => kind == "renew",
        }
    }
}

/// Checks everything and returns the table; `compromised` is the Certificate one of whose keys was revoked.
pub fn settle(
    plot: &[Planned],
    observer: &Observer,
    served: &BTreeMap<String, Served>,
    ledger: &Ledger,
    compromised: &str,
) -> Result<String> {
    let mut rows =
        vec![["CERTIFICATE", "ISSUER", "ORDER", "OPERATIONS", "PAID", "SERIAL", "EXPIRES"].map(str::to_owned).to_vec()];
    let mut issued = 0;
    for (name, certificate) in &observer.certificates {
        let planned: Vec<_> = plot.iter().filter(|planned| planned.certificate == *name).collect();
        check_certificate(name, &planned, observer, ledger)?;
        issued += planned.len();
        let served = served.get(name).with_context(|| format!("{name} serves nothing"))?;
        let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
        rows.push(vec![
            name.clone(),
            text(&certificate["spec"]["issuerRef"]["name"]),
            text(&certificate["status"]["order"]["orderId"]),
            summary(&planned),
            paid(name, planned.len(), observer).to_string(),
            served.serial.clone(),
            served.expires.clone(),
        ]);
    }
    let others: Vec<_> = ledger.operations.iter().filter(|operation| !issues(operation)).collect();
    let revoked = others.len() == 1 && others[0].kind == "revoke" && !others[0].paid;
    ensure!(revoked, "the ledger should have one revocation, for {compromised}, beside what was issued: {others:?}");
    let accepted = ledger.operations.len() - others.len();
    ensure!(accepted == issued, "the CA has accepted {accepted} operations where {issued} were due");
    Ok(table(&rows))
}

/// Plot, Issuances and ledger agree on every operation of one Certificate, in its order, and on what was paid.
fn check_certificate(name: &str, planned: &[&Planned], observer: &Observer, ledger: &Ledger) -> Result<()> {
    for (planned, revision) in planned.iter().zip(1..) {
        let issuance = format!("{name}-{revision}");
        let recorded = observer.issuances.get(&issuance).with_context(|| format!("there is no Issuance {issuance}"))?;
        let (spec, status) = (&recorded["spec"], &recorded["status"]);
        ensure!(
            spec["operation"] == planned.operation && spec["reason"] == planned.reason,
            "{issuance} is {} ({}), due was {} ({})",
            spec["operation"],
            spec["reason"],
            planned.operation,
            planned.reason,
        );
        let accepted: Vec<_> = ledger.operations.iter().filter(|operation| issues(operation)).collect();
        let of_this_key = |operation: &&&Operation| {
            let key = status["publicKeySha256"].as_str().or(spec["request"]["publicKeySha256"].as_str());
            key == operation.public_key_sha256.as_deref()
        };
        let accepted: Vec<_> = accepted.iter().filter(of_this_key).collect();
        ensure!(accepted.len() == 1, "the ledger has {} operations for {issuance} where one was due", accepted.len());
        let accepted = accepted[0];
        ensure!(
            planned.is_recorded_as(&accepted.kind)
                && accepted.paid == (spec["cost"] == "Paid" || planned.is_bought_by_hand())
                && is_by_hand(accepted) == planned.is_bought_by_hand()
                && accepted.order_id.map(|id| id.to_string()).as_deref() == number(&status["orderId"]),
            "the ledger has {accepted:?} for {issuance}, due was {}",
            planned.operation,
        );
        let same_order = spec["parent"]["orderId"] == status["orderId"];
        let alone = planned.is_purchase() || planned.operation == "Collect";
        ensure!(same_order != alone, "{issuance} is on order {}", status["orderId"]);
    }
    Ok(())
}

/// At DNSimple a domain stands before it.
fn number(order_id: &Value) -> Option<&str> {
    order_id.as_str()?.rsplit('/').next()
}

/// How many of the first Issuances of a Certificate were paid for.
fn paid(name: &str, issuances: usize, observer: &Observer) -> usize {
    let names = (1..=issuances).map(|revision| format!("{name}-{revision}"));
    names.filter(|name| observer.issuances.get(name).is_some_and(|known| known["spec"]["cost"] == "Paid")).count()
}

/// A purchase without Evercert's mark. A renewal at SCM has no room for one.
pub fn is_by_hand(operation: &Operation) -> bool {
    let commented = operation.comments.as_ref().is_some_and(|comments| comments.contains("evercert:"));
    operation.paid && operation.kind != "renew" && operation.alternative_order_id.is_none() && !commented
}

fn issues(operation: &Operation) -> bool {
    matches!(operation.kind.as_str(), "order" | "renew" | "reissue" | "enroll" | "replace")
}

/// `Order, Reissue ×2, Renew`.
fn summary(planned: &[&Planned]) -> String {
    let runs = planned.chunk_by(|one, other| one.operation == other.operation);
    let words = runs.map(|run| match run {
        [one] => one.operation.clone(),
        _ => format!("{} ×{}", run[0].operation, run.len()),
    });
    words.collect::<Vec<_>>().join(", ")
}
