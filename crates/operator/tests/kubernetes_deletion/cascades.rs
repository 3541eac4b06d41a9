//! What deletes a cluster: a person in three ways, its namespace, and both while no operator runs.

use crate::after::{
    delete, each, no_object_left, nobody_cut_and_nothing_left, ready_and_talking, serve_and_see,
};
use crate::tenants::cluster_wide;

const FOREGROUND: &str = "foreground";
const BACKGROUND: &str = "background";
const ORPHANS: &str = "orphaned";
const NAMESPACE: &str = "namespaced";
const SECRETS: &str = "secretless";
const ABSENT: &str = "unattended";
const ABSENT_NAMESPACE: &str = "forsaken";

const ALL: [&str; 7] = [
    FOREGROUND,
    BACKGROUND,
    ORPHANS,
    NAMESPACE,
    SECRETS,
    ABSENT,
    ABSENT_NAMESPACE,
];

#[test]
fn whoever_deletes_a_cluster_people_talk_to_the_end_and_everything_goes() {
    let bed = cluster_wide(&[]);
    for (number, namespace) in ALL.iter().enumerate() {
        bed.settle(number + 1, namespace, |_| {});
    }
    ready_and_talking(&bed, &ALL);

    // Nobody serves now. Whatever is deleted is there when an operator comes back.
    delete(&bed, ABSENT, &[]);
    bed.api
        .ask(&["delete", "namespace", ABSENT_NAMESPACE, "--wait=false"])
        .unwrap();
    let mut serving = serve_and_see(&bed, &ALL[..5]);

    delete(&bed, FOREGROUND, &["--cascade=foreground"]);
    delete(&bed, BACKGROUND, &["--cascade=background"]);
    // About node records: what becomes of the deployment says spec.deletion.policy.
    delete(&bed, ORPHANS, &["--cascade=orphan"]);
    bed.api
        .ask(&["delete", "namespace", NAMESPACE, "--wait=false"])
        .unwrap();
    // The key to the machines and the credentials, before the cluster.
    bed.ask_in(SECRETS, &["delete", "secrets", "--all", "--wait=false"]);
    delete(&bed, SECRETS, &[]);

    let namespaces = [NAMESPACE, ABSENT_NAMESPACE];
    let gone = |n: &str| bed.read(&format!("/api/v1/namespaces/{n}")).is_none();
    let clean = |n: &str| no_object_left(&bed, n);
    let others = [FOREGROUND, BACKGROUND, ORPHANS, SECRETS, ABSENT];
    let mut all = each(&namespaces, "the namespace to be gone", gone);
    all.extend(each(&others, "nothing to be left", clean));
    bed.until_all(&mut serving, all);
    assert_eq!(bed.secrets_in(SECRETS).len(), 0);
    let said = serving.said();
    assert_eq!(serving.stop(), Some(0));
    assert!(!said.contains("refused"), "{said}");

    let world = bed.world();
    for namespace in ALL {
        nobody_cut_and_nothing_left(&world, namespace);
    }
}
