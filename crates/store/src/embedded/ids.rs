//! Uids: random, or from a seed where a run must be repeatable.

/// Where uids come from.
#[derive(Debug)]
pub(crate) enum Ids {
    /// From the operating system.
    Random,
    /// From a seed: the same run gets the same uids.
    Seeded(fastrand::Rng),
}

// === impl Ids ===

impl Ids {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self::Seeded(fastrand::Rng::with_seed(seed))
    }

    /// A new uid in the form of a version 4 UUID (RFC 9562, 5.4).
    pub(crate) fn uid(&mut self) -> Result<String, getrandom::Error> {
        let mut bytes = [0u8; 16];
        match self {
            Self::Random => getrandom::fill(&mut bytes)?,
            Self::Seeded(rng) => rng.fill(&mut bytes),
        }
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let n = u128::from_be_bytes(bytes);
        Ok(format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            n >> 96,
            (n >> 80) & 0xffff,
            (n >> 64) & 0xffff,
            (n >> 48) & 0xffff,
            n & 0xffff_ffff_ffff
        ))
    }
}
