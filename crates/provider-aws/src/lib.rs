//! OpenVidu 2 HighAvailability on AWS.
//!
//! [`desired`] is the pure half: what the CloudFormation template of OpenVidu Enterprise makes, property by property,
//! each with its owner and the call that sets it. [`AwsProvider`] is the other one: each kind of resource has a file
//! that finds it, says what it is and carries out the steps on it. Everything is found again by a name that follows
//! from the infrastructure id, and touched only while it carries that id as a tag.

#![allow(
    clippy::redundant_closure_for_method_calls,
    reason = "a closure is shorter than the paths of the SDKs' types"
)]

mod action;
mod arguments;
mod balancer;
mod desired;
mod errors;
mod groups;
mod kinds;
mod listeners;
mod members;
mod names;
mod observed;
mod provider;
mod rules;
mod security_groups;
mod targets;
mod templates;
mod user_data;

pub use desired::desired;
pub use names::{Names, OWNER_TAG};
pub use provider::AwsProvider;
