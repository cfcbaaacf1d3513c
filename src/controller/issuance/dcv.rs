//! The effects of domain control validation: tokens read, records published, seen, shown to the provider, removed.

use super::Work;
use crate::{
    api::{
        issuance::{PublisherKind, RecordType, Validation},
        issuer::{PublishTo, Publisher as Configured, Rfc2136 as Rfc2136Spec, TsigAlgorithm as Algorithm},
    },
    controller::{endpoint::judge_name_server, error::Error},
    dcv::{
        File, Kind, Publisher, Record, Rfc2136, TTL, Visibility,
        rfc2136::{Rfc2136Config, TsigAlgorithm, TsigKey},
        select::publisher_for,
    },
    lifecycle::{dcv::Effect, record::Change},
    provider::DcvMethod,
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

    /// Which kind of publisher serves a validation.
    fn pick(&self, validation: &crate::provider::Validation) -> Option<PublisherKind> {
        let by_person = match &validation.record {
            Some(record) => record.method == DcvMethod::HttpToken,
            None => !validation.emails.is_empty(),
        };
        if by_person {
            return Some(PublisherKind::Manual);
        }
        let name = validation.record.as_ref().map_or(&validation.domain, |record| &record.name);
        self.configured(name).map(|publisher| match publisher.target {
            PublishTo::Rfc2136(_) => PublisherKind::Rfc2136,
            PublishTo::Manual(_) => PublisherKind::Manual,
        })
    }

    fn configured(&self, name: &str) -> Option<&Configured> {
        let publishers = &self.issuer.as_ref()?.spec.dcv.as_ref()?.publishers;
        let zones: Vec<&[String]> = publishers.iter().map(|publisher| publisher.zones.as_slice()).collect();
        publishers.get(publisher_for(name, &zones)?)
    }

    /// The publisher of a domain's record, ready to use; or why there is none.
    async fn publisher(&self, domain: &str) -> Result<Result<(Box<dyn Publisher>, Record), String>, Error> {
        let Some(record) = self.validation(domain).and_then(record_of) else {
            return Ok(Err("the provider has given no token yet".to_owned()));
        };
        let Some((zones, PublishTo::Rfc2136(rfc2136))) =
            self.configured(&record.name).map(|publisher| (publisher.zones.clone(), &publisher.target))
        else {
            return Ok(Err(format!("the issuer has no publisher for {} any more", record.name)));
        };
        Ok(self.rfc2136(zones, rfc2136).await?.map(|publisher| (Box::new(publisher) as Box<dyn Publisher>, record)))
    }

    async fn rfc2136(&self, zones: Vec<String>, spec: &Rfc2136Spec) -> Result<Result<Rfc2136, String>, Error> {
        let Some(issuer) = &self.issuer else { return Ok(Err("the issuer does not exist".to_owned())) };
        if let Err(why) = judge_name_server(&spec.nameserver, issuer.namespace.is_some(), &self.context.network) {
            return Ok(Err(why));
        }
        let secret = match self.context.accounts.secret(issuer, &spec.tsig.secret_ref).await? {
            Ok(secret) => secret,
            Err(why) => return Ok(Err(why)),
        };
        let algorithm = match spec.tsig.algorithm.unwrap_or_default() {
            Algorithm::HmacSha256 => TsigAlgorithm::HmacSha256,
            Algorithm::HmacSha384 => TsigAlgorithm::HmacSha384,
            Algorithm::HmacSha512 => TsigAlgorithm::HmacSha512,
        };
        let key = TsigKey { name: spec.tsig.key_name.clone(), algorithm, secret };
        let config = Rfc2136Config { nameserver: spec.nameserver.clone(), zones, key };
        Ok(Rfc2136::new(config).map_err(|error| error.to_string()))
    }

    fn validation(&self, domain: &str) -> Option<&Validation> {
        let validations = &self.issuance.status.as_ref()?.validations;
        validations.iter().find(|validation| validation.domain == domain)
    }
}

fn file_of(validation: &Validation) -> Option<File> {
    let record = validation.record.as_ref().filter(|record| record.type_ == RecordType::Http)?;
    Some(File { url: record.name.clone(), content: record.value.clone() })
}

fn record_of(validation: &Validation) -> Option<Record> {
    let record = validation.record.as_ref()?;
    let kind = match record.type_ {
        RecordType::Txt => Kind::Txt,
        RecordType::Cname => Kind::Cname,
        RecordType::Http => return None,
    };
    Some(Record { name: record.name.clone(), kind, value: record.value.clone(), ttl: TTL })
}
