//! How AWS is reached, and EC2 spoken to in the few words that a cluster needs.
//!
//! [`Connection`] says where, as whom, how long a call may take and who may still call it off; [`configuration!`] makes
//! the configuration of any of AWS's clients of it. [`Ec2`] is EC2: the types of its own client, hundreds of which come
//! with each request, stay in here.

#![allow(
    clippy::redundant_closure_for_method_calls,
    reason = "a closure is shorter than the paths of the SDKs' types"
)]

mod fault;
mod instances;
mod security;
mod tags;
mod templates;
mod wire;

pub use fault::Fault;
pub use instances::{Instance, InstanceState};
pub use security::{Peer, Rule, SecurityGroup};
pub use tags::{Find, Tags};
pub use templates::{Disk, Template, TemplateData};
pub use wire::{Connection, Credentials, Doorkeeper, Gate, Keys};

/// EC2.
#[derive(Clone, Debug)]
pub struct Ec2 {
    client: aws_sdk_ec2::Client,
}

impl Ec2 {
    /// EC2 over this connection.
    pub fn new(connection: &Connection) -> Self {
        Self {
            client: aws_sdk_ec2::Client::from_conf(configuration!(aws_sdk_ec2, connection)),
        }
    }
}
