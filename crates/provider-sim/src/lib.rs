//! Provider and Media in process, over the simulated world.
