//! The effects of domain control validation: tokens read, records published, seen, shown to the provider, removed.

use futures::{StreamExt, stream};

use super::Work;
use crate::{
    api::issuance::{RecordType, Validation},
    controller::error::Error,
    dcv::{File, Kind, PublishError, Record, TTL},
    lifecycle::{
        dcv::{Effect, placed},
        record::Change,
    },
};

/// Names whose delegation is looked up at a time.
const AT_ONCE: usize = 8;

impl Work {
    pub(super) async fn dcv(&mut self, effect: Effect) -> Result<(), Error> {
        match effect {
            Effect::Read => self.read_validations().await,
            Effect::Publish { domain } => self.publish(domain).await,
            Effect::Check { domain } => self.check(domain).await,
            Effect::Ask { domains } => self.ask(&domains).await,
            Effect::Unpublish { domain } => self.unpublish(domain).await,
        }
    }

    async fn read_validations(&mut self) -> Result<(), Error> {
        let provider = self.provider().await?;
        let read = provider.validations(&self.placed()?, self.dcv_method()).await?;
        let told = stream::iter(read.clone()).map(|validation| self.told(validation)).buffered(AT_ONCE);
        let told = told.collect().await;
        self.seen.validations = Some(read);
        self.context.paces.quiet(&self.uid());
        self.record(Change::ValidationsRead(told)).await
    }

    async fn publish(&mut self, domain: String) -> Result<(), Error> {
        let file = self.validation(&domain).and_then(placed).filter(|record| record.type_ == RecordType::Http);
        if let Some(file) = file
            && let Some(holder) = self.holder_of(&file)
        {
            let why = format!("{} is the file of Issuance {holder} until that one is validated", file.name);
            return self.stuck(domain, why).await;
        }
        let publication = match self.publication(&domain).await? {
            Ok(found) => found,
            Err(why) => return self.stuck(domain, why).await,
        };
        match publication.ensure().await {
            Ok(()) => self.record(Change::Published(domain)).await,
            Err(error @ PublishError::Conflict { .. }) if publication.is_below_a_label() => {
                let hint = "dcv.followCname of the issuer publishes at the end of CNAMEs";
                self.stuck(domain, format!("{error}; {hint}")).await
            }
            Err(error) => self.stuck(domain, error.to_string()).await,
        }
    }

    async fn ask(&mut self, domains: &[String]) -> Result<(), Error> {
        let provider = self.provider().await?;
        self.seen.asked = true;
        self.context.paces.asked(&self.uid());
        provider.check_dcv(&self.placed()?, domains).await?;
        // The answer is often there at once.
        self.context.paces.expect(&self.uid());
        Ok(())
    }

    pub(super) async fn unpublish(&mut self, domain: String) -> Result<(), Error> {
        let placed = self.validation(&domain).and_then(placed);
        if placed.is_some_and(|record| self.is_needed_beside(&record)) {
            return self.record(Change::Unpublished(domain)).await;
        }
        let publication = match self.publication(&domain).await? {
            Ok(found) => found,
            Err(why) => return self.stuck(domain, why).await,
        };
        match publication.remove().await {
            Ok(()) => self.record(Change::Unpublished(domain)).await,
            Err(error) => self.stuck(domain, error.to_string()).await,
        }
    }

    async fn stuck(&mut self, domain: String, why: String) -> Result<(), Error> {
        self.seen.stuck.insert(domain.clone());
        self.record(Change::DcvFailed(domain, why)).await
    }

    pub(super) fn validation(&self, domain: &str) -> Option<&Validation> {
        let validations = &self.issuance.status.as_ref()?.validations;
        validations.iter().find(|validation| validation.domain == domain)
    }
}

pub(super) fn file_of(validation: &Validation) -> Option<File> {
    let record = validation.record.as_ref().filter(|record| record.type_ == RecordType::Http)?;
    Some(File { url: record.name.clone(), content: record.value.clone() })
}

/// The record to be published, where it has to stand.
pub(super) fn record_of(validation: &Validation) -> Option<Record> {
    let record = placed(validation)?;
    let kind = match record.type_ {
        RecordType::Txt => Kind::Txt,
        RecordType::Cname => Kind::Cname,
        RecordType::Http => return None,
    };
    Some(Record { name: record.name, kind, value: record.value, ttl: TTL })
}
