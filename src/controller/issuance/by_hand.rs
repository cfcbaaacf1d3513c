//! What is not one call: a purchase that is issued by a second one, and certificates that people have issued on the
//! provider's pages.

use kube::ResourceExt;

use super::Work;
use crate::{
    controller::{error::Error, fault},
    lifecycle::record::Change,
    provider::CallError,
};

impl Work {
    /// Whether it worked is told by the next poll, so that nothing depends on the answer: also what is refused may have been
    /// asked for before, by a process that died or by another one.
    pub(super) async fn issue(&mut self) -> Result<(), Error> {
        let provider = self.provider().await?;
        let placed = self.placed()?;
        self.seen.issue_asked = true;
        fault::point("issue.before", &self.issuance.name_any());
        let answer = provider.issue(&placed).await;
        fault::point("issue.after", &self.issuance.name_any());
        match answer {
            Ok(()) => {
                self.seen.standing = None;
                self.context.paces.hurry(&self.uid());
                Ok(())
            }
            Err(error @ CallError::Rejected { .. }) => {
                self.seen.issue_refused = Some(format!("order {}: {error}", placed.order_id));
                self.seen.standing = None;
                Ok(())
            }
            Err(error @ CallError::Blocked { .. }) => {
                self.record(Change::NotIssued(error.to_string())).await?;
                self.warn("Blocked", error.to_string()).await;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn watch(&mut self) -> Result<(), Error> {
        let wanted = self.wanted();
        self.context.paces.polled(&self.uid());
        let seen = self.provider().await?.issued_by_hand(&wanted).await?;
        self.seen.by_hand = Some(seen);
        Ok(())
    }

    pub(super) async fn ask_by_hand(&mut self, page: String, message: String) -> Result<(), Error> {
        let at = self.context.clock.now();
        self.record(Change::AskedByHand { page, message: message.clone(), at }).await?;
        self.warn("IssueByHand", message).await;
        Ok(())
    }

    pub(super) async fn remind(&mut self, n: u32, message: String) -> Result<(), Error> {
        self.record(Change::Reminded(n)).await?;
        self.warn("Reminder", message).await;
        Ok(())
    }
}
