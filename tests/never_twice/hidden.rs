//! The CA has accepted it, the answer is lost, and for longer than the settle time no look-up shows it.

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::stage::{Case, Operation, Stage, outcomes};

/// A person finds the order, at the second try.
const TOLD: [Case; 2] =
    [Case { operation: Operation::Order, name: "told" }, Case { operation: Operation::Renew, name: "told" }];
/// Nobody looks, and the order shows up late.
const LATE: [Case; 2] =
    [Case { operation: Operation::Order, name: "late" }, Case { operation: Operation::Renew, name: "late" }];
/// Nothing is bought by saying it again.
const FREE: Case = Case { operation: Operation::Reissue, name: "hidden" };

pub fn cases() -> Vec<Case> {
    TOLD.into_iter().chain(LATE).chain([FREE]).collect()
}

pub async fn play(stage: &Stage) -> Result<()> {
    let paid = TOLD.iter().map(|case| paid(stage, case, true)).chain(LATE.iter().map(|case| paid(stage, case, false)));
    tokio::try_join!(try_join_all(paid), free(stage)).map(drop)
}

async fn paid(stage: &Stage, case: &Case, told: bool) -> Result<()> {
    hide(stage, case).await?;
    stage.begin(case).await?;
    stage.asks(case).await?;
    ensure!(stage.accepted(case).await? == 1, "{case:?}: bought again");

    let order = stage.last_order(case).await?;
    let release = async || stage.sandbox().post(&format!("/_sandbox/orders/{order}/release"), &json!({})).await;
    if !told {
        release().await?;
    } else {
        let other = stage.last_order(&FREE).await?;
        stage.resolve(case, "Placed", &other.to_string())?;
        let doubt = |object: &Value| object["status"]["failure"]["message"].to_string().contains("is not what");
        stage.objects().until("Issuance", &case.issuance(), "another's order is not taken", doubt).await?;
        // Not sooner, or the next look might find it before the person's word is heard.
        release().await?;
        stage.resolve(case, "Placed", &order.to_string())?;
    }
    let issuance = stage.ends_well(case).await?;
    ensure!(outcomes(&issuance) == ["Accepted"], "{case:?}: {:#}", issuance["status"]["outcomes"]);
    ensure!(issuance["status"]["orderId"] == order.to_string().as_str(), "{case:?}: another order");
    Ok(())
}

async fn free(stage: &Stage) -> Result<()> {
    hide(stage, &FREE).await?;
    stage.begin(&FREE).await?;
    stage.objects().until_ready(&FREE.certificate(), FREE.revision()).await.context("a free call is made once more")?;
    let issuance = stage.objects().get("Issuance", &FREE.issuance()).await?;
    ensure!(outcomes(&issuance) == ["Ambiguous", "Accepted"], "{:#}", issuance["status"]["outcomes"]);
    let paid = stage.sandbox().ledger().await?.paid(&FREE.common_name());
    ensure!(paid == 1, "{paid} are paid");
    Ok(())
}

async fn hide(stage: &Stage, case: &Case) -> Result<()> {
    stage.fault(case, &json!({"kind": "lookupLag", "seconds": 3600})).await?;
    stage.fault(case, &json!({"kind": "resetAfterCommit"})).await
}
