//! The store that all nodes of a deployment share.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::node::NodeName;

/// How the store stands in which the nodes tell each other where rooms are. OpenVidu 3: Redis, by its sentinels' word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SharedStore {
    /// More than half of the sentinels name the same primary, and it says so itself.
    Steady {
        /// The master that it runs on.
        primary: NodeName,
        /// Sentinels that answered.
        voices: u32,
        /// Sentinels that there should be.
        of: u32,
    },
    /// It is changing hands, or is about to.
    Changing {
        /// What the sentinels say, in words for people.
        why: Arc<str>,
    },
    /// Nobody could say.
    Unknown {
        /// Why, in words for people.
        why: Arc<str>,
    },
}
