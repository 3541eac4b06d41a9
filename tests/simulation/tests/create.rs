//! A cluster comes up, serves, and goes away.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use ovo_simulation::bed::{Bed, Setup};
use ovo_simulation::gate::Gate;
use ovo_simulation::manifests::Shape;

#[test]
fn a_v3_cluster_is_created() {
    let mut bed = Bed::new(&Setup::quiet(Shape::V3), &Gate::open());
    assert!(bed.until(1_800_000, Bed::ready), "{}", bed.words());
}

#[test]
fn a_v2_cluster_is_created() {
    let mut bed = Bed::new(&Setup::quiet(Shape::V2), &Gate::open());
    assert!(bed.until(3_600_000, Bed::ready), "{}", bed.words());
}
