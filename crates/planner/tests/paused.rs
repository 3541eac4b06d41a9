//! What a paused cluster says of itself.
#![allow(missing_docs, clippy::unwrap_used)]

use ovo_planner::fixtures::cluster;
use ovo_planner::plan;

#[test]
fn a_size_that_was_never_reached_does_not_count_as_reached() {
    let of = |replicas: i32| {
        let paused = cluster().v3().media_nodes(2).at_most(4, 0);
        let paused = paused.replicas(replicas).paused();
        let plan = plan(&paused.snapshot());
        assert!(plan.steps.is_empty(), "{:?}", plan.steps);
        plan
    };
    let ready = |plan: &ovo_model::Plan| {
        let conditions = plan.status.conditions.iter();
        conditions
            .filter(|c| c.type_ == "Ready")
            .map(|c| c.status.clone())
            .collect::<String>()
    };
    let target = |plan: &ovo_model::Plan| plan.status.media.as_ref().unwrap().target;
    let as_it_is = of(2);
    assert_eq!((target(&as_it_is), &*ready(&as_it_is)), (2, "True"));
    assert!(as_it_is.waiting.is_empty(), "{:?}", as_it_is.waiting);
    let larger = of(3);
    assert_eq!((target(&larger), &*ready(&larger)), (3, "False"));
    let waiting = &larger.waiting[0];
    assert_eq!(waiting.step, "go from 2 to 3 media nodes");
    assert_eq!(waiting.for_what, "spec.paused to become false");
}
