//! What OpenVidu 3 says of itself: how busy its media nodes are, where each stands in the cluster, and how the Redis
//! stands that they share.
//!
//! | source | asked | says |
//! |---|---|---|
//! | `LiveKit` | `GET /metrics` on port 6789 of the node, and the node's record in Redis | rooms, people, load |
//! | `Egress` | `GET /` on port 9091 of the node | what it records or streams out |
//! | `Ingress` | `GET /` on port 9092 of the node, and the ingresses in Redis | what is taken in, anywhere in the cluster |
//!
//! Redis is found as the nodes find it: more than half of the masters' sentinels (port 7001, name `openvidu`) must name one
//! primary, which must be a master of the manifest and must say of itself, in the same transaction that is read, that it is
//! the primary. All of it goes over streams that a [`Dial`](ovo_provider::Dial) opens.
//!
//! An answer that is missing, late, cut off, old or absurd is an error and never zero: whoever reads errors counts the node
//! as busy. No error holds a secret or a server's own words, in which a secret could be.

mod client;
mod connection;
mod doors;
mod http;
mod metrics;
mod node;
mod registry;
mod sentinel;
mod trial;
mod workers;

pub use client::LiveKit;
