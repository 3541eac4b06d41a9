//! The objects that people write and read, and the facts about each OpenVidu profile.
