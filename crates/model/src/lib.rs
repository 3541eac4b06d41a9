//! What the operator reasons about: snapshots, resources, steps and outcomes.
//!
//! Nothing here does anything. A [`Snapshot`] is all that the planner may know, a [`Plan`] all that it may
//! say; [`Step`]s are what a provider is asked to do, [`Outcome`]s and [`ProviderError`]s what it answers.

mod node;
mod observed;
mod outcome;
mod plan;
mod reading;
mod resource;
mod shared_store;
mod snapshot;
mod step;
mod tenancy;
mod time;
mod trial;

pub use node::{
    Container, ContainerRef, MediaState, NodeName, ObservedNode, Preflight, Presence, SignalMarker,
    UnitState,
};
pub use observed::{Observation, ObservedResource, Ownership, ResourceState, Scope};
pub use outcome::{Outcome, ProviderError};
pub use plan::{EventNote, EventType, NodeWrite, Plan, Waiting};
pub use reading::{NodeReadings, Occupancy, Reading, SourceRing};
pub use resource::{
    Change, Owner, Property, Resource, ResourceId, Scalar, SecretDigest, SecretKey, Stage, Value,
};
pub use shared_store::SharedStore;
pub use snapshot::{CredentialsState, NodeRecord, Snapshot};
pub use step::{Cause, Executor, Op, Step, StepId};
pub use tenancy::{Objection, Tenancy};
pub use time::{Millis, Mono, Now, Wall};
pub use trial::Trial;
