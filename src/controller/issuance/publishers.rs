//! Which publisher carries a record, and what it is made of.

use super::{Work, dcv::record_of};
use crate::{
    api::{
        issuance::{PublisherKind, ValidationMethod},
        issuer::{
            DnSimpleZones, PublishTo, Publisher as Configured, Rfc2136 as Rfc2136Spec, TsigAlgorithm as Algorithm,
        },
    },
    controller::{endpoint::judge_name_server, error::Error},
    dcv::{
        DnSimple, Publisher, Record, Rfc2136,
        rfc2136::{Rfc2136Config, TsigAlgorithm, TsigKey},
    },
    lifecycle::publishing,
    provider::{DcvMethod, Validation},
};

/// A publisher ready to use; or why there is none.
type Made = Result<Box<dyn Publisher>, String>;

impl Work {
    /// Which kind of publisher carries what the provider asks for.
    pub(super) fn pick(&self, told: &Validation) -> Option<PublisherKind> {
        let Some(record) = &told.record else {
            return (!told.emails.is_empty()).then_some(PublisherKind::Manual);
        };
        let carrier = |name: &str, method| {
            publishing::publisher(self.configured(), name, method).map(|publisher| publisher.target.kind())
        };
        match record.method {
            DcvMethod::DnsTxt => carrier(&record.name, ValidationMethod::DnsTxt),
            DcvMethod::DnsCname => carrier(&record.name, ValidationMethod::DnsCname),
            // Its record is named by a URL.
            DcvMethod::HttpToken => carrier(&told.domain, ValidationMethod::Http).or(Some(PublisherKind::Manual)),
            DcvMethod::Email => Some(PublisherKind::Manual),
        }
    }

    fn configured(&self) -> &[Configured] {
        let dcv = self.issuer.as_ref().and_then(|issuer| issuer.spec.dcv.as_ref());
        dcv.map_or(&[], |dcv| &dcv.publishers)
    }

    /// The publisher of a domain's record, by the kind that was picked for it, and the record.
    pub(super) async fn publisher(&self, domain: &str) -> Result<Result<(Box<dyn Publisher>, Record), String>, Error> {
        let known = self.validation(domain).and_then(|known| Some((known.publisher?, record_of(known)?)));
        let Some((kind, record)) = known else {
            return Ok(Err("the provider has given no token yet".to_owned()));
        };
        let Some(configured) = publishing::publisher_of(self.configured(), &record.name, kind) else {
            return Ok(Err(format!("the issuer has no such publisher for {} any more", record.name)));
        };
        Ok(self.make(configured).await?.map(|publisher| (publisher, record)))
    }

    async fn make(&self, configured: &Configured) -> Result<Made, Error> {
        match &configured.target {
            PublishTo::Rfc2136(spec) => self.rfc2136(configured.zones.clone(), spec).await,
            PublishTo::Dnsimple(spec) => self.dnsimple(spec).await,
            PublishTo::Manual(_) => Ok(Err("it is published by a person".to_owned())),
        }
    }

    async fn dnsimple(&self, spec: &DnSimpleZones) -> Result<Made, Error> {
        let Some(issuer) = &self.issuer else { return Ok(Err("the issuer does not exist".to_owned())) };
        let account = self.context.accounts.zones(issuer, spec).await?;
        Ok(account.map(|account| Box::new(DnSimple::new(account)) as Box<dyn Publisher>))
    }

    async fn rfc2136(&self, zones: Vec<String>, spec: &Rfc2136Spec) -> Result<Made, Error> {
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
        Ok(Rfc2136::new(config).map(|made| Box::new(made) as Box<dyn Publisher>).map_err(|error| error.to_string()))
    }
}
