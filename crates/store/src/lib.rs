//! Where objects are kept: the store port and its adapters.
//!
//! The engine speaks to one [`Store`]. Behind it stands either a Kubernetes API server or the embedded adapter,
//! which is a small API server over a local file (or over memory, for the simulator). Both keep the same
//! promises, and one conformance suite holds them to it.

pub mod clock;
pub mod conformance;
pub mod credentials;
pub mod digest;
pub mod directory;
pub mod embedded;
pub mod error;
pub mod event;
mod hints;
pub mod key;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
pub mod port;
pub mod secret;

pub use clock::{Clock, SystemClock};
pub use credentials::{CREDENTIAL_LENGTH, Randomness, SystemRandomness, generate};
pub use digest::digest;
pub use directory::Directory;
pub use embedded::{Embedded, EmbeddedOptions};
pub use error::{StoreError, Violation};
pub use event::{ClusterEvent, EventType, ObjectReference};
pub use hints::Hints;
pub use key::ObjectKey;
pub use port::{Freshness, Store};
pub use secret::{SecretObject, SecretValue};
