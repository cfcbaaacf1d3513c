use evercert::dcv::Observed::{Absent, Present};
use evercert::dcv::rfc2136::{ConfigError, Rfc2136Config, TsigAlgorithm, TsigKey};
use evercert::dcv::{PublishError, Publisher, Rfc2136};
use evercert_sandbox::dns;
use hickory_proto::op::{Message, MessageType};
use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::{A, CNAME, TXT};
use tokio::net::UdpSocket;

use super::*;

const NAME: &str = "shop.example.com";

#[tokio::test]
async fn our_value_comes_and_goes_beside_another() {
    let dns = server().await;
    let publisher = publisher(&dns);
    let (ours, theirs) = (txt(NAME, "ours"), txt(NAME, "theirs"));
    add(&dns, NAME, 7, RData::TXT(TXT::new(vec!["theirs".into()]))).await;

    assert_eq!(publisher.observe(&ours).await, Ok(Absent));
    for _ in 0..2 {
        publisher.ensure(&ours).await.unwrap();
        assert_eq!(publisher.observe(&ours).await, Ok(Present));
        assert_eq!(publisher.observe(&theirs).await, Ok(Present));
    }
    for _ in 0..2 {
        publisher.remove(&ours).await.unwrap();
        assert_eq!(publisher.observe(&ours).await, Ok(Absent));
        assert_eq!(publisher.observe(&theirs).await, Ok(Present));
    }
}

#[tokio::test]
async fn their_ttl_stays() {
    let dns = server().await;
    add(&dns, NAME, 7, RData::TXT(TXT::new(vec!["theirs".into()]))).await;
    publisher(&dns).ensure(&txt(NAME, "ours")).await.unwrap();
    let ttls = ttls_of(&dns, NAME).await;
    assert_eq!(ttls, [7, 7]);
}

async fn ttls_of(dns: &DemoDns, name: &str) -> Vec<u32> {
    let udp = UdpClientStream::builder(dns.address(), TokioRuntimeProvider::new()).build();
    let (mut client, background) = Client::<TokioRuntimeProvider>::from_sender(udp);
    tokio::spawn(background);
    let answer = client.query(fqdn(name), hickory_proto::rr::DNSClass::IN, hickory_proto::rr::RecordType::TXT).await;
    answer.unwrap().answers.iter().map(|rr| rr.ttl).collect()
}

#[tokio::test]
async fn an_answer_too_long_for_udp_is_fetched_over_tcp() {
    let dns = server().await;
    let publisher = publisher(&dns);
    let long: Vec<_> = (0..4).map(|n| txt(NAME, &format!("{n}{}", "x".repeat(600)))).collect();
    for record in &long {
        publisher.ensure(record).await.unwrap();
    }
    for record in &long {
        assert_eq!(publisher.observe(record).await, Ok(Present));
    }
}

#[tokio::test]
async fn a_cname_is_ours_or_left_alone() {
    let dns = server().await;
    let publisher = publisher(&dns);
    let ours = cname("_dnsauth.shop.example.com", "abc.dcv.digicert.com");
    publisher.ensure(&ours).await.unwrap();
    publisher.ensure(&ours).await.unwrap();
    assert_eq!(publisher.observe(&ours).await, Ok(Present));

    let newer = cname("_dnsauth.shop.example.com", "def.dcv.digicert.com");
    let holds = "a CNAME to abc.dcv.digicert.com.".to_owned();
    let conflict = Err(PublishError::Conflict { name: newer.name.clone(), holds });
    assert_eq!(publisher.ensure(&newer).await, conflict);
    publisher.remove(&newer).await.unwrap();
    assert_eq!(publisher.observe(&ours).await, Ok(Present));

    publisher.remove(&ours).await.unwrap();
    publisher.ensure(&newer).await.unwrap();
}

#[tokio::test]
async fn nothing_joins_a_cname_and_a_cname_joins_nothing() {
    let dns = server().await;
    let publisher = publisher(&dns);
    add(&dns, NAME, 60, RData::CNAME(CNAME(fqdn("cdn.example.org")))).await;
    let holds = "a CNAME to cdn.example.org.".to_owned();
    let conflict = Err(PublishError::Conflict { name: NAME.into(), holds });
    assert_eq!(publisher.ensure(&txt(NAME, "ours")).await, conflict);

    add(&dns, "host.example.com", 60, RData::A(A::new(192, 0, 2, 1))).await;
    let beside = publisher.ensure(&cname("host.example.com", "abc.dcv.digicert.com")).await;
    assert!(matches!(beside, Err(PublishError::Conflict { .. })), "{beside:?}");
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_told_apart() {
    let dns = server().await;
    let (address, key) = (dns.address().to_string(), dns.tsig());
    let other = dns::TsigKey::generate(&key.name).unwrap();
    for (publisher, expected) in [
        (with_key(&address, &key.name, &other.secret), "NOTAUTH/BADSIG"),
        (with_key(&address, "nobody", &key.secret), "NOTAUTH/BADKEY"),
    ] {
        match publisher.ensure(&txt(NAME, "ours")).await {
            Err(PublishError::Refused { server, code, .. }) => {
                assert_eq!((server, code), (address.clone(), expected.into()))
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(publisher(&dns).observe(&txt(NAME, "ours")).await, Ok(Absent));
}

#[tokio::test]
async fn a_zone_served_elsewhere_is_not_updated() {
    let dns = server().await;
    let configured = Rfc2136Config {
        nameserver: dns.address().to_string(),
        zones: vec!["example.edu".into()],
        key: TsigKey {
            name: dns.tsig().name.clone(),
            algorithm: TsigAlgorithm::HmacSha256,
            secret: dns.tsig().secret.clone().into(),
        },
    };
    let record = txt("shop.example.edu", "ours");
    let elsewhere = Rfc2136::new(configured).unwrap().ensure(&record).await;
    assert!(matches!(elsewhere, Err(PublishError::NotZone { .. })), "{elsewhere:?}");
    let unknown = publisher(&dns).remove(&record).await;
    assert!(matches!(unknown, Err(PublishError::NotZone { .. })), "{unknown:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let dns = server().await;
    let publisher = publisher(&dns);
    drop(dns);
    let gone = publisher.ensure(&txt(NAME, "ours")).await;
    assert!(matches!(gone, Err(PublishError::Unreachable { .. })), "{gone:?}");
}

#[tokio::test]
async fn an_unsigned_success_is_not_believed() {
    let anybody = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = anybody.local_addr().unwrap().to_string();
    let yes = tokio::spawn(async move {
        let mut buffer = [0; 4096];
        loop {
            let (length, from) = anybody.recv_from(&mut buffer).await.unwrap();
            let mut answer = Message::from_vec(&buffer[..length]).unwrap();
            answer.metadata.message_type = MessageType::Response;
            answer.take_signature();
            anybody.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
        }
    });
    let key = dns::TsigKey::generate("key").unwrap();
    let unsigned = with_key(&address, &key.name, &key.secret).ensure(&txt(NAME, "ours")).await;
    assert_eq!(unsigned, Err(PublishError::Unverified { server: address }));
    yes.abort();
}

#[tokio::test]
async fn what_is_no_record_is_not_sent() {
    let dns = server().await;
    let long = cname(&"x".repeat(64), "abc.dcv.digicert.com");
    let malformed = publisher(&dns).ensure(&long).await;
    assert!(matches!(malformed, Err(PublishError::Malformed { .. })), "{malformed:?}");
}

#[test]
fn a_secret_is_base64_and_never_shown() {
    let config = |secret: &str| Rfc2136Config {
        nameserver: "192.0.2.1".into(),
        zones: vec![],
        key: TsigKey { name: "key".into(), algorithm: TsigAlgorithm::HmacSha512, secret: secret.into() },
    };
    let publisher = Rfc2136::new(config("c2VjcmV0\n")).unwrap();
    let shown = format!("{publisher:?}");
    assert_eq!(shown, r#"Rfc2136 { server: "192.0.2.1:53", key: "key", .. }"#);
    for bad in ["", "not base64"] {
        assert_eq!(Rfc2136::new(config(bad)).unwrap_err(), ConfigError::Secret("key".into()));
    }
}
