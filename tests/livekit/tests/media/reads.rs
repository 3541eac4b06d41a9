//! What is read while nothing is wrong.

use nix::sys::signal::Signal;
use ovo_api::profile::OccupancySource::{Egress, Ingress, LiveKit};
use ovo_model::{MediaState, Occupancy};

use crate::bed::{Bed, RIGHT, complaint, occupancy, primary};

/// As [`occupancy`] answers.
#[allow(clippy::unnecessary_wraps)]
fn only(change: impl Fn(&mut Occupancy)) -> Option<Occupancy> {
    let mut occupancy = Occupancy::default();
    change(&mut occupancy);
    Some(occupancy)
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_counted_where_they_are_and_nobody_is_zero() {
    let bed = Bed::start().await;
    let answers = bed.read().await;
    assert_eq!(primary(&answers).as_deref(), Some("m1"));
    for node in ["w1", "w2"] {
        assert_eq!(occupancy(&answers, node), only(|_| {}), "{answers:#?}");
        assert_eq!(answers.states.get(node), Some(&MediaState::Serving));
        let load = answers.nodes[node][&LiveKit]
            .as_ref()
            .unwrap()
            .load_permille;
        assert!(load.is_some());
    }

    let (ann, ben) = (
        bed.join("w1", "hall", "ann").await,
        bed.join("w2", "hall", "ben").await,
    );
    assert_eq!(ann.node(), ben.node(), "one room is on one node");
    let people = |n| only(|o| (o.rooms, o.participants) = (1, n));
    let both = bed
        .until("two people are counted on one node", |answers| {
            let all = ["w1", "w2"].map(|node| occupancy(answers, node));
            all.contains(&people(2)) && all.contains(&only(|_| {}))
        })
        .await;
    let (busy, idle) = if occupancy(&both, "w1") == people(2) {
        ("w1", "w2")
    } else {
        ("w2", "w1")
    };

    bed.job("PUT", idle, 9091, "EG_recording").await;
    let recorded = bed.read().await;
    assert_eq!(occupancy(&recorded, idle), only(|o| o.egress = 1));
    assert_eq!(occupancy(&recorded, busy), people(2));
    bed.job("DELETE", idle, 9091, "EG_recording").await;

    // Nobody tells where an ingress runs: it counts everywhere.
    bed.job("PUT", idle, 9092, "IN_camera").await;
    let taken_in = bed.read().await;
    assert_eq!(occupancy(&taken_in, idle), only(|o| o.ingress = 1));
    assert_eq!(
        taken_in.nodes[busy][&Ingress]
            .as_ref()
            .unwrap()
            .occupancy
            .ingress,
        1
    );
    bed.job("DELETE", idle, 9092, "IN_camera").await;

    assert_eq!((ann.leave().await, ben.leave().await), (vec![], vec![]));
    // The room is still there for a while: an empty one is not occupancy.
    bed.until("all are gone", |answers| {
        ["w1", "w2"]
            .iter()
            .all(|node| occupancy(answers, node) == only(|_| {}))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_drains_says_so_and_keeps_its_people() {
    let bed = Bed::start().await;
    let ann = bed.join("w1", "hall", "ann").await;
    let people = bed
        .until("somebody is counted", |answers| {
            ["w1", "w2"]
                .iter()
                .any(|node| occupancy(answers, node).is_some_and(|o| !o.is_zero()))
        })
        .await;
    let node = if occupancy(&people, "w1").is_some_and(|o| !o.is_zero()) {
        "w1"
    } else {
        "w2"
    };
    bed.signal(&format!("livekit {node}"), Signal::SIGQUIT);
    let closed = bed
        .until("the node says that it is closed", |answers| {
            answers.states.get(node) == Some(&MediaState::Closed)
        })
        .await;
    let occupied = only(|o| (o.rooms, o.participants) = (1, 1));
    assert_eq!(occupancy(&closed, node), occupied);

    assert_eq!(ann.leave().await, vec![]);
    bed.exited(&format!("livekit {node}")).await;
    let gone = bed.read().await;
    let why = complaint(&gone, node, LiveKit);
    assert!(why.contains(node) && why.contains("6789"), "{why}");

    // Once the engine says that the container has exited, nobody has to be asked.
    let mut seen = bed.node(node);
    for container in seen.containers.iter_mut().flatten() {
        container.running = container.name != "openvidu";
    }
    let exited = bed.read_with(RIGHT, vec![seen]).await;
    assert_eq!(occupancy(&exited, node), only(|_| {}));
    assert!(exited.nodes[node][&Egress].is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_leaves_a_record_that_stands_for_nobody() {
    let bed = Bed::start().await;
    bed.kill("livekit w1");
    let killed = bed
        .until("its record is old", |answers| {
            answers.states.get("w1") == Some(&MediaState::Unknown)
        })
        .await;
    let why = complaint(&killed, "w1", LiveKit);
    assert!(why.contains("6789"), "{why}");
    assert_eq!(killed.states.get("w2"), Some(&MediaState::Serving));
    assert!(occupancy(&killed, "w2").is_some());

    // The next start has another id. The record of the last one may still be there, and is not its own.
    bed.start_service("w1", "livekit");
    let again = bed
        .until("it is back", |answers| {
            answers.states.get("w1") == Some(&MediaState::Serving)
        })
        .await;
    assert_eq!(occupancy(&again, "w1"), only(|_| {}));
}
