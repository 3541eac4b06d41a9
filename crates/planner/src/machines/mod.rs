//! Machines that the user listed (OpenVidu 3 on-prem): installed at once, started in order, closed by one signal.

mod masters;
mod media;
mod phases;
mod signal;
mod state;

pub(crate) use masters::{plan as masters, teardown as teardown_masters};
pub(crate) use media::{plan as media, teardown as teardown_media};
pub(crate) use phases::update as phases;
pub(crate) use state::State;
