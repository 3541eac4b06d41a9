//! Each kind of change goes wrong once, in each way, while a deployment comes up under the real engine.

use std::collections::BTreeSet;

use ovo_aws_sim::{Switch, Trouble};
use ovo_model::Ownership;

use crate::site::Site;

/// What was made, but for instances and interfaces, which come by themselves.
fn made(site: &Site) -> usize {
    let left = site.account.bed.region().leftovers();
    let own = |id: &&String| !id.starts_with("i-") && !id.starts_with("eni-");
    left.iter().filter(own).count()
}

#[tokio::test]
async fn whichever_change_goes_wrong_the_deployment_comes_up_once() {
    let mut site = Site::start().await;
    site.settle().await;
    let undisturbed = made(&site);
    let calls = site.account.bed.aws.calls();
    let changes: BTreeSet<String> = calls
        .into_iter()
        .map(|call| call.operation)
        .filter(|operation| !operation.starts_with("Describe"))
        .collect();
    assert!(changes.len() >= 9, "{changes:?}");
    let mut points = 0;
    for operation in &changes {
        for trouble in [
            Trouble::Throttled,
            Trouble::Unavailable,
            Trouble::LostBefore,
            Trouble::LostAfter,
            Trouble::CutAnswer,
        ] {
            let mut site = Site::start().await;
            let switch = Switch::next(operation, trouble.clone());
            site.account.bed.aws.faults(|faults| faults.add(switch));
            site.settle().await;
            assert_eq!(made(&site), undisturbed, "{operation} {trouble:?}");
            let seen = site.seen().await;
            assert_eq!(seen.len(), site.account.desired().len());
            assert!(seen.values().all(|r| r.ownership == Ownership::Ours));
            points += 1;
        }
    }
    println!("{points} changes went wrong");
}
