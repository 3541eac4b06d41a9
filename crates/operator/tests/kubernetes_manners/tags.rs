//! `spec.infrastructure.aws.tags`: what bills are split by is on everything that is made.

use ovo_model::Scalar;

use crate::scene::{CLOUD, at_rest};
use crate::tenants::deployment;

#[test]
fn cost_tags_are_on_everything_and_follow_the_manifest() {
    let bed = at_rest();
    // Kind and name of each resource of the simulated cloud that is billed, and its tags.
    let tags = || {
        let world = bed.world();
        let deployment = deployment(&world, CLOUD);
        let billed = deployment.resources().filter(|id| id.kind != "Config");
        let tags = |id| match deployment.resource(id).unwrap().1.get("tags") {
            Some(Scalar::List(tags)) => tags.clone(),
            other => panic!("{id}: {other:?}"),
        };
        billed.map(tags).collect::<Vec<_>>()
    };
    let all = |wanted: &[&str]| tags().iter().all(|tags| tags == wanted);
    assert!(
        tags().len() >= 10 && all(&["cost-center=video"]),
        "{:?}",
        tags()
    );
    let nodes = |bed: &crate::kube::Bed| {
        let names = bed.nodes_in(CLOUD).into_iter();
        names
            .map(|n| n["metadata"]["uid"].clone())
            .collect::<Vec<_>>()
    };
    let before = nodes(&bed);

    let mut serving = bed.serve();
    let change =
        |tags: &str| format!(r#"{{"spec":{{"infrastructure":{{"aws":{{"tags":{tags}}}}}}}}}"#);
    bed.patch(CLOUD, &change(r#"{"cost-center":"meetings","team":"av"}"#));
    bed.until(&mut serving, "the new tags", || {
        all(&["cost-center=meetings", "team=av"])
    });
    bed.patch(CLOUD, &change("null"));
    bed.until(&mut serving, "no tags", || all(&[]));
    assert_eq!(serving.stop(), Some(0));
    // Nobody was rolled for it.
    assert_eq!(nodes(&bed), before);
    assert_eq!(bed.world().ledger().nodes_ended, 0);
}
