//! What the demo's name server answers.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use hickory_net::{
    client::{Client, ClientHandle},
    runtime::TokioRuntimeProvider,
    udp::UdpClientStream,
};
use hickory_proto::rr::{DNSClass, Name, RecordType};

/// Whether there is any record of this type (`TXT`, `CNAME`) at this name.
pub async fn exists(server: &str, name: &str, kind: &str) -> Result<bool> {
    let server: SocketAddr = server.parse().context("the name server has no address")?;
    let mut owner = Name::from_ascii(name)?;
    owner.set_fqdn(true);
    let kind: RecordType = kind.parse()?;
    let stream = UdpClientStream::builder(server, TokioRuntimeProvider::new()).build();
    let (mut client, background) = Client::<TokioRuntimeProvider>::from_sender(stream);
    tokio::spawn(background);
    let answer = client.query(owner, DNSClass::IN, kind).await.with_context(|| format!("asking for {name}"))?;
    Ok(answer.answers.iter().any(|record| record.record_type() == kind))
}
