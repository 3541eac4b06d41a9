//! The body of a request: `a.b.1=x&a.c=y` as a tree.

use std::collections::BTreeMap;

/// A parameter, and what hangs below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) value: Option<String>,
    pub(crate) below: BTreeMap<String, Form>,
}

impl Form {
    pub(crate) fn parse(body: &[u8]) -> Self {
        let mut root = Self::default();
        for (key, value) in form_urlencoded::parse(body) {
            let mut node = &mut root;
            for part in key.split('.') {
                node = node.below.entry(part.to_owned()).or_default();
            }
            node.value = Some(value.into_owned());
        }
        root
    }

    /// Takes a parameter of the first level out.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        self.below.remove(name).and_then(|form| form.value)
    }

    /// The items of a list in the order of their numbers; `None` where a key is not a number from 1.
    pub(crate) fn items(&self) -> Option<Vec<&Self>> {
        let mut items = self
            .below
            .iter()
            .map(|(key, form)| Some((key.parse::<u32>().ok().filter(|n| *n > 0)?, form)))
            .collect::<Option<Vec<_>>>()?;
        items.sort_by_key(|(number, _)| *number);
        Some(items.into_iter().map(|(_, form)| form).collect())
    }
}
