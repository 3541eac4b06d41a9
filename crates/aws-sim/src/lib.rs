//! For tests: a simulated AWS account behind a port on loopback.
//!
//! **This is a model, not AWS.** It speaks the wire protocols of EC2, Auto Scaling, Elastic Load Balancing and
//! ElastiCache to the real SDKs, and is written from AWS's documentation. `README.md` says what it does and what it
//! does not. Time is an event clock: nothing happens unless [`Simulator::advance`] moves it.
//!
//! What an operation takes and answers stands in the tables `*/service.api`. They drive the parser and the writer,
//! and a test compares them with botocore's models, so a name that AWS does not have cannot creep in.

mod autoscaling;
mod calls;
mod clock;
mod dispatch;
mod ec2;
mod elasticache;
mod elbv2;
mod faults;
mod page;
mod region;
pub mod schema;
mod server;
mod settings;
mod simulator;
mod table;
mod value;
mod wire;

pub use calls::Call;
pub use ec2::InstanceState;
pub use faults::{Faults, Switch, Trouble};
pub use settings::{Quotas, Timings};
pub use simulator::{InstanceView, RegionHandle, Simulator};

/// The tables of all services, as the simulator uses them.
pub fn services() -> Vec<&'static schema::Service> {
    dispatch::DOORS.values().map(|door| &door.service).collect()
}
