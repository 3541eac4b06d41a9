//! `openvidu.io/reconcile-at`: looks now.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::kube::{CLUSTER, Serving, wait_for};
use crate::scene::{MACHINES, at_rest, rounds, tenants, until_ready};

/// A cluster at rest is looked at once a minute, where time runs as fast as real.
const REST: Duration = Duration::from_mins(1);
/// Whoever has something left to do looks again sooner.
const QUIET: Duration = Duration::from_secs(5);

/// How long ago the last round of the cluster ended.
fn silent_for(serving: &Serving) -> Duration {
    let (_, page) = serving.page("/metrics");
    let name = "openvidu_operator_last_round_timestamp_seconds{";
    let of = format!("namespace=\"{MACHINES}\"");
    let line = page
        .lines()
        .find(|l| l.starts_with(name) && l.contains(&of));
    let ended = line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    ended.map_or(Duration::ZERO, |ended| {
        now.saturating_sub(Duration::from_secs_f64(ended))
    })
}

#[test]
fn an_annotation_makes_the_operator_look_now() {
    let bed = at_rest();
    // Else it would be looked at for readings of its load.
    bed.patch(
        MACHINES,
        r#"{"spec":{"media":{"autoscaling":{"readingInterval":"5m"}}}}"#,
    );
    let arguments = ["--all-namespaces", &tenants()];
    let mut serving = bed.serve_with(&bed.world_dir(), &arguments);
    serving.until_leads();
    until_ready(&bed, &mut serving, MACHINES);
    let rests = || silent_for(&serving) > QUIET;
    wait_for("the cluster to rest", rests, || serving.said());

    let conditions = || bed.cluster_in(MACHINES).unwrap()["status"]["conditions"].clone();
    let before = conditions();
    let began = Instant::now();
    for time in ["2026-11-24T10:00:00Z", "2026-11-24T10:00:01Z", "whenever"] {
        let looked = rounds(&serving, MACHINES);
        let value = format!("openvidu.io/reconcile-at={time}");
        let annotate = [
            "annotate",
            "--overwrite",
            "openviduclusters",
            CLUSTER,
            &value,
        ];
        bed.ask_in(MACHINES, &annotate);
        wait_for(
            "a look",
            || rounds(&serving, MACHINES) > looked,
            || serving.said(),
        );
    }
    // One of them may have been due without it, three were not.
    assert!(began.elapsed() < REST, "{:?}", began.elapsed());
    // What is as it should be is looked at, and no other word is said of it.
    assert_eq!(conditions(), before);
    assert_eq!(serving.stop(), Some(0));
}
