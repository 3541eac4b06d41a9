//! What is kept between rounds, in as few bytes as it can be written in.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value that can be lost: most clusters are looked at once a minute, and there are thousands of them.
pub(crate) struct Small<T> {
    bytes: Box<[u8]>,
    of: PhantomData<fn() -> T>,
}

// === impl Small ===

impl<T: Serialize + DeserializeOwned + Default> Small<T> {
    /// Keeps this. What cannot be written is lost, as if the process were a new one.
    pub(crate) fn keep(value: &T) -> Self {
        let bytes = postcard::to_allocvec(value).inspect_err(|error| {
            tracing::error!(%error, "what one round found out is not kept for the next one");
        });
        Self {
            bytes: bytes.unwrap_or_default().into_boxed_slice(),
            of: PhantomData,
        }
    }

    /// What was kept, or nothing.
    pub(crate) fn open(&self) -> T {
        postcard::from_bytes(&self.bytes).unwrap_or_default()
    }
}

impl<T> Default for Small<T> {
    fn default() -> Self {
        Self {
            bytes: Box::default(),
            of: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Small<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ovo_api::profile::OccupancySource;
    use ovo_model::{Mono, NodeName, NodeReadings, Occupancy, Reading, SecretDigest, SourceRing};

    use super::*;
    use crate::memory::DigestCache;

    #[test]
    fn what_was_kept_comes_back() {
        let reading = Reading {
            at: Mono(-7),
            occupancy: Occupancy {
                rooms: 1,
                participants: u32::MAX,
                ..Occupancy::default()
            },
            load_permille: Some(450),
        };
        let ring = SourceRing::from(vec![
            reading,
            Reading {
                load_permille: None,
                ..reading
            },
        ]);
        let node = NodeReadings {
            sources: BTreeMap::from([
                (OccupancySource::LiveKit, ring.clone()),
                (OccupancySource::Ingress, ring),
            ]),
            closed_since: Some(Mono(i64::MAX)),
            life: "boot|container".to_owned(),
        };
        let readings: BTreeMap<NodeName, NodeReadings> = BTreeMap::from([
            (NodeName::from("w1"), node),
            (NodeName::from("m1"), NodeReadings::default()),
        ]);
        assert_eq!(Small::keep(&readings).open(), readings);
        let digests = DigestCache {
            versions: ("7".to_owned(), String::new()),
            digests: BTreeMap::from([("a".to_owned(), SecretDigest("b".to_owned()))]),
        };
        let digests = BTreeMap::from([("demo".to_owned(), digests)]);
        assert_eq!(Small::keep(&digests).open(), digests);
        assert_eq!(
            Small::<BTreeMap<String, DigestCache>>::default().open(),
            BTreeMap::new()
        );
    }
}
