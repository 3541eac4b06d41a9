//! `openvidu-operator` serves a directory whose manifest names real machines (see `ovo-machines`), on which a stand-in for
//! OpenVidu's installer lays down containers of real and modelled parts (see `ovo-onprem`).

mod served;

pub use served::{Served, Serving};
