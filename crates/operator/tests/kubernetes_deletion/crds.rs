//! Somebody deletes the definitions, which no admission of clusters sees.

use crate::after::{
    blocked, each, no_object_left, nobody_cut_and_nothing_left, ready_and_talking, serve_and_see,
    serving_nodes,
};
use crate::tenants::{Wanted, cluster_wide, deployment};

const DEFINITIONS: [&str; 2] = ["openviduclusters.openvidu.io", "openvidunodes.openvidu.io"];
const NAMESPACE: &str = "video";

#[test]
fn deleted_definitions_take_nothing_away_that_is_protected() {
    let bed = cluster_wide(&[]);
    bed.settle(1, NAMESPACE, |cluster| {
        cluster["spec"]["deletion"]["protected"] = true.into();
    });
    ready_and_talking(&bed, &[NAMESPACE]);
    let mut serving = serve_and_see(&bed, &[NAMESPACE]);
    bed.api
        .ask(&[&["delete", "crd", "--wait=false"], &DEFINITIONS[..]].concat())
        .unwrap();
    let said = || blocked(&bed, NAMESPACE).is_some_and(|(reason, _)| reason == "Protected");
    let marked = || {
        let nodes = bed.nodes_in(NAMESPACE);
        nodes
            .iter()
            .all(|n| n["metadata"]["deletionTimestamp"].is_string())
    };
    // Long enough that whoever was told to go would be gone.
    let talked = || {
        let world = bed.world();
        let rooms = &deployment(&world, NAMESPACE).log.recent;
        rooms.iter().all(|room| room.end.is_some())
    };
    let wanted: Vec<(String, Wanted<'_>)> = vec![
        ("DeletionBlocked/Protected".to_owned(), Box::new(said)),
        ("the records to be marked".to_owned(), Box::new(marked)),
        ("everybody to have left".to_owned(), Box::new(talked)),
    ];
    bed.until_all(&mut serving, wanted);
    assert_eq!(serving_nodes(&bed.world(), NAMESPACE), ["w1", "w2"]);
    // A master's record that was let go before the cluster was marked cannot be made again, and stops nobody.
    assert!(bed.nodes_in(NAMESPACE).len() >= 3);

    bed.patch(NAMESPACE, r#"{"spec":{"deletion":{"protected":false}}}"#);
    let crd =
        |name: &str| format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
    let gone = |name: &str| bed.read(&crd(name)).is_none();
    let mut wanted = each(&DEFINITIONS, "to be gone", gone);
    wanted.extend(each(&[NAMESPACE], "to be clean", |n| {
        no_object_left(&bed, n)
    }));
    bed.until_all(&mut serving, wanted);
    // Without definitions it waits for them to come back.
    assert!(serving.child.try_wait().unwrap().is_none());
    assert_eq!(serving.stop(), Some(0));
    nobody_cut_and_nothing_left(&bed.world(), NAMESPACE);
}
