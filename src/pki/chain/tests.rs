#![allow(clippy::unwrap_used)]

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::pki::{
    KeyKind, PrivateKey,
    testing::{Ca, at, openssl},
};

const NOW: &str = "2026-12-01T00:00:00Z";
const SOON: &str = "2027-05-01T00:00:00Z";

/// A root, an intermediate, and a certificate for `key` from it.
struct World {
    root: Ca,
    intermediate: Ca,
    key: PrivateKey,
    leaf: String,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let root = Ca::root("Root");
    let intermediate = root.intermediate("Intermediate");
    let key = new_key();
    let leaf = intermediate.leaf(&key, &["example.com", "*.example.com"], at("2026-11-01T00:00:00Z"), at(SOON));
    World { root, intermediate, key, leaf }
});

fn new_key() -> PrivateKey {
    PrivateKey::generate(KeyKind::EcdsaP256).unwrap()
}

fn verify_at(pem: &str, key: &PrivateKey, names: &[&str], now: &str) -> Result<Chain, ChainError> {
    let dns_names = names.iter().map(|&name| name.to_owned()).collect();
    let public_key_sha256 = &key.public_key_sha256();
    Chain::verify(pem, &Expect { public_key_sha256, dns_names: &dns_names, preferred: None, now: at(now) })
}

fn verify(pem: &str) -> Result<Chain, ChainError> {
    verify_at(pem, &WORLD.key, &["example.com"], NOW)
}

fn leaf_between(issuer: &Ca, not_before: &str, not_after: &str) -> String {
    issuer.leaf(&WORLD.key, &["example.com"], at(not_before), at(not_after))
}

#[test]
fn openssl_accepts_what_was_built() {
    let World { root, intermediate, leaf, .. } = &*WORLD;
    let chain = verify(&[leaf.clone(), intermediate.pem(), root.pem()].concat()).unwrap();
    assert_eq!(chain.tls_crt, [leaf.clone(), intermediate.pem()].concat());
    assert_eq!(chain.ca_crt, Some(root.pem()));
    assert_eq!(chain.leaf, Leaf::from_pem(leaf).unwrap());

    let dir = tempfile::tempdir().unwrap();
    let [ca, crt] = ["ca.crt", "tls.crt"].map(|name| dir.path().join(name).into_os_string().into_string().unwrap());
    std::fs::write(&ca, chain.ca_crt.unwrap()).unwrap();
    std::fs::write(&crt, chain.tls_crt).unwrap();
    let purpose = ["-purpose", "sslserver", "-verify_hostname", "www.example.com", "-attime", "1796083200"];
    let arguments = [&["verify", "-CAfile", &ca, "-untrusted", &crt], &purpose[..], &[&crt]].concat();
    openssl(&arguments, b"");
}

#[test]
fn order_and_repetition_mean_nothing() {
    let World { root, intermediate, leaf, .. } = &*WORLD;
    let blocks = [leaf.clone(), intermediate.pem(), root.pem()];
    let expected = verify(&blocks.concat()).unwrap();
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let text: String = order.iter().chain(&order).map(|&at| blocks[at].as_str()).collect();
        assert_eq!(verify(&text).unwrap(), expected, "{order:?}");
    }
    let unusual = format!("subject=example\r\n{}", blocks.concat().replace('\n', "\r\n"));
    assert_eq!(verify(&unusual).unwrap(), expected);
}

#[test]
fn without_a_root_the_chain_ends_at_the_last_intermediate() {
    let World { root, leaf, intermediate, .. } = &*WORLD;
    let chain = verify(&[intermediate.pem(), leaf.clone()].concat()).unwrap();
    assert_eq!((chain.tls_crt, chain.ca_crt), ([leaf.clone(), intermediate.pem()].concat(), None));

    let lower = intermediate.intermediate("Lower");
    let leaf = leaf_between(&lower, NOW, SOON);
    let chain = verify(&[intermediate.pem(), lower.pem(), leaf.clone()].concat()).unwrap();
    assert_eq!(chain.tls_crt, [leaf.clone(), lower.pem(), intermediate.pem()].concat());
    let chain = verify(&[root.pem(), intermediate.pem(), lower.pem(), leaf.clone()].concat()).unwrap();
    assert_eq!(chain.tls_crt, [leaf, lower.pem(), intermediate.pem()].concat());
}

#[test]
fn cross_signed_alternatives_and_strangers_do_not_disturb() {
    let World { root, intermediate, leaf, .. } = &*WORLD;
    let old_root = Ca::root_until("Old Root", at("2038-01-01T00:00:00Z"));
    let cross = old_root.cross_sign(root);
    let stranger = Ca::root("Stranger");

    let all = [cross.clone(), stranger.pem(), root.pem(), old_root.pem(), leaf.clone(), intermediate.pem()].concat();
    let chain = verify(&all).unwrap();
    assert_eq!(chain.tls_crt, [leaf.clone(), intermediate.pem()].concat());
    assert_eq!(chain.ca_crt, Some(root.pem()));

    let only_old = [old_root.pem(), leaf.clone(), intermediate.pem(), cross.clone()].concat();
    let chain = verify(&only_old).unwrap();
    assert_eq!(chain.tls_crt, [leaf.clone(), intermediate.pem(), cross.clone()].concat());
    assert_eq!(chain.ca_crt, Some(old_root.pem()));

    let unrelated_root = [stranger.pem(), leaf.clone(), intermediate.pem(), cross.clone()].concat();
    let chain = verify(&unrelated_root).unwrap();
    assert_eq!(chain.tls_crt, [leaf.clone(), intermediate.pem(), cross].concat());
    assert_eq!(chain.ca_crt, None);
}

#[test]
fn an_expired_alternative_is_passed_over() {
    let World { root, intermediate, leaf, .. } = &*WORLD;
    let expired_root = Ca::root_until("Old Root", at("2025-01-01T00:00:00Z"));
    let cross = expired_root.cross_sign(root);
    let chain = verify(&[expired_root.pem(), cross, root.pem(), intermediate.pem(), leaf.clone()].concat()).unwrap();
    assert_eq!(chain.ca_crt, Some(root.pem()));
}

#[test]
fn the_certificate_is_picked_by_key_never_by_position() {
    let World { root, intermediate, leaf, .. } = &*WORLD;
    let other = intermediate.leaf(&new_key(), &["example.com"], at(NOW), at(SOON));
    let chain = verify(&[other.clone(), leaf.clone(), intermediate.pem(), root.pem()].concat()).unwrap();
    assert_eq!(chain.leaf, Leaf::from_pem(leaf).unwrap());
    assert_eq!(verify(&[other, intermediate.pem(), root.pem()].concat()), Err(ChainError::OtherKey));

    let newer = leaf_between(intermediate, "2026-11-20T00:00:00Z", SOON);
    let chain = verify(&[leaf.clone(), newer.clone(), intermediate.pem(), root.pem()].concat()).unwrap();
    assert_eq!(chain.leaf, Leaf::from_pem(&newer).unwrap(), "the newest for our key");
}

#[test]
fn every_wanted_name_is_there_a_wildcard_as_itself() {
    let World { root, intermediate, key, leaf } = &*WORLD;
    let all = [leaf.clone(), intermediate.pem(), root.pem()].concat();
    verify_at(&all, key, &["*.example.com", "example.com"], NOW).unwrap();
    let missing = |names: &[&str]| ChainError::MissingNames(names.iter().map(|&name| name.to_owned()).collect());
    assert_eq!(verify_at(&all, key, &["www.example.com", "a.org"], NOW), Err(missing(&["a.org", "www.example.com"])));
    assert_eq!(missing(&["a.org", "b.org"]).to_string(), "the certificate lacks a.org, b.org");
}

#[test]
fn dates_are_judged_by_the_time_given() {
    let World { root, intermediate, key, leaf } = &*WORLD;
    let all = [leaf.clone(), intermediate.pem(), root.pem()].concat();
    let at_time = |now| verify_at(&all, key, &["example.com"], now);
    assert_eq!(at_time(SOON), Err(ChainError::Expired(at(SOON))));
    at_time("2027-04-30T23:59:59Z").unwrap();
    at_time("2026-10-31T23:55:00Z").unwrap();
    assert_eq!(at_time("2026-10-31T23:54:59Z"), Err(ChainError::NotYetValid(at("2026-11-01T00:00:00Z"))));
}

#[test]
fn an_issuer_that_is_missing_expired_or_no_ca_is_told() {
    let World { root, leaf, .. } = &*WORLD;
    assert_eq!(verify(leaf), Err(ChainError::Incomplete));
    assert_eq!(verify(&[leaf.clone(), root.pem()].concat()), Err(ChainError::Incomplete));

    let expiry = at("2026-06-01T00:00:00Z");
    let intermediate = root.intermediate_until("Expired", expiry);
    let orphan = leaf_between(&intermediate, NOW, SOON);
    for rest in [intermediate.pem(), [intermediate.pem(), root.pem()].concat()] {
        assert_eq!(verify(&[orphan.clone(), rest].concat()), Err(ChainError::Expired(expiry)));
    }
    let expired_root = Ca::root_until("Expired Root", expiry);
    let direct = leaf_between(&expired_root, NOW, SOON);
    assert_eq!(verify(&[direct, expired_root.pem()].concat()), Err(ChainError::Expired(expiry)));
}

#[test]
fn no_tampered_certificate_is_believed() {
    let World { root, intermediate, leaf, .. } = &*WORLD;
    let impostor = Ca::root("Root");
    let forged = Ca::root("Root").intermediate("Intermediate");
    let forged_leaf = leaf_between(&forged, NOW, SOON);

    let genuine = [intermediate.pem(), root.pem()].concat();
    assert_eq!(verify(&[forged_leaf, genuine].concat()), Err(ChainError::BadSignature));
    assert_eq!(verify(&[leaf.clone(), intermediate.pem(), impostor.pem()].concat()), Err(ChainError::BadSignature));
    assert_eq!(verify(&[leaf.clone(), forged.pem(), root.pem()].concat()), Err(ChainError::BadSignature));

    let spoil = |pem: &str| {
        let mut der = pem::blocks(pem, &["CERTIFICATE"]).unwrap().remove(0);
        let last = der.len() - 1;
        der[last] ^= 1;
        pem::encode("CERTIFICATE", &der)
    };
    assert_eq!(verify(&[spoil(leaf), intermediate.pem(), root.pem()].concat()), Err(ChainError::BadSignature));
    assert_eq!(verify(&[leaf.clone(), spoil(&intermediate.pem()), root.pem()].concat()), Err(ChainError::BadSignature));
    assert_eq!(verify(&[leaf.clone(), intermediate.pem(), spoil(&root.pem())].concat()), Err(ChainError::BadSignature));
}

#[test]
fn a_server_certificate_cannot_issue() {
    let World { root, .. } = &*WORLD;
    let server = root.not_a_ca("Server");
    let leaf = leaf_between(&server, NOW, SOON);
    for rest in [server.pem(), [server.pem(), root.pem()].concat()] {
        let error = verify(&[leaf.clone(), rest].concat()).unwrap_err();
        assert_eq!(error.to_string(), "the chain is not valid for a TLS server: EndEntityUsedAsCa");
    }
}

#[test]
fn what_is_no_certificate_is_told_from_none() {
    assert_eq!(verify(""), Err(ChainError::NoCertificate));
    assert_eq!(verify("<html>502 Bad Gateway</html>"), Err(ChainError::NoCertificate));
    for broken in ["AAAA", "!!!!", "MIIB"] {
        let text = format!("-----BEGIN CERTIFICATE-----\n{broken}\n-----END CERTIFICATE-----\n");
        assert!(matches!(verify(&text), Err(ChainError::Unparsable(_))), "{broken}");
    }
}

proptest! {
    #[test]
    fn no_download_makes_it_panic_and_no_flipped_bit_is_believed(text in ".{0,200}", position: prop::sample::Index, bit in 0u8..8, cut: prop::sample::Index) {
        let World { root, intermediate, leaf, .. } = &*WORLD;
        let _ = verify(&text);
        let all = [leaf.clone(), intermediate.pem(), root.pem()].concat();
        let _ = verify(&all[..cut.index(all.len())]);

        let mut der = pem::blocks(leaf, &["CERTIFICATE"]).unwrap().remove(0);
        der[position.index(leaf.len() / 2)] ^= 1 << bit;
        let flipped = pem::encode("CERTIFICATE", &der);
        prop_assert!(verify(&[flipped, intermediate.pem(), root.pem()].concat()).is_err());
    }
}

#[test]
fn among_several_chains_the_preferred_one_is_served() {
    let World { root, intermediate, key, leaf } = &*WORLD;
    let (old, older) = (Ca::root("Old Root"), Ca::root("Older Root"));
    let blocks =
        [leaf.clone(), intermediate.pem(), root.pem(), old.cross_sign(root), old.pem(), older.cross_sign(root)];
    let names = ["example.com".to_owned()].into();
    let served = |blocks: &[String], preferred| {
        let public_key_sha256 = &key.public_key_sha256();
        let expect = Expect { public_key_sha256, dns_names: &names, preferred, now: at(NOW) };
        let chain = Chain::verify(&blocks.concat(), &expect).unwrap();
        (chain.tls_crt, chain.ca_crt, chain.anchor)
    };
    let own = |names: [&str; 1]| Some(names[0].to_owned());
    let [leaf, between, top, by_old, ancient, by_older] = blocks.clone();
    let short = ([leaf.clone(), between.clone()].concat(), Some(top), own(["Root"]));
    let long = ([leaf.clone(), between.clone(), by_old].concat(), Some(ancient), own(["Old Root"]));
    let without_root = ([leaf, between, by_older].concat(), None, own(["Older Root"]));
    let mut reversed = blocks.clone();
    reversed.reverse();
    for blocks in [&blocks, &reversed] {
        assert_eq!(served(blocks, Some("Root")), short);
        assert_eq!(served(blocks, Some("Old Root")), long);
        assert_eq!(served(blocks, Some("Older Root")), without_root);
        let default = served(blocks, None);
        assert_eq!(served(blocks, Some("Nobody's Root")), default, "a wish, not a condition");
        assert_eq!(served(blocks, Some("")), default);
    }
    let offered_and_broken = [&blocks[..4], &[Ca::root("Old Root").pem()]].concat();
    assert_eq!(served(&offered_and_broken, Some("Old Root")), short, "not another's root of that name");
}
