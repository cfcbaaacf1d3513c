//! The judge of "never twice": every accepted operation, once, with totals.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use serde::Serialize;

use crate::{app::App, state::records::Operation};

#[derive(Serialize)]
pub struct Ledger {
    operations: Vec<Operation>,
    totals: Totals,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Totals {
    paid: u64,
    free: u64,
    by_order: BTreeMap<u64, Count>,
    by_account: BTreeMap<u64, Count>,
}

#[derive(Default, Serialize)]
struct Count {
    paid: u64,
    free: u64,
}

impl Count {
    fn add(&mut self, paid: bool) {
        if paid {
            self.paid += 1;
        } else {
            self.free += 1;
        }
    }
}

pub async fn ledger(State(app): State<Arc<App>>) -> Json<Ledger> {
    let operations: Vec<Operation> = app.store.lock().ledger.iter().cloned().collect();
    let mut all = Count::default();
    let mut by_order = BTreeMap::<u64, Count>::new();
    let mut by_account = BTreeMap::<u64, Count>::new();
    for operation in &operations {
        all.add(operation.paid);
        by_order.entry(operation.order_id).or_default().add(operation.paid);
        by_account.entry(operation.account).or_default().add(operation.paid);
    }
    let totals = Totals { paid: all.paid, free: all.free, by_order, by_account };
    Json(Ledger { operations, totals })
}
