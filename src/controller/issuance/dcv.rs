//! The effects of domain control validation: tokens read, records published, seen, shown to the provider, removed.

use super::Work;
use crate::{
    api::issuance::{RecordType, Validation},
    controller::error::Error,
    dcv::{File, Kind, Record, TTL, Visibility},
    lifecycle::{dcv::Effect, record::Change},
};

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
        let picked = read.iter().map(|validation| (validation.clone(), self.pick(validation))).collect();
        self.seen.validations = Some(read);
        self.context.paces.quiet(&self.uid());
        self.record(Change::ValidationsRead(picked)).await
    }

    async fn publish(&mut self, domain: String) -> Result<(), Error> {
        let (publisher, record) = match self.publisher(&domain).await? {
            Ok(found) => found,
            Err(why) => return self.stuck(domain, why).await,
        };
        match publisher.ensure(&record).await {
            Ok(()) => self.record(Change::Published(domain)).await,
            Err(error) => self.stuck(domain, error.to_string()).await,
        }
    }

    async fn check(&mut self, domain: String) -> Result<(), Error> {
        self.seen.checked.insert(domain.clone());
        if let Some(file) = self.validation(&domain).and_then(file_of) {
            let visible = self.seen_at(&file).await;
            return self.checked(domain, visible).await;
        }
        let Some(record) = self.validation(&domain).and_then(record_of) else { return Ok(()) };
        let publisher = self.publisher(&domain).await?.ok();
        let primary = publisher.as_ref().and_then(|(publisher, _)| publisher.name_server());
        let visible = match &self.context.self_check {
            Ok(self_check) => match self_check.check(&record, primary).await {
                Visibility::Visible => Ok(()),
                Visibility::Lagging { servers } => {
                    let lagging = servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                    Err(format!("not visible at {lagging}"))
                }
                Visibility::Unknown(why) => Err(format!("cannot be checked: {why}")),
            },
            Err(why) => Err(why.clone()),
        };
        self.checked(domain, visible).await
    }

    async fn seen_at(&self, file: &File) -> Result<(), String> {
        self.context.http_check.as_ref().map_err(Clone::clone)?.check(file).await
    }

    async fn checked(&mut self, domain: String, visible: Result<(), String>) -> Result<(), Error> {
        if visible.is_ok() {
            self.context.paces.visible(&self.uid());
        }
        self.record(Change::Checked(domain, visible)).await
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

    async fn unpublish(&mut self, domain: String) -> Result<(), Error> {
        let (publisher, record) = match self.publisher(&domain).await? {
            Ok(found) => found,
            Err(why) => return self.stuck(domain, why).await,
        };
        match publisher.remove(&record).await {
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

fn file_of(validation: &Validation) -> Option<File> {
    let record = validation.record.as_ref().filter(|record| record.type_ == RecordType::Http)?;
    Some(File { url: record.name.clone(), content: record.value.clone() })
}

pub(super) fn record_of(validation: &Validation) -> Option<Record> {
    let record = validation.record.as_ref()?;
    let kind = match record.type_ {
        RecordType::Txt => Kind::Txt,
        RecordType::Cname => Kind::Cname,
        RecordType::Http => return None,
    };
    Some(Record { name: record.name.clone(), kind, value: record.value.clone(), ttl: TTL })
}
