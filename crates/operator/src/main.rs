//! The openvidu-operator binary.
fn main() {}
