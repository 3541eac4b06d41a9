//! What the operator reasons about: snapshots, resources, steps and outcomes.
