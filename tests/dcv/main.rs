//! Publishing and self-check against the sandbox's name server.
#![allow(clippy::unwrap_used)]

mod bind;
mod dnsimple;
mod http;
mod issued;
mod publish;
mod selfcheck;

use std::time::Duration;

use evercert::dcv::rfc2136::{Rfc2136Config, TsigAlgorithm, TsigKey};
use evercert::dcv::{Kind, NameServer, Record, Rfc2136, TTL};
use evercert_sandbox::dns::{DemoDns, DnsConfig};
use hickory_net::client::{Client, ClientHandle};
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::udp::UdpClientStream;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::tsig;
use hickory_proto::rr::{Name, RData, Record as ResourceRecord, TSigner};

const ZONE: &str = "example.com";

async fn server() -> DemoDns {
    DemoDns::start(DnsConfig::default()).await.unwrap()
}

fn publisher(dns: &DemoDns) -> Rfc2136 {
    with_key(&dns.address().to_string(), &dns.tsig().name, &dns.tsig().secret)
}

fn with_key(nameserver: &str, name: &str, secret: &str) -> Rfc2136 {
    let key = TsigKey { name: name.into(), algorithm: TsigAlgorithm::HmacSha256, secret: secret.into() };
    let config = Rfc2136Config { nameserver: nameserver.into(), zones: vec![], key };
    Rfc2136::new(config).unwrap().with_timeout(Duration::from_secs(2))
}

fn txt(name: &str, value: &str) -> Record {
    Record { name: name.into(), kind: Kind::Txt, value: value.into(), ttl: TTL }
}

fn cname(name: &str, value: &str) -> Record {
    Record { kind: Kind::Cname, ..txt(name, value) }
}

fn nameserver(dns: &DemoDns) -> NameServer {
    dns.address().to_string().parse().unwrap()
}

fn fqdn(name: &str) -> Name {
    let mut name = Name::from_ascii(name).unwrap();
    name.set_fqdn(true);
    name
}

/// What somebody else puts into the zone.
async fn add(dns: &DemoDns, name: &str, ttl: u32, data: RData) {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let secret = STANDARD.decode(&dns.tsig().secret).unwrap();
    let signer = TSigner::new(secret, tsig::TsigAlgorithm::HmacSha256, fqdn(&dns.tsig().name), 300).unwrap();
    let udp = UdpClientStream::builder(dns.address(), TokioRuntimeProvider::new()).with_signer(Some(signer)).build();
    let (mut client, background) = Client::<TokioRuntimeProvider>::from_sender(udp);
    tokio::spawn(background);
    let answer = client.append(ResourceRecord::from_rdata(fqdn(name), ttl, data), fqdn(ZONE), false).await;
    assert_eq!(answer.unwrap().response_code, ResponseCode::NoError);
}
