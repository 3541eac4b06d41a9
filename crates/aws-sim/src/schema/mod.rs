//! What a service's operations look like: read from the tables `*.api`, which drive the parser of requests and the
//! writer of answers, and which a test compares with botocore's models.

mod parse;

use std::collections::BTreeMap;

use regex::Regex;

/// How a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// AWS query: lists are `Name.member.1`, answers `<NameResponse><NameResult>`.
    Query,
    /// EC2 query: lists are `Name.1`, answers `<NameResponse>` with lower-case names.
    Ec2,
}

/// One service.
#[derive(Debug)]
pub struct Service {
    /// Its name in the credential scope of a signature.
    pub name: String,
    /// The folder of its model in botocore.
    pub model: String,
    /// Version of its interface.
    pub version: String,
    /// How it speaks.
    pub protocol: Protocol,
    /// XML namespace of its answers.
    pub namespace: String,
    /// Operations by name.
    pub operations: BTreeMap<String, Operation>,
    /// Structures by the name that the model gives them.
    pub structures: BTreeMap<String, Structure>,
    /// Error codes that the model names, with their HTTP status.
    pub faults: BTreeMap<String, u16>,
    /// Error codes that only the documentation names (the service's common errors), with their HTTP status.
    pub common: BTreeMap<String, u16>,
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// Its name.
    pub name: String,
    /// What it takes.
    pub input: Structure,
    /// What it answers; without members there is no result element.
    pub output: Structure,
    /// The codes that it may fail with, besides the common ones.
    pub faults: Vec<String>,
}

/// A structure: members in the order in which they are written.
#[derive(Debug, Default)]
pub struct Structure {
    /// Its name.
    pub name: String,
    /// Its members.
    pub members: Vec<Member>,
}

impl Structure {
    /// The member of that name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|m| m.name == name)
    }
}

/// A member of a structure.
#[derive(Debug)]
pub struct Member {
    /// The name in the documentation.
    pub name: String,
    /// The name on the wire where it does not follow from [`Member::name`] by the protocol's rule.
    pub wire: Option<String>,
    /// Must be there.
    pub required: bool,
    /// What it holds.
    pub kind: Kind,
}

impl Member {
    /// Its name in a request.
    pub fn asked(&self, protocol: Protocol) -> String {
        let wire = self.wire.as_ref().unwrap_or(&self.name);
        match protocol {
            Protocol::Query => wire.clone(),
            Protocol::Ec2 => with_first(wire, char::to_ascii_uppercase),
        }
    }

    /// Its name in an answer.
    pub fn answered(&self, protocol: Protocol) -> String {
        match (&self.wire, protocol) {
            (Some(wire), _) => wire.clone(),
            (None, Protocol::Query) => self.name.clone(),
            (None, Protocol::Ec2) => with_first(&self.name, char::to_ascii_lowercase),
        }
    }
}

fn with_first(name: &str, change: fn(&char) -> char) -> String {
    let mut chars = name.chars();
    chars
        .next()
        .map(|first| change(&first))
        .into_iter()
        .chain(chars)
        .collect()
}

/// Least and greatest value, or length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Least.
    pub min: Option<i64>,
    /// Greatest.
    pub max: Option<i64>,
}

impl Limits {
    /// Whether it is within.
    pub fn hold(self, value: i64) -> bool {
        self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max)
    }
}

/// What a member holds.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Text of a length, and of a pattern where the model has one beyond "no control characters".
    Text(Limits, Option<Regex>),
    /// Text that the model closes by a list of values which is longer than what the simulator knows: the operation checks it.
    Open,
    /// One of these.
    Choice(Vec<String>),
    /// A whole number.
    Integer(Limits),
    /// A number.
    Double,
    /// Yes or no.
    Boolean,
    /// A moment.
    Time,
    /// A list: of what, the name of an item on the wire, how many.
    List(Box<Kind>, Option<String>, Limits),
    /// A structure by name.
    Structure(String),
}

impl Service {
    /// Reads a table.
    ///
    /// # Errors
    /// The first line that cannot be read, and why.
    pub fn parse(table: &str) -> Result<Self, String> {
        parse::service(table)
    }

    /// The structure of that name.
    pub fn structure(&self, name: &str) -> Option<&Structure> {
        self.structures.get(name)
    }

    /// The HTTP status of an error code; `None` for one that the tables do not have.
    pub fn status(&self, code: &str) -> Option<u16> {
        self.faults
            .get(code)
            .or_else(|| self.common.get(code))
            .copied()
    }
}
