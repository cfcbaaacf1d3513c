//! What an administrator does with `nsupdate`, through hickory's own client.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evercert_sandbox::dns::DemoDns;
use hickory_net::client::{Client, ClientHandle};
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::udp::UdpClientStream;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType, TSigner};

pub struct Admin(Client<TokioRuntimeProvider>);

impl Admin {
    /// Signs with the server's own key.
    pub fn of(dns: &DemoDns) -> Self {
        let key = dns.tsig();
        Self::with_key(dns, &key.name, &key.secret)
    }

    pub fn with_key(dns: &DemoDns, name: &str, secret: &str) -> Self {
        let secret = STANDARD.decode(secret).unwrap();
        let signer = TSigner::new(secret, TsigAlgorithm::HmacSha256, fqdn(name), 300);
        Self::connect(dns, Some(signer.unwrap()))
    }

    pub fn without_key(dns: &DemoDns) -> Self {
        Self::connect(dns, None)
    }

    fn connect(dns: &DemoDns, signer: Option<TSigner>) -> Self {
        Self::at(dns.address(), signer)
    }

    pub fn at(server: SocketAddr, signer: Option<TSigner>) -> Self {
        let udp = UdpClientStream::builder(server, TokioRuntimeProvider::new()).with_signer(signer).build();
        let (client, background) = Client::from_sender(udp);
        tokio::spawn(background);
        Self(client)
    }

    pub async fn add(&mut self, zone: &str, name: &str, data: RData) -> Result<(), String> {
        let record = Record::from_rdata(fqdn(name), 60, data);
        code(self.0.append(record, fqdn(zone), false).await)
    }

    pub async fn delete(&mut self, zone: &str, name: &str, data: RData) -> Result<(), String> {
        let record = Record::from_rdata(fqdn(name), 60, data);
        code(self.0.delete_by_rdata(record, fqdn(zone)).await)
    }

    pub async fn delete_all(&mut self, zone: &str, name: &str) -> Result<(), String> {
        let answer = self.0.delete_all(fqdn(name), fqdn(zone), DNSClass::IN);
        code(answer.await)
    }

    /// The answer's data as text, sorted.
    pub async fn query(&mut self, name: &str, record_type: RecordType) -> Vec<String> {
        let answer = self.0.query(fqdn(name), DNSClass::IN, record_type).await;
        let answer = answer.unwrap();
        let mut data: Vec<_> = answer.answers.iter().map(|rr| rr.data.to_string()).collect();
        data.sort();
        data
    }

    pub async fn serial(&mut self, zone: &str) -> u32 {
        let answer = self.0.query(fqdn(zone), DNSClass::IN, RecordType::SOA);
        match &answer.await.unwrap().answers[0].data {
            RData::SOA(soa) => soa.serial,
            other => panic!("{other}"),
        }
    }
}

fn code(answer: Result<hickory_proto::op::DnsResponse, hickory_net::NetError>) -> Result<(), String> {
    match answer {
        Ok(answer) if answer.response_code == ResponseCode::NoError => Ok(()),
        Ok(answer) => Err(format!("{:?}", answer.response_code)),
        Err(error) => Err(error.to_string()),
    }
}

pub fn txt(value: &str) -> RData {
    RData::TXT(hickory_proto::rr::rdata::TXT::new(vec![value.into()]))
}

pub fn cname(target: &str) -> RData {
    RData::CNAME(hickory_proto::rr::rdata::CNAME(fqdn(target)))
}

pub fn fqdn(name: &str) -> Name {
    let mut name = Name::from_ascii(name).unwrap();
    name.set_fqdn(true);
    name
}
