//! Simulated days, enumerated crash points and planted bugs.
