//! What ends a certificate or an order: revocation, and cancelling what is still pending.

use serde_json::{Value, json};

use super::client::Call;
use super::endpoints::{REVOKE_CERTIFICATE, REVOKE_ORDER, UPDATE_ORDER_STATUS, UPDATE_REQUEST_STATUS};
use super::wire::{Approval, Order};
use super::{DigiCert, errors};
use crate::provider::{CallError, Operation, Placed, RevocationReason, Revoked};

impl DigiCert {
    /// *Revoke certificate*: 204 when no approval is needed, else a request.
    pub(super) async fn revoke_certificate(
        &self,
        certificate: &str,
        reason: RevocationReason,
    ) -> Result<Revoked, CallError> {
        self.revocation(Call::of(&REVOKE_CERTIFICATE, certificate), reason).await
    }

    /// *Revoke order certificates*: every certificate of the order, and the order with them.
    pub(super) async fn revoke_whole_order(
        &self,
        order_id: &str,
        reason: RevocationReason,
    ) -> Result<Revoked, CallError> {
        self.revocation(Call::of(&REVOKE_ORDER, order_id), reason).await
    }

    async fn revocation(&self, call: Call<'_>, reason: RevocationReason) -> Result<Revoked, CallError> {
        let body = json!({
            "revocation_reason": reason_word(reason),
            "comments": "Revoked by Evercert",
            "skip_approval": true,
        });
        match self.client.call(call.json(body)).await {
            Ok(answer) => Ok(revoked(answer.read()?)),
            Err(CallError::Rejected { code, .. }) if errors::already_revoked(&code) => Ok(Revoked::Done),
            Err(error) => Err(error),
        }
    }

    /// What waits for approval is rejected (*Update request status*), what waits for validation canceled (*Update order
    /// status*). On an order of many only what is ours by its request or its public key.
    pub(super) async fn cancel_pending(&self, placed: &Placed, note: &str) -> Result<(), CallError> {
        let order = self.order_info(&placed.order_id).await?;
        if let Some(request) = open_request(&order, placed) {
            let body = json!({ "status": "rejected", "processor_comment": note });
            return self.client.call(Call::of(&UPDATE_REQUEST_STATUS, request).json(body)).await.map(drop);
        }
        let ours = match (&placed.operation, order.status.as_deref()) {
            (Operation::Order | Operation::Renew { .. }, Some("pending" | "waiting_pickup")) => true,
            (Operation::Reissue { .. }, Some("reissue_pending")) => {
                let row = self.our_row(placed).await?;
                row.is_some_and(|row| row.status.as_deref() == Some("pending"))
            }
            _ => false,
        };
        if !ours {
            let status = order.status.as_deref().unwrap_or("unknown");
            return Err(CallError::Rejected {
                call: UPDATE_ORDER_STATUS.name,
                code: "not_pending".into(),
                message: format!("nothing of ours is pending on order {}, which is {status}", placed.order_id),
            });
        }
        self.client.call(Call::of(&UPDATE_ORDER_STATUS, &placed.order_id).json(canceled(note))).await.map(drop)
    }
}

/// Lower case, and a note, since *Update order status* asks for both.
fn canceled(note: &str) -> Value {
    json!({ "status": "canceled", "note": note })
}

/// The request of a purchase is the only one its order can have; on an order that is reissued others may wait too.
fn open_request<'a>(order: &'a Order, placed: &Placed) -> Option<&'a str> {
    let open = |request: &&Approval| matches!(request.status.as_deref(), Some("pending" | "submitted"));
    let bought = matches!(placed.operation, Operation::Order | Operation::Renew { .. });
    let ours = |request: &&Approval| {
        (bought && order.status.as_deref() == Some("needs_approval"))
            || (placed.request_id.is_some() && request.id == placed.request_id)
    };
    order.requests.iter().filter(open).find(ours)?.id.as_deref()
}

fn revoked(request: Approval) -> Revoked {
    match (request.id, request.status.as_deref()) {
        (None, _) | (_, Some("approved")) => Revoked::Done,
        (request_id, _) => Revoked::AwaitingApproval { request_id },
    }
}

fn reason_word(reason: RevocationReason) -> &'static str {
    match reason {
        RevocationReason::KeyCompromise => "keyCompromise",
        RevocationReason::Superseded => "superseded",
        RevocationReason::CessationOfOperation => "cessationOfOperation",
    }
}
