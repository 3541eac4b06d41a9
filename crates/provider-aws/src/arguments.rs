//! What a step carries, by name and type.

use std::collections::BTreeMap;

use ovo_aws_ec2::Tags;
use ovo_model::{ProviderError, ResourceId, Scalar, SecretDigest, SecretKey, Value};

use crate::kinds::TAG;

/// The resolved properties of one step.
#[derive(Clone, Copy)]
pub(crate) struct Arguments<'s> {
    resource: &'s ResourceId,
    values: &'s BTreeMap<String, Value>,
}

impl<'s> Arguments<'s> {
    pub(crate) const fn new(resource: &'s ResourceId, values: &'s BTreeMap<String, Value>) -> Self {
        Self { resource, values }
    }

    pub(crate) const fn resource(&self) -> &'s ResourceId {
        self.resource
    }

    fn wrong(&self, name: &str, wanted: &str) -> ProviderError {
        ProviderError::Invalid {
            field: format!("{} {name}", self.resource),
            message: match self.values.get(name) {
                Some(value) => format!("is {}; it takes {wanted}", value.tag()),
                None => format!("is not in the step; it takes {wanted}"),
            },
        }
    }

    fn scalar(&self, name: &str) -> Option<&'s Scalar> {
        match self.values.get(name) {
            Some(Value::Known(scalar)) => Some(scalar),
            _ => None,
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    pub(crate) fn text(&self, name: &str) -> Result<&'s str, ProviderError> {
        match self.scalar(name) {
            Some(Scalar::Text(text)) => Ok(text),
            _ => Err(self.wrong(name, "a word")),
        }
    }

    pub(crate) fn integer(&self, name: &str) -> Result<i32, ProviderError> {
        let number = match self.scalar(name) {
            Some(Scalar::Int(number)) => i32::try_from(*number).ok(),
            _ => None,
        };
        number.ok_or_else(|| self.wrong(name, "a number of 32 bits"))
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<bool, ProviderError> {
        match self.scalar(name) {
            Some(Scalar::Bool(yes)) => Ok(*yes),
            _ => Err(self.wrong(name, "true or false")),
        }
    }

    pub(crate) fn list(&self, name: &str) -> Result<&'s [String], ProviderError> {
        match self.scalar(name) {
            Some(Scalar::List(list)) => Ok(list),
            _ => Err(self.wrong(name, "a list of words")),
        }
    }

    /// The value under a name, if the step has one there.
    pub(crate) fn maybe<T>(
        &self,
        name: &str,
        read: impl Fn(&Self, &str) -> Result<T, ProviderError>,
    ) -> Result<Option<T>, ProviderError> {
        self.has(name).then(|| read(self, name)).transpose()
    }

    /// The words under names that begin so, without that beginning.
    pub(crate) fn words(
        &self,
        prefix: &'s str,
    ) -> impl Iterator<Item = Result<(&'s str, &'s str), ProviderError>> {
        self.values.keys().filter_map(move |name| {
            let rest = name.strip_prefix(prefix)?;
            matches!(self.values.get(name), Some(Value::Known(_)))
                .then(|| self.text(name).map(|text| (rest, text)))
        })
    }

    /// The secrets under names that begin so, without that beginning.
    pub(crate) fn secrets(
        &self,
        prefix: &'s str,
    ) -> impl Iterator<Item = (&'s str, &'s SecretKey, Option<&'s SecretDigest>)> {
        self.values.iter().filter_map(move |(name, value)| {
            let rest = name.strip_prefix(prefix)?;
            match value {
                Value::Secret { key, digest } => Some((rest, key, digest.as_ref())),
                _ => None,
            }
        })
    }

    /// The tags that the step carries.
    pub(crate) fn tags(&self) -> Result<Tags, ProviderError> {
        self.words(TAG)
            .map(|pair| pair.map(|(key, value)| (key.to_owned(), value.to_owned())))
            .collect()
    }
}
