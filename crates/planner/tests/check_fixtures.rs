//! The fixtures say what their names say: everything else in these tests leans on them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ovo_model::{MediaState, NodeName, Observation, Scope};
use ovo_planner::fixtures::{RING, cluster};

#[test]
fn a_cluster_is_as_declared() {
    for fixture in [cluster().v3().media_nodes(3), cluster().v2().media_nodes(3)] {
        let snapshot = fixture.snapshot();
        assert_eq!(snapshot.cluster.spec.media.replicas(), 3);
        assert!(
            snapshot
                .cluster
                .spec
                .profile()
                .is_some_and(|p| p == snapshot.profile)
        );
        for resource in snapshot.desired.iter() {
            let observed = snapshot.observed_resource(&resource.id).unwrap();
            assert!(
                resource.properties.keys().eq(observed.properties.keys()),
                "{}",
                resource.id
            );
        }
        for node in snapshot.observed_nodes() {
            assert!(snapshot.nodes.contains_key(&node.name), "{}", node.name);
        }
        assert_eq!(snapshot.readings.len(), 3);
        for readings in snapshot.readings.values() {
            for source in snapshot.profile.occupancy {
                assert_eq!(readings.sources[source].len(), RING);
                assert!(readings.newest(*source).unwrap().occupancy.is_zero());
            }
        }
    }
}

#[test]
fn verbs_change_the_nodes_that_are_spoken_of_and_no_others() {
    let snapshot = cluster()
        .v3()
        .media(["w1", "w2", "w3"])
        .rooms("w1", 3)
        .node("w3")
        .exited()
        .snapshot();
    let state = |name: &str| {
        snapshot
            .observed_nodes()
            .find(|n| &*n.name.0 == name)
            .unwrap()
            .media
    };
    assert_eq!(
        [state("w1"), state("w2"), state("w3")],
        [MediaState::Serving, MediaState::Serving, MediaState::Absent]
    );
    let rooms = |name: &str| {
        let source = snapshot.profile.occupancy[0];
        snapshot.readings[&NodeName::from(name)]
            .newest(source)
            .unwrap()
            .occupancy
            .rooms
    };
    assert_eq!([rooms("w1"), rooms("w2")], [3, 0]);
}

#[test]
fn a_machine_that_does_not_answer_is_a_scope_that_is_unknown() {
    let snapshot = cluster().v3().media(["w1"]).unreachable().snapshot();
    assert!(matches!(
        snapshot.observed[&Scope::from("machine/w1")],
        Observation::Unknown { .. }
    ));
}

#[test]
fn nothing_is_left_of_a_cluster_that_was_never_there() {
    for fixture in [cluster().v3().media_nodes(2), cluster().v2().media_nodes(2)] {
        let snapshot = fixture.from_nothing().snapshot();
        assert!(
            snapshot
                .observed
                .values()
                .all(|o| matches!(o, Observation::Known { resources, .. } if resources.is_empty()))
        );
        assert!(snapshot.nodes.is_empty() && snapshot.cluster.status.is_none());
        assert!(
            snapshot
                .observed_nodes()
                .all(|n| n.group.is_none() && n.containers.as_ref().is_some_and(Vec::is_empty))
        );
    }
}
