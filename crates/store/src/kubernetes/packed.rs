//! Objects that wait in memory until somebody asks: most do so for half a minute at a time, and thousands of them.
//!
//! As a value of its type a node takes 3.4 KB, and nearly all that it says the others say too. So of each only that is
//! kept in which its JSON differs from the JSON of one that came before it.

use std::sync::Arc;

use lz4_flex::block;

use super::kind::Kind;
use crate::embedded::object::describe;
use crate::error::StoreError;
use crate::key::ObjectKey;

/// Text longer than this is no pattern for others, in bytes: it is gone through whenever one of them is kept.
const LONGEST_PATTERN: usize = 16 * 1024;

/// Makes objects of one kind small.
#[derive(Debug)]
pub(crate) struct Packer {
    /// What objects look like.
    pattern: Arc<[u8]>,
}

/// An object, kept small.
#[derive(Clone, Debug)]
pub(crate) struct Packed<K> {
    version: Option<Box<str>>,
    /// Name of its cluster.
    cluster: Box<str>,
    form: Form<K>,
}

#[derive(Clone, Debug)]
enum Form<K> {
    /// How it differs from the pattern.
    Difference {
        pattern: Arc<[u8]>,
        block: Box<[u8]>,
    },
    /// One that could not be made small.
    Whole(Arc<K>),
}

// === impl Packer ===

impl Packer {
    pub(crate) fn new() -> Self {
        Self {
            pattern: Arc::default(),
        }
    }

    pub(crate) fn pack<K: Kind>(&mut self, object: K) -> Packed<K> {
        let version = object.meta().resource_version.as_deref().map(Box::from);
        let cluster = object.cluster().name.into_boxed_str();
        let form = match serde_json::to_vec(&object) {
            Ok(text) => self.difference(&text),
            Err(_) => Form::Whole(Arc::new(object)),
        };
        Packed {
            version,
            cluster,
            form,
        }
    }

    fn difference<K>(&mut self, text: &[u8]) -> Form<K> {
        let block = block::compress_prepend_size_with_dict(text, &self.pattern);
        let form = Form::Difference {
            pattern: self.pattern.clone(),
            block: block.into_boxed_slice(),
        };
        // Objects grow while a deployment comes to be. By steps, or each would keep a pattern of its own alive.
        if text.len() > self.pattern.len() / 4 * 5 && text.len() <= LONGEST_PATTERN {
            self.pattern = Arc::from(text);
        }
        form
    }
}

// === impl Packed ===

impl<K: Kind> Packed<K> {
    /// The object as it was delivered.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where memory does not hold what was put there.
    pub(crate) fn unpack(&self, key: &ObjectKey) -> Result<Arc<K>, StoreError> {
        let (pattern, block) = match &self.form {
            Form::Difference { pattern, block } => (pattern, block),
            Form::Whole(object) => return Ok(object.clone()),
        };
        let text = block::decompress_size_prepended_with_dict(block, pattern)
            .map_err(|error| lost::<K>(key, &error))?;
        let object = serde_json::from_slice(&text).map_err(|error| lost::<K>(key, &error))?;
        Ok(Arc::new(object))
    }

    pub(crate) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The cluster that is to be looked at when this object, which has this key, changes.
    pub(crate) fn cluster(&self, key: &ObjectKey) -> ObjectKey {
        key.sibling(&*self.cluster)
    }
}

fn lost<K: Kind>(key: &ObjectKey, why: &dyn std::error::Error) -> StoreError {
    StoreError::Corrupt(format!(
        "{} cannot be read from memory: {why}: restart the operator",
        describe(K::KIND, key)
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ovo_api::{OpenViduCluster, OpenViduNode};

    use super::*;
    use crate::conformance::fixture;

    fn key() -> ObjectKey {
        ObjectKey::new("video", "demo")
    }

    fn size<K>(packed: &Packed<K>) -> usize {
        match &packed.form {
            Form::Difference { block, .. } => block.len(),
            Form::Whole(_) => usize::MAX,
        }
    }

    #[test]
    fn what_is_read_again_is_what_was_kept() {
        let mut packer = Packer::new();
        let mut kept = Vec::new();
        for n in 0..20 {
            let mut node = fixture::node(&key(), &format!("w{n}"));
            node.metadata.resource_version = Some(n.to_string());
            // Some grow, and the pattern with them.
            let labels = node.metadata.labels.get_or_insert_default();
            labels.extend((0..n).map(|l| (format!("label-{l}"), "x".repeat(40))));
            kept.push((packer.pack(node.clone()), node));
        }
        for (packed, node) in kept {
            let key = ObjectKey::of(&node);
            assert_eq!(*packed.unpack(&key).unwrap(), node);
            assert_eq!(packed.version(), node.metadata.resource_version.as_deref());
            assert_eq!(packed.cluster(&key), node.cluster());
        }
        let cluster: OpenViduCluster = serde_json::from_value(fixture::cluster(&key())).unwrap();
        let kept = Packer::new().pack(cluster.clone());
        assert_eq!(*kept.unpack(&key()).unwrap(), cluster);
        assert_eq!(kept.cluster(&key()), key());
    }

    #[test]
    fn the_second_of_a_kind_takes_little() {
        let mut packer = Packer::new();
        let first = packer.pack(fixture::node(&key(), "w1"));
        let second = packer.pack(fixture::node(&key(), "w2"));
        assert!(size(&second) * 4 < size(&first), "{first:?} {second:?}");
    }

    #[test]
    fn a_long_one_is_no_pattern() {
        let mut packer = Packer::new();
        let mut node: OpenViduNode = fixture::node(&key(), "w1");
        let annotations = node.metadata.annotations.get_or_insert_default();
        annotations.insert("note".to_owned(), "n".repeat(LONGEST_PATTERN));
        let kept = packer.pack(node.clone());
        assert!(packer.pattern.is_empty());
        assert_eq!(*kept.unpack(&ObjectKey::of(&node)).unwrap(), node);
    }
}
