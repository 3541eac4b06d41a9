//! What a provider should make, property by property.

use std::collections::BTreeMap;
use std::fmt;

use ovo_api::act::{ActKind, Role};
use serde::{Deserialize, Serialize};

use crate::observed::Scope;

/// Kind and name of a resource, as `Machine/w1`. We chose the name, so it is found again after a lost answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceId {
    /// What it is: `Machine`, `Group`, `LoadBalancer`, `Redis`, `Bucket` …
    pub kind: String,
    /// Which one.
    pub name: String,
}

impl ResourceId {
    /// An id of this kind and name.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// A value that can be compared and shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A word.
    Text(String),
    /// Words whose order counts; what is a set is sorted by whoever fills it in.
    List(Vec<String>),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(b) => write!(f, "{b}"),
            Self::Int(i) => write!(f, "{i}"),
            Self::Text(t) => write!(f, "{t:?}"),
            Self::List(l) => write!(f, "[{}]", l.join(", ")),
        }
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Scalar {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Scalar {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Scalar {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}

/// A key of a Secret in the cluster's namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SecretKey {
    /// Name of the Secret.
    pub secret: String,
    /// Key in it.
    pub key: String,
}

impl fmt::Display for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.secret, self.key)
    }
}

/// A keyed digest (HMAC) of a secret's value; the value itself is never in a snapshot or a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SecretDigest(pub String);

/// What a property should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// Known now.
    Known(Scalar),
    /// A secret: compared by digest, filled in at the edge by the step that needs it. `None`: the Secret or its
    /// key is not there, so nothing is done with it.
    Secret {
        /// Where the value is.
        key: SecretKey,
        /// Its keyed digest.
        digest: Option<SecretDigest>,
    },
    /// What another resource tells once it is there. Resolved from what was observed only.
    OutputOf {
        /// Who tells.
        resource: ResourceId,
        /// What.
        output: String,
    },
    /// Filled in by the planner: capacities, which machines serve.
    Planned,
}

/// Who decides what a property is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owner {
    /// We do: repaired when it drifts.
    Operator,
    /// OpenVidu's masters do: set at creation, then left alone.
    OpenVidu,
    /// The cloud's own scaling policy does: left alone.
    CloudPolicy,
    /// The user does, outside of us: left alone.
    User,
}

/// What a new value asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// One call.
    InPlace,
    /// Delete and create.
    Replace,
    /// Not to be changed: refused with a condition that says so.
    Refuse,
}

/// One property of a desired resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// What it should be.
    pub value: Value,
    /// Who decides.
    pub owner: Owner,
    /// The backend's call that sets it. Properties of a resource with the same call are set by one step.
    pub call: String,
    /// What a new value asks for.
    pub change: Change,
    /// What kind of act setting it on an existing resource is.
    pub act: ActKind,
}

impl Property {
    /// A property that we decide and that is changed in place by `call`, touching nothing that runs.
    pub fn operator(value: impl Into<Scalar>, call: &str) -> Self {
        Self {
            value: Value::Known(value.into()),
            owner: Owner::Operator,
            call: call.to_owned(),
            change: Change::InPlace,
            act: ActKind::Update,
        }
    }

    /// The same with another value.
    #[must_use]
    pub fn value(mut self, value: Value) -> Self {
        self.value = value;
        self
    }

    /// The same with another owner.
    #[must_use]
    pub fn owner(mut self, owner: Owner) -> Self {
        self.owner = owner;
        self
    }

    /// The same with another way to change it.
    #[must_use]
    pub fn change(mut self, change: Change) -> Self {
        self.change = change;
        self
    }

    /// The same, as another kind of act.
    #[must_use]
    pub fn act(mut self, act: ActKind) -> Self {
        self.act = act;
        self
    }
}

/// In which order a deployment is built. It is taken away in another one: see [`Stage::teardown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// Buckets, networks, queues, roles, images.
    Foundation,
    /// Shared Redis.
    State,
    /// OpenVidu's configuration.
    Config,
    /// Master nodes and their group.
    Masters,
    /// The balancer.
    Balancer,
    /// Media nodes and their group.
    Media,
}

impl Stage {
    /// Place in the order of deletion, smallest first: media, masters, balancer, Redis, the rest (rule S12).
    pub const fn teardown(self) -> u8 {
        match self {
            Self::Media => 0,
            Self::Masters => 1,
            Self::Balancer => 2,
            Self::State => 3,
            Self::Config => 4,
            Self::Foundation => 5,
        }
    }
}

/// A desired resource: a state, never an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Kind and name.
    pub id: ResourceId,
    /// The part of an observation in which it is seen.
    pub scope: Scope,
    /// When it is built and taken away.
    pub stage: Stage,
    /// The role it belongs to, if it belongs to one: what acts on it cut follows from it.
    pub role: Option<Role>,
    /// Resources that must be there and ready before it is created.
    pub after: Vec<ResourceId>,
    /// The backend's call that creates it with all its properties; `None` for what exists by itself (a
    /// machine), of which only properties are set.
    pub create: Option<String>,
    /// The backend's call that deletes it.
    pub delete: String,
    /// Kept on deletion (rule S8).
    pub retain: bool,
    /// What it should be.
    pub properties: BTreeMap<String, Property>,
}
