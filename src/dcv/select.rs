//! Which publisher serves a name.

/// The index of the publisher whose zones cover the name most closely, the first of equals; where none does, the
/// first publisher without zones, which serves everything else.
pub fn publisher_for<Z: AsRef<str>>(name: &str, publishers: &[impl AsRef<[Z]>]) -> Option<usize> {
    let closest = |zones: &[Z]| zones.iter().filter_map(|zone| match_length(name, zone.as_ref())).max();
    let mut best: Option<(usize, usize)> = None;
    for (index, zones) in publishers.iter().enumerate() {
        let zones = zones.as_ref();
        let length = if zones.is_empty() { Some(0) } else { closest(zones) };
        if let Some(length) = length
            && best.is_none_or(|(longest, _)| length > longest)
        {
            best = Some((length, index));
        }
    }
    best.map(|(_, index)| index)
}

/// Octets of the zone, when the name is the zone or below it.
fn match_length(name: &str, zone: &str) -> Option<usize> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let zone = zone.trim_end_matches('.').to_ascii_lowercase();
    let above = name.strip_suffix(&zone)?;
    (!zone.is_empty() && (above.is_empty() || above.ends_with('.'))).then_some(zone.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_zone_wins_then_the_first_without_zones() {
        let publishers: [&[&str]; 5] =
            [&[], &["example.com"], &["example.org", "shop.Example.com."], &["shop.example.com"], &[]];
        for (name, expected) in [
            ("example.com", 1),
            ("EXAMPLE.com.", 1),
            ("_dnsauth.www.example.com", 1),
            ("shop.example.com", 2),
            ("a.shop.example.com", 2),
            ("*.example.org", 2),
            ("notexample.com", 0),
            ("example.net", 0),
        ] {
            assert_eq!(publisher_for(name, &publishers), Some(expected), "{name}");
        }
        assert_eq!(publisher_for("example.net", &publishers[1..4]), None);
        assert_eq!(publisher_for::<&str>("example.net", &[[]; 0]), None);
    }
}
