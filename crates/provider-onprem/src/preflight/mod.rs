//! Whether machines are fit for OpenVidu, asked of all of them at once before anything is changed on any.
//!
//! One script reads what a machine is ([`Facts`]); everything is judged here, by pure functions. Between machines a port
//! counts as open when a listener of ours, there for ten seconds, is reached from where OpenVidu will connect. What comes
//! from the internet, and UDP, cannot be tried from here and is said not to have been ([`not_tested`]).

mod clocks;
mod facts;
mod finding;
mod judge;
mod ports;
mod run;

pub use clocks::{Clock, judge_clocks};
pub use facts::{Asked, Facts, Program};
pub use finding::{Check, Finding, Report, Verdict};
pub use judge::{Needs, judge};
pub use ports::{Answer, Probe, judge_ports, probes};
pub use run::{Candidate, run};

/// What no preflight can try, for people.
pub fn not_tested() -> String {
    format!(
        "NotTested: what comes from the internet, and UDP ({} of the media nodes): no machine here can send it",
        ovo_api::profile::releases::MEDIA_UDP
    )
}
