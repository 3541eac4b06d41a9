//! What is noted on the machine beside a resource's name: what it was last brought to. Secrets by reference and digest.

use std::collections::BTreeMap;

use ovo_model::{ProviderError, Scalar, Value};
use serde::{Deserialize, Serialize};

/// The format of this record; a machine's own `format` file guards the rest.
const FORMAT: i64 = 1;

/// A record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    format_version: i64,
    /// The properties that were last set.
    pub(crate) applied: BTreeMap<String, Value>,
}

impl Record {
    pub(crate) const fn new(applied: BTreeMap<String, Value>) -> Self {
        Self {
            format_version: FORMAT,
            applied,
        }
    }

    /// A record as it was read; one that is torn or foreign counts as none: what it told is then set anew.
    pub(crate) fn read(bytes: Option<&[u8]>) -> Self {
        bytes
            .and_then(|bytes| serde_json::from_slice::<Self>(bytes).ok())
            .filter(|record| record.format_version == FORMAT)
            .unwrap_or_else(|| Self::new(BTreeMap::new()))
    }

    pub(crate) fn bytes(&self) -> Result<Vec<u8>, ProviderError> {
        serde_json::to_vec(self)
            .map_err(|error| ProviderError::Retryable(format!("a record: {error}")))
    }

    /// A property that is plain text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.applied.get(name) {
            Some(Value::Known(Scalar::Text(text))) => Some(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use ovo_model::{SecretDigest, SecretKey};

    use super::*;

    #[test]
    fn survives_being_written() {
        let record = Record::new(BTreeMap::from([
            ("mode".to_owned(), Value::Known("640".into())),
            (
                "content".to_owned(),
                Value::Secret {
                    key: SecretKey {
                        secret: "openvidu".to_owned(),
                        key: "license".to_owned(),
                    },
                    digest: Some(SecretDigest("d".to_owned())),
                },
            ),
        ]));
        assert_eq!(Record::read(Some(&record.bytes().unwrap())), record);
    }

    #[test]
    fn a_torn_or_newer_one_counts_as_none() {
        for bytes in [
            &b""[..],
            b"{",
            b"{\"formatVersion\":2,\"applied\":{}}",
            b"[]",
        ] {
            assert!(Record::read(Some(bytes)).applied.is_empty());
        }
    }
}
