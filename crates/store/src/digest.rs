//! Keyed digests: they show that a secret changed without showing anything of it, not even to a guesser.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secret::SecretValue;

/// Length of a digest in hexadecimal digits: 128 bits, half of HMAC-SHA-256. RFC 2104 (5) advises no less than half.
pub const DIGEST_DIGITS: usize = 32;

/// HMAC-SHA-256 of a value under a key, in hexadecimal, cut to [`DIGEST_DIGITS`].
pub fn digest(key: &[u8], value: &[u8]) -> String {
    let mut mac = start(key);
    mac.update(value);
    finish(mac)
}

/// Keyed digest of all keys and values of a Secret together. Lengths are in it, so that `a=bc` is not `ab=c`.
pub fn digest_all(key: &[u8], data: &BTreeMap<String, SecretValue>) -> String {
    let mut mac = start(key);
    for (name, value) in data {
        for part in [name.as_bytes(), value.expose()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
    }
    finish(mac)
}

fn start(key: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    Hmac::<Sha256>::new_from_slice(key).expect("a key of any length")
}

fn finish(mac: Hmac<Sha256>) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(DIGEST_DIGITS);
    for byte in mac.finalize().into_bytes().iter().take(DIGEST_DIGITS / 2) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2, cut.
    #[test]
    fn is_hmac_sha_256() {
        assert_eq!(
            digest(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c7"
        );
    }

    #[test]
    fn depends_on_key_and_value() {
        let one = digest(b"key", b"value");
        assert_ne!(one, digest(b"kez", b"value"));
        assert_ne!(one, digest(b"key", b"valuf"));
        assert_eq!(one.len(), DIGEST_DIGITS);
    }

    #[test]
    fn of_a_whole_secret_tells_where_a_key_ends() {
        let data = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.into())]);
        assert_ne!(
            digest_all(b"k", &data("a", "bc")),
            digest_all(b"k", &data("ab", "c"))
        );
    }
}
