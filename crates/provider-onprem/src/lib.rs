//! Machines reached by SSH.
