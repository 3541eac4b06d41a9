//! The generator of credentials.

use secrecy::SecretString;
use zeroize::Zeroizing;

/// Letters and digits only: the installers of OpenVidu carry values through shells, templates and URLs.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Bytes from here on are thrown away: 248 is the largest multiple of 62 in a byte, and without that the first
/// eight letters would come more often.
const UNBIASED: u8 = 248;

/// Length of a generated credential: 62^32 is over 190 bits.
pub const CREDENTIAL_LENGTH: usize = 32;

/// Length in bytes of a key for [`crate::digest::digest`]: the output of SHA-256, as RFC 2104 (3) advises.
pub const DIGEST_KEY_LENGTH: usize = 32;

/// Where random bytes come from: the operating system, or a seeded generator where a run must be repeatable.
pub trait Randomness {
    /// Fills the buffer. Errors when the system has no randomness to give.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), getrandom::Error>;
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), getrandom::Error> {
        getrandom::fill(bytes)
    }
}

impl Randomness for fastrand::Rng {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), getrandom::Error> {
        Self::fill(self, bytes);
        Ok(())
    }
}

/// A credential of `length` letters and digits, each as likely as every other.
pub fn generate(
    randomness: &mut impl Randomness,
    length: usize,
) -> Result<SecretString, getrandom::Error> {
    let mut text = Zeroizing::new(String::with_capacity(length));
    let mut bytes = Zeroizing::new([0u8; 64]);
    while text.len() < length {
        randomness.fill(bytes.as_mut())?;
        let missing = length - text.len();
        let letters = bytes
            .iter()
            .filter(|byte| **byte < UNBIASED)
            .map(|byte| char::from(ALPHABET[usize::from(byte % 62)]));
        text.extend(letters.take(missing));
    }
    Ok(SecretString::from(text.as_str()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn letters_and_digits_of_the_length_asked() {
        for length in [0, 1, 32, 63, 64, 65, 200] {
            let text = generate(&mut SystemRandomness, length).unwrap();
            let text = text.expose_secret();
            assert_eq!(text.len(), length);
            assert!(text.bytes().all(|b| b.is_ascii_alphanumeric()), "{text}");
        }
    }

    #[test]
    fn two_are_not_alike() {
        let one = generate(&mut SystemRandomness, CREDENTIAL_LENGTH).unwrap();
        let other = generate(&mut SystemRandomness, CREDENTIAL_LENGTH).unwrap();
        assert_ne!(one.expose_secret(), other.expose_secret());
    }

    #[test]
    fn every_character_is_as_likely_as_every_other() {
        let draws: usize = 62 * 4096;
        let text = generate(&mut fastrand::Rng::with_seed(7), draws).unwrap();
        let mut counts = [0usize; 256];
        for byte in text.expose_secret().bytes() {
            counts[usize::from(byte)] += 1;
        }
        let expected = draws / 62;
        // The standard deviation is 63.5; with a bias of byte % 62 the first eight would be 33 above 3963.
        for letter in ALPHABET {
            let off = counts[usize::from(*letter)].abs_diff(expected);
            assert!(
                off < 6 * 64,
                "{}: {off} off {expected}",
                char::from(*letter)
            );
        }
        let first: usize = ALPHABET[..8].iter().map(|l| counts[usize::from(*l)]).sum();
        // A biased generator gives 5/256 to each of the first eight letters and 4/256 to the rest: 21 % more.
        assert!(first.abs_diff(8 * expected) < 8 * expected / 20, "{first}");
    }
}
