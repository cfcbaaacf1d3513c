use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use evercert::dcv::selfcheck::{Seen, SelfCheckConfig};
use evercert::dcv::{Ask, Publisher, SelfCheck, Visibility};
use hickory_proto::op::Message;
use hickory_proto::rr::rdata::{A, NS};
use tokio::net::UdpSocket;

use super::*;

const NAME: &str = "shop.example.com";

/// A primary and a secondary that nothing keeps in step, both named by the primary's zone.
struct Zone {
    primary: DemoDns,
    secondary: DemoDns,
}

impl Zone {
    /// NS records cannot name a port, so each server has an own loopback address and all have one port.
    async fn start() -> Self {
        let zone = loop {
            let primary = server().await;
            let listen = SocketAddr::new(Ipv4Addr::new(127, 0, 0, 2).into(), primary.address().port());
            let config = DnsConfig { listen, key: Some(primary.tsig().clone()), ..DnsConfig::default() };
            // The port may be taken there.
            if let Ok(secondary) = DemoDns::start(config).await {
                break Self { primary, secondary };
            }
        };
        zone.announce("ns1.example.com", 1).await;
        zone.announce("ns2.example.com", 2).await;
        zone
    }

    async fn announce(&self, name: &str, host: u8) {
        add(&self.primary, name, 60, RData::A(A::new(127, 0, 0, host))).await;
        add(&self.primary, ZONE, 60, RData::NS(NS(fqdn(name)))).await;
    }

    async fn check(&self, record: &Record) -> Visibility {
        let port = self.primary.address().port();
        check_at(&self.primary, port).check(record, None).await
    }
}

fn check_at(resolver: &DemoDns, port: u16) -> SelfCheck {
    let config = SelfCheckConfig { resolvers: vec![resolver.address()], port, timeout: Duration::from_secs(2) };
    SelfCheck::new(&config).unwrap()
}

fn lagging(visibility: Visibility) -> Vec<(String, Seen)> {
    match visibility {
        Visibility::Lagging { servers } => servers.into_iter().map(|view| (view.name, view.seen)).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn visible_is_what_every_server_shows() {
    let zone = Zone::start().await;
    for record in [txt(NAME, "ours"), cname("_dnsauth.shop.example.com", "abc.dcv.digicert.com")] {
        assert_eq!(lagging(zone.check(&record).await).len(), 2);

        publisher(&zone.primary).ensure(&record).await.unwrap();
        let behind = vec![("ns2.example.com".to_owned(), Seen::Missing)];
        assert_eq!(lagging(zone.check(&record).await), behind);

        publisher(&zone.secondary).ensure(&record).await.unwrap();
        assert_eq!(zone.check(&record).await, Visibility::Visible);
    }
}

#[tokio::test]
async fn a_silent_server_leaves_it_open() {
    let zone = Zone::start().await;
    let record = txt(NAME, "ours");
    publisher(&zone.primary).ensure(&record).await.unwrap();
    publisher(&zone.secondary).ensure(&record).await.unwrap();
    zone.announce("ns3.example.com", 3).await;
    match zone.check(&record).await {
        Visibility::Unknown(why) => assert!(why.starts_with("ns3.example.com (127.0.0.3:"), "{why}"),
        other => panic!("{other:?}"),
    }

    publisher(&zone.secondary).remove(&record).await.unwrap();
    assert_eq!(lagging(zone.check(&record).await).len(), 2);
}

#[tokio::test]
async fn a_server_that_does_not_serve_the_zone_leaves_it_open() {
    let zone = Zone::start().await;
    let record = txt(NAME, "ours");
    publisher(&zone.primary).ensure(&record).await.unwrap();
    publisher(&zone.secondary).ensure(&record).await.unwrap();
    let listen = SocketAddr::new(Ipv4Addr::new(127, 0, 0, 4).into(), zone.primary.address().port());
    let config = DnsConfig { listen, zones: vec!["example.edu".into()], key: None };
    let _lame = DemoDns::start(config).await.unwrap();
    zone.announce("ns4.example.com", 4).await;
    let open = zone.check(&record).await;
    assert!(matches!(&open, Visibility::Unknown(why) if why.contains("ns4.example.com")), "{open:?}");
}

#[tokio::test]
async fn where_no_server_is_known_the_publishers_own_is_asked() {
    let dns = server().await;
    let check = check_at(&dns, 53);
    let record = txt(NAME, "ours");
    let unknown = check.check(&record, None).await;
    assert!(matches!(unknown, Visibility::Unknown(_)), "{unknown:?}");

    let own = nameserver(&dns);
    assert_eq!(lagging(check.check(&record, Some(&own)).await), [(own.to_string(), Seen::Missing)]);
    publisher(&dns).ensure(&record).await.unwrap();
    assert_eq!(check.check(&record, Some(&own)).await, Visibility::Visible);
}

/// Stands before a resolver and keeps what it is asked.
async fn listening(resolver: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<Name>>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (address, asked) = (socket.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
    let heard = asked.clone();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let question = Message::from_vec(&buffer[..length]).unwrap();
            heard.lock().unwrap().extend(question.queries.iter().map(|query| query.name().clone()));
            let behind = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            behind.send_to(&buffer[..length], resolver).await.unwrap();
            let length = behind.recv(&mut buffer).await.unwrap();
            socket.send_to(&buffer[..length], from).await.unwrap();
        }
    });
    (address, asked)
}

/// It would remember that nothing is there.
#[tokio::test]
async fn a_resolver_is_never_asked_for_the_name_before_everybody_shows_it() {
    let zone = Zone::start().await;
    let (resolver, asked) = listening(zone.primary.address()).await;
    let config = SelfCheckConfig {
        resolvers: vec![resolver],
        port: zone.primary.address().port(),
        timeout: Duration::from_secs(2),
    };
    let check = SelfCheck::new(&config).unwrap();
    let record = txt("_dnsauth.shop.example.com", "ours");
    assert_eq!(lagging(check.check(&record, None).await).len(), 2);
    assert_eq!(check.follow(&record, Ask::Authorities).await, Ok(None));
    let unwanted = fqdn("shop.example.com");
    let heard = asked.lock().unwrap().clone();
    assert!(heard.contains(&fqdn(ZONE)) && !heard.iter().any(|name| unwanted.zone_of(name)), "{heard:?}");
}
