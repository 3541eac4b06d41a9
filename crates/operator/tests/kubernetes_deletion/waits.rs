//! Deletion that waits: for protection, for a pause, for a machine that is dead; and what a person can do about it.

use ovo_model::NodeName;
use ovo_world::Script;

use crate::after::{
    blocked, delete, each, no_object_left, nobody_cut_and_nothing_left, ready_and_talking,
    serve_and_see, serving_nodes, talked_to_the_end,
};
use crate::kube::{Bed, CLUSTER};
use crate::tenants::{Wanted, cluster_wide, deployment, id};

const PROTECTED: &str = "protected";
const PAUSED: &str = "paused";
const ORPHAN: &str = "given-up";
const DEAD: &str = "dead";
const ABANDONED: &str = "abandoned";

const ALL: [&str; 5] = [PROTECTED, PAUSED, ORPHAN, DEAD, ABANDONED];
/// With everybody still there.
const TALKING: [&str; 3] = [PROTECTED, PAUSED, ORPHAN];

#[test]
fn deletion_waits_aloud_and_goes_on_when_a_person_says_so() {
    let bed = cluster_wide(&[]);
    for (number, namespace) in ALL.iter().enumerate() {
        bed.settle(number + 1, namespace, |cluster| {
            let deletion = &mut cluster["spec"]["deletion"];
            match *namespace {
                PROTECTED => deletion["protected"] = true.into(),
                ORPHAN => deletion["policy"] = "Orphan".into(),
                _ => {}
            }
        });
    }
    ready_and_talking(&bed, &ALL);
    let off = |n: &str, back| {
        let node = NodeName::from("w2");
        (id(n), Script::PowerOff { node, back })
    };
    // One comes back after a quarter of an hour, the other one never.
    bed.script(&[off(DEAD, Some(15 * 60_000)), off(ABANDONED, None)]);
    let mut serving = serve_and_see(&bed, &TALKING);

    bed.patch(PAUSED, r#"{"spec":{"paused":true}}"#);
    // The garbage collector deletes the records of the nodes: nobody asked for a replacement.
    delete(&bed, PROTECTED, &["--cascade=foreground"]);
    for namespace in [PAUSED, ORPHAN, DEAD, ABANDONED] {
        delete(&bed, namespace, &[]);
    }
    let there = &bed;
    let says = |n: &'static str, reason: &'static str| {
        let holds = move || blocked(there, n).is_some_and(|(r, _)| r == reason);
        let wanted: Wanted<'_> = Box::new(holds);
        (format!("{n}: DeletionBlocked/{reason}"), wanted)
    };
    let mut all = each(&[ORPHAN], "to be let go", |n| no_object_left(&bed, n));
    all.extend([says(PROTECTED, "Protected"), says(PAUSED, "Paused")]);
    // After ten minutes of waiting for the dead machine.
    all.extend([says(DEAD, "Waiting"), says(ABANDONED, "Waiting")]);
    bed.until_all(&mut serving, all);
    for namespace in [DEAD, ABANDONED] {
        let (_, message) = blocked(&bed, namespace).unwrap();
        let number = ALL.iter().position(|n| *n == namespace).unwrap() + 1;
        let left = format!("Machine/w2 at 10.{number}.0.12 (does not answer)");
        assert!(message.contains(&left), "{left}: {message}");
    }
    // Ten minutes long nothing was taken from those that are protected, paused or let go.
    for namespace in TALKING {
        assert_eq!(serving_nodes(&bed.world(), namespace), ["w1", "w2"]);
    }

    // Another name than its own changes nothing.
    annotate(&bed, ABANDONED, "another");
    bed.patch(PROTECTED, r#"{"spec":{"deletion":{"protected":false}}}"#);
    bed.patch(PAUSED, r#"{"spec":{"paused":false}}"#);
    let clean = |n: &str| no_object_left(&bed, n);
    let others = [PROTECTED, PAUSED, DEAD];
    bed.until_all(&mut serving, each(&others, "nothing to be left", clean));
    assert!(bed.cluster_in(ABANDONED).is_some());
    annotate(&bed, ABANDONED, CLUSTER);
    bed.until_all(&mut serving, each(&[ABANDONED], "to be let go", clean));
    let said = serving.said();
    assert_eq!(serving.stop(), Some(0));
    assert!(!said.contains("refused"), "{said}");
    let mut lines = said.lines();
    let left = lines.find(|line| line.contains("left behind") && line.contains("Machine/w2 at"));
    assert!(left.is_some(), "{said}");

    let world = bed.world();
    nobody_cut_and_nothing_left(&world, PROTECTED);
    nobody_cut_and_nothing_left(&world, PAUSED);
    assert_eq!(deployment(&world, DEAD).leftovers(), Vec::<String>::new());
    talked_to_the_end(&world, ORPHAN, 2);
    assert_eq!(serving_nodes(&world, ORPHAN), ["w1", "w2"]);
}

fn annotate(bed: &Bed, namespace: &str, name: &str) {
    let value = format!("openvidu.io/abandon={name}");
    let what = ["annotate", "--overwrite", "openviduclusters", CLUSTER];
    bed.ask_in(namespace, &[&what[..], &[&value]].concat());
}
