//! S8: nothing that is not ours is written, and what must be kept is kept.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod verdict;

use ovo_api::act::ActKind;
use ovo_api::spec::Retention;
use ovo_model::{Cause, Op, Owner, Ownership, Snapshot, Step};
use ovo_planner::check::Rule;
use ovo_planner::fixtures::{Fixture, cluster, steps};
use verdict::{passes, refused, refused_plan};

fn v3() -> Fixture {
    cluster().v3().media(["w1", "w2"])
}

fn v2() -> Fixture {
    cluster().v2().media(["i-1", "i-2"])
}

fn others() -> [Ownership; 2] {
    [
        Ownership::Unowned,
        Ownership::Foreign("another/cluster".to_owned()),
    ]
}

#[test]
fn s8_what_is_not_ours_is_not_touched() {
    for owner in others() {
        let f = v2()
            .drifted("Queue/events", "retention", 9)
            .owned_by("Queue/events", owner.clone());
        let snapshot = f.snapshot();
        refused(
            &snapshot,
            [steps::set(
                &snapshot,
                "Queue/events",
                "retention",
                Cause::Drift,
            )],
            Rule::S8,
            "not ours",
        );
        refused(
            &snapshot,
            [steps::create(&snapshot, "Queue/events", Cause::Creation)],
            Rule::S8,
            "not ours",
        );
        let f = v2().deleting().owned_by("Queue/events", owner.clone());
        let snapshot = f.snapshot();
        refused(
            &snapshot,
            [steps::delete(&snapshot, "Queue/events", Cause::Deletion)],
            Rule::S8,
            "not ours",
        );
        let f = v3()
            .node("w2")
            .crashed()
            .owned_by("Machine/w2", owner.clone());
        let snapshot = f.snapshot();
        refused(
            &snapshot,
            [steps::stop(&snapshot, "w2", Cause::Remediation)],
            Rule::S8,
            "Machine/w2 is not ours",
        );
        let f = v2().at_most(4, 0).owned_by("Group/media", owner);
        let snapshot = f.snapshot();
        refused(
            &snapshot,
            [steps::capacity(&snapshot, "media", 2, 3, Cause::Growth)],
            Rule::S8,
            "not ours",
        );
    }
    let snapshot = v2().drifted("Queue/events", "retention", 9).snapshot();
    passes(
        &snapshot,
        [steps::set(
            &snapshot,
            "Queue/events",
            "retention",
            Cause::Drift,
        )],
    );
}

#[test]
fn s8_properties_of_others_are_left_alone() {
    for owner in [Owner::OpenVidu, Owner::CloudPolicy, Owner::User] {
        let f = v2().drifted("Queue/events", "retention", 9).property(
            "Queue/events",
            "retention",
            |p| p.owner = owner,
        );
        let snapshot = f.snapshot();
        refused(
            &snapshot,
            [steps::set(
                &snapshot,
                "Queue/events",
                "retention",
                Cause::Drift,
            )],
            Rule::S8,
            "is decided by",
        );
        let f = v2()
            .at_most(4, 0)
            .property("Group/media", "desired", |p| p.owner = owner);
        let snapshot = f.snapshot();
        refused(
            &snapshot,
            [steps::capacity(&snapshot, "media", 2, 3, Cause::Growth)],
            Rule::S8,
            "is decided by",
        );
    }
}

#[test]
fn s8_buckets_are_kept_unless_the_user_wrote_otherwise_in_both_places() {
    let alone = |storage, bucket| {
        let mut f = v2().deleting().spec(move |s| {
            s.deletion.storage = Some(storage);
            s.storage.bucket.deletion_policy = Some(bucket);
        });
        for other in [
            "Group/media",
            "LaunchTemplate/media",
            "Group/masters",
            "LaunchTemplate/masters",
        ] {
            f = f.missing(other);
        }
        for other in ["LoadBalancer/main", "Redis/main", "Config/cluster"] {
            f = f.missing(other);
        }
        f.nodes(["i-1", "i-2", "i-m1", "i-m2"]).gone()
    };
    let kept = alone(Retention::Retain, Retention::Delete).snapshot();
    refused(
        &kept,
        [steps::delete(&kept, "Bucket/main", Cause::Deletion)],
        Rule::S8,
        "Bucket/main is kept",
    );
    // A provider that forgets to keep is not believed.
    let unretained = |f: Fixture| {
        f.edit(|s| {
            for resource in std::sync::Arc::make_mut(&mut s.desired) {
                resource.retain = false;
            }
        })
    };
    for (storage, bucket) in [
        (Retention::Retain, Retention::Delete),
        (Retention::Delete, Retention::Retain),
    ] {
        let kept = unretained(alone(storage, bucket)).snapshot();
        refused(
            &kept,
            [steps::delete(&kept, "Bucket/main", Cause::Deletion)],
            Rule::S8,
            "Bucket/main is kept",
        );
    }
    let given = unretained(alone(Retention::Delete, Retention::Delete));
    passes(
        &given.clone().snapshot(),
        [steps::delete(
            &given.clone().snapshot(),
            "Bucket/main",
            Cause::Deletion,
        )],
    );
    let users = given
        .spec(|s| s.storage.bucket.name = Some("mine".to_owned()))
        .snapshot();
    refused(
        &users,
        [steps::delete(&users, "Bucket/main", Cause::Deletion)],
        Rule::S8,
        "Bucket/main is kept",
    );
}

fn generate(snapshot: &Snapshot) -> Step {
    let op = Op::GenerateCredentials {
        secret: snapshot.credentials.secret.clone(),
        keys: snapshot.credentials.to_generate.clone(),
    };
    steps::step(
        snapshot,
        op,
        ActKind::GenerateCredentials,
        None,
        Cause::Creation,
    )
}

#[test]
fn s8_credentials_are_made_once_and_before_everything_else() {
    let snapshot = v3().from_nothing().snapshot();
    passes(&snapshot, [generate(&snapshot)]);
    let lost = v3().edit(|s| s.credentials.digests.clear()).snapshot();
    refused(
        &lost,
        [generate(&lost)],
        Rule::S8,
        "it is lost, and is not made anew",
    );
    let stands = v3()
        .edit(|s| s.credentials.digests.clear())
        .status(|s| s.credentials = None)
        .snapshot();
    refused(&stands, [generate(&stands)], Rule::S8, "stands already");
    let partial = v3().from_nothing().unknown("machine/m1").snapshot();
    refused(&partial, [generate(&partial)], Rule::S8, "not everything");
    let there = v3().snapshot();
    refused(&there, [generate(&there)], Rule::S8, "is there already");
    let unread = v3()
        .from_nothing()
        .edit(|s| s.credentials.known = false)
        .snapshot();
    refused(&unread, [generate(&unread)], Rule::S8, "could not be read");
}

#[test]
fn s8_status_does_not_forget_what_was_generated() {
    let snapshot = v3().snapshot();
    let mut plan = steps::quiet(&snapshot);
    plan.status.credentials = None;
    refused_plan(
        &snapshot,
        &plan,
        Rule::S8,
        "would forget the digest of admin-password",
    );
}
