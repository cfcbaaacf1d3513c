//! The demo name server, seen by a client that knows nothing of it but RFC 2136 and TSIG.

use crate::admin::{Admin, cname, txt};
use evercert_sandbox::dns::{DemoDns, DnsConfig, TsigKey};
use hickory_proto::rr::RecordType;

const ZONE: &str = "example.com";
const NAME: &str = "shop.example.com";

async fn server() -> DemoDns {
    DemoDns::start(DnsConfig::default()).await.unwrap()
}

#[tokio::test]
async fn each_zone_has_soa_and_ns() {
    let dns = server().await;
    let mut admin = Admin::without_key(&dns);
    for zone in dns.zones() {
        assert_eq!(admin.query(zone, RecordType::SOA).await.len(), 1);
        assert_eq!(admin.query(zone, RecordType::NS).await.len(), 1);
    }
}

#[tokio::test]
async fn values_of_one_name_come_and_go_one_by_one() {
    let dns = server().await;
    let mut admin = Admin::of(&dns);
    let before = admin.serial(ZONE).await;

    admin.add(ZONE, NAME, txt("one")).await.unwrap();
    admin.add(ZONE, NAME, txt("two")).await.unwrap();
    assert_eq!(admin.query(NAME, RecordType::TXT).await, ["one", "two"]);
    assert_eq!(admin.serial(ZONE).await, before + 2);

    admin.add(ZONE, NAME, txt("two")).await.unwrap();
    assert_eq!(admin.serial(ZONE).await, before + 2);

    admin.delete(ZONE, NAME, txt("one")).await.unwrap();
    assert_eq!(admin.query(NAME, RecordType::TXT).await, ["two"]);
    admin.delete(ZONE, NAME, txt("two")).await.unwrap();
    assert!(admin.query(NAME, RecordType::TXT).await.is_empty());
}

#[tokio::test]
async fn a_cname_shares_its_name_with_nothing() {
    let dns = server().await;
    let mut admin = Admin::of(&dns);
    let target = cname("one.dcv.digicert.com");
    admin.add(ZONE, NAME, target).await.unwrap();
    admin.add(ZONE, NAME, txt("ignored")).await.unwrap();
    admin.add(ZONE, NAME, cname("two.dcv.digicert.com")).await.unwrap();
    let held = admin.query(NAME, RecordType::CNAME).await;
    assert_eq!(held, ["two.dcv.digicert.com."]);
}

#[tokio::test]
async fn deleting_everything_at_the_apex_leaves_soa_and_ns() {
    let dns = server().await;
    let mut admin = Admin::of(&dns);
    admin.add(ZONE, ZONE, txt("token")).await.unwrap();
    admin.delete_all(ZONE, ZONE).await.unwrap();
    assert!(admin.query(ZONE, RecordType::TXT).await.is_empty());
    assert_eq!(admin.query(ZONE, RecordType::NS).await.len(), 1);
    assert_eq!(admin.query(ZONE, RecordType::SOA).await.len(), 1);
}

#[tokio::test]
async fn only_the_holder_of_the_key_may_update() {
    let dns = server().await;
    let other = TsigKey::generate(&dns.tsig().name).unwrap();
    let strangers = [
        Admin::without_key(&dns),
        Admin::with_key(&dns, "unknown", &dns.tsig().secret),
        Admin::with_key(&dns, &other.name, &other.secret),
    ];
    for mut stranger in strangers {
        stranger.add(ZONE, NAME, txt("no")).await.unwrap_err();
    }
    let seen = Admin::of(&dns).query(NAME, RecordType::TXT).await;
    assert!(seen.is_empty());
}

#[tokio::test]
async fn a_zone_section_names_exactly_one_of_the_zones() {
    let dns = server().await;
    let mut admin = Admin::of(&dns);
    // These answers are not signed, so hickory's client reports the signature and not the code.
    for zone in ["sub.example.com", "example.edu"] {
        let name = format!("x.{zone}");
        admin.add(zone, &name, txt("no")).await.unwrap_err();
    }
    let seen = admin.query("x.sub.example.com", RecordType::TXT).await;
    assert!(seen.is_empty());
}
