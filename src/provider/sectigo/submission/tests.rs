use super::*;

const KEY: &str = "00000000-0000-8000-8000-000000000007";

#[test]
fn comments_carry_the_mark_and_as_much_of_the_words_as_fits() {
    assert_eq!(marked(None, KEY), format!("evercert:{KEY}"));
    assert_eq!(marked(Some("  "), KEY), format!("evercert:{KEY}"));
    assert_eq!(marked(Some("for the shop"), KEY), format!("for the shop evercert:{KEY}"));
    for long in ["x".repeat(2000), "é".repeat(2000)] {
        let comments = marked(Some(&long), KEY);
        assert!(comments.len() <= LONGEST_COMMENTS, "{}", comments.len());
        assert!(carries(Some(&comments), KEY));
    }
}

#[test]
fn a_mark_is_known_among_other_words() {
    let other = "00000000-0000-8000-8000-000000000008";
    for (comments, ours, key) in [
        (Some(format!("evercert:{KEY}")), true, Some(KEY)),
        (Some(format!("for the shop evercert:{KEY} and more")), true, Some(KEY)),
        (Some(format!("evercert:{other}")), false, Some(other)),
        (Some("evercert:1234".to_owned()), false, None),
        (Some(KEY.to_owned()), false, None),
        (Some("for the shop".to_owned()), false, None),
        (None, false, None),
    ] {
        assert_eq!(carries(comments.as_deref(), KEY), ours, "{comments:?}");
        assert_eq!(key_in(comments.as_deref()).as_deref(), key, "{comments:?}");
    }
}
