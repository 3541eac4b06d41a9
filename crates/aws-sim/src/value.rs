//! What requests carry and answers hold, once read by the tables.

use jiff::Timestamp;

use crate::schema::Structure;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Double(f64),
    /// Yes or no.
    Boolean(bool),
    /// A moment.
    Time(Timestamp),
    /// Several.
    List(Vec<Value>),
    /// Members by name.
    Record(Record),
}

/// Members by the documentation's names, in the order in which they were put.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Record {
    members: Vec<(String, Value)>,
    /// The members that the table declares; empty for a record that is still being put together.
    declared: Vec<String>,
}

impl Record {
    /// An empty one for an answer.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// An empty one for a request: only members of `structure` can be asked for.
    pub(crate) fn of(structure: &Structure) -> Self {
        Self {
            members: Vec::new(),
            declared: structure.members.iter().map(|m| m.name.clone()).collect(),
        }
    }

    /// Puts a member; `None` leaves it out.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl IntoValue) -> Self {
        self.put(name, value);
        self
    }

    /// Puts a member; `None` leaves it out.
    pub(crate) fn put(&mut self, name: &str, value: impl IntoValue) {
        if let Some(value) = value.into_value() {
            self.members.push((name.to_owned(), value));
        }
    }

    /// Its members.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.members
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// A member.
    ///
    /// # Panics
    /// For a name that the table does not declare: the simulator would read what no request can carry.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        assert!(
            self.declared.is_empty() || self.declared.iter().any(|d| d == name),
            "{name} is read, but is not in the table: {:?}",
            self.declared
        );
        self.members
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value)
    }

    /// A member that holds text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A member that the table requires: the parser has refused a request without it.
    pub(crate) fn needed(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    /// A member that holds a whole number.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    /// A member that says yes or no.
    pub(crate) fn boolean(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Value::Boolean(yes)) => Some(*yes),
            _ => None,
        }
    }

    /// A member that is a list; `None` where it was not sent, which is not the same as an empty one.
    pub(crate) fn list(&self, name: &str) -> Option<&[Value]> {
        match self.get(name) {
            Some(Value::List(values)) => Some(values),
            _ => None,
        }
    }

    /// The texts of a list.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.list(name)
            .unwrap_or_default()
            .iter()
            .filter_map(|value| match value {
                Value::Text(text) => Some(text.clone()),
                _ => None,
            })
            .collect()
    }

    /// The records of a list.
    pub(crate) fn records(&self, name: &str) -> impl Iterator<Item = &Record> {
        self.list(name)
            .unwrap_or_default()
            .iter()
            .filter_map(|value| match value {
                Value::Record(record) => Some(record),
                _ => None,
            })
    }

    /// A member that has members.
    pub(crate) fn record(&self, name: &str) -> Option<&Record> {
        match self.get(name) {
            Some(Value::Record(record)) => Some(record),
            _ => None,
        }
    }
}

/// What can be put into an answer.
pub(crate) trait IntoValue {
    /// The value, or nothing to write.
    fn into_value(self) -> Option<Value>;
}

impl IntoValue for Value {
    fn into_value(self) -> Option<Value> {
        Some(self)
    }
}

impl IntoValue for &str {
    fn into_value(self) -> Option<Value> {
        Some(Value::Text(self.to_owned()))
    }
}

impl IntoValue for String {
    fn into_value(self) -> Option<Value> {
        Some(Value::Text(self))
    }
}

impl IntoValue for &String {
    fn into_value(self) -> Option<Value> {
        Some(Value::Text(self.clone()))
    }
}

impl IntoValue for i64 {
    fn into_value(self) -> Option<Value> {
        Some(Value::Integer(self))
    }
}

impl IntoValue for usize {
    fn into_value(self) -> Option<Value> {
        i64::try_from(self).ok().map(Value::Integer)
    }
}

impl IntoValue for bool {
    fn into_value(self) -> Option<Value> {
        Some(Value::Boolean(self))
    }
}

impl IntoValue for Timestamp {
    fn into_value(self) -> Option<Value> {
        Some(Value::Time(self))
    }
}

impl IntoValue for Record {
    fn into_value(self) -> Option<Value> {
        Some(Value::Record(self))
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> Option<Value> {
        self.and_then(IntoValue::into_value)
    }
}

impl<T: IntoValue> IntoValue for Vec<T> {
    fn into_value(self) -> Option<Value> {
        Some(Value::List(
            self.into_iter().filter_map(IntoValue::into_value).collect(),
        ))
    }
}
