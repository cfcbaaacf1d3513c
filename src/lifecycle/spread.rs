//! Spreads equal work over time, always the same way for the same object: a restart reshuffles nothing.

use std::time::Duration;

/// A part of `width`, chosen by `seed` alone.
pub fn spread(seed: &str, width: Duration) -> Duration {
    // 16 bits of the hash: finer than any width needs.
    let share = (fnv1a(seed) >> 32) as u16;
    width.mul_f64(f64::from(share) / 65_536.0)
}

/// FNV-1a, 64 bits. The standard library's hasher may change with the compiler.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_inside_and_reaches_all_of_the_width() {
        let width = Duration::from_secs(100);
        let mut quarters = [0; 4];
        for n in 0..400 {
            let share = spread(&format!("5f0c7d1e-0000-4000-8000-{n:012}"), width);
            assert!(share < width);
            quarters[(share.as_secs() / 25) as usize] += 1;
        }
        assert!(quarters.iter().all(|&count| count > 60), "{quarters:?}");
    }

    #[test]
    fn never_changes_between_releases() {
        assert_eq!(fnv1a(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
    }
}
