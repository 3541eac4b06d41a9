//! Rows of one kind, each unseen by requests for a while after its creation where the test asks for that.

use std::collections::BTreeMap;

use jiff::Timestamp;

#[derive(Clone, Debug)]
struct Row<T> {
    value: T,
    /// Reads find it from then on: AWS's reads are eventually consistent.
    seen_from: Timestamp,
}

/// Rows by name or id.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    rows: BTreeMap<String, Row<T>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
        }
    }
}

impl<T> Table<T> {
    pub(crate) fn insert(&mut self, key: &str, value: T, seen_from: Timestamp) {
        self.rows.insert(key.to_owned(), Row { value, seen_from });
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<T> {
        self.rows.remove(key).map(|row| row.value)
    }

    /// What is there, whether requests find it or not.
    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        self.rows.get(key).map(|row| &row.value)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut T> {
        self.rows.get_mut(key).map(|row| &mut row.value)
    }

    /// All that is there, whether requests find it or not.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.rows
            .iter()
            .map(|(key, row)| (key.as_str(), &row.value))
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.rows.values().map(|row| &row.value)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.rows.values_mut().map(|row| &mut row.value)
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.rows.keys().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// What a request finds.
    pub(crate) fn seen(&self, key: &str, now: Timestamp) -> Option<&T> {
        self.rows
            .get(key)
            .filter(|row| row.seen_from <= now)
            .map(|row| &row.value)
    }

    pub(crate) fn seen_mut(&mut self, key: &str, now: Timestamp) -> Option<&mut T> {
        self.rows
            .get_mut(key)
            .filter(|row| row.seen_from <= now)
            .map(|row| &mut row.value)
    }

    /// All that requests find.
    pub(crate) fn seen_all(&self, now: Timestamp) -> impl Iterator<Item = (&str, &T)> {
        self.rows
            .iter()
            .filter(move |(_, row)| row.seen_from <= now)
            .map(|(key, row)| (key.as_str(), &row.value))
    }
}
