//! S8 to S11, the intent, and the shape of steps: whose things are written, and what for.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod verdict;

use ovo_api::act::{ActKind, Cuts, Role};
use ovo_api::spec::Retention;
use ovo_model::{Cause, Change, NodeWrite, Op, Owner, Ownership, Snapshot, Step};
use ovo_planner::check::{Rule, recheck, recheck_as};
use ovo_planner::fixtures::{Fixture, cluster, steps};
use verdict::{passes, passes_plan, refused, refused_plan};

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

// === S8 ===

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

// === S9 ===

#[test]
fn s9_a_paused_cluster_is_only_protected() {
    let bare = || v2().node("i-2").observed(|n| n.protected = Some(false));
    for f in [bare(), bare().paused()] {
        let snapshot = f.snapshot();
        passes(
            &snapshot,
            [steps::protection(&snapshot, ["i-2"], true, Cause::Drift)],
        );
    }
    let snapshot = v2()
        .drifted("Queue/events", "retention", 9)
        .paused()
        .snapshot();
    refused(
        &snapshot,
        [steps::set(
            &snapshot,
            "Queue/events",
            "retention",
            Cause::Drift,
        )],
        Rule::S9,
        "paused",
    );
    let f = || v3().node("w2").stopped();
    let snapshot = f().snapshot();
    passes(&snapshot, [steps::start(&snapshot, "w2", Cause::Growth)]);
    let snapshot = f().paused().snapshot();
    refused(
        &snapshot,
        [steps::start(&snapshot, "w2", Cause::Growth)],
        Rule::S9,
        "paused",
    );
    let snapshot = v3().node("w2").exited().paused().snapshot();
    refused(
        &snapshot,
        [steps::stop(&snapshot, "w2", Cause::ScaleIn)],
        Rule::S9,
        "paused",
    );
}

// === S10 ===

#[test]
fn s10_what_is_as_it_should_be_is_not_written() {
    let snapshot = v2().at_most(4, 0).snapshot();
    let as_it_is = "everything is as this step would make it";
    for step in [
        steps::set(&snapshot, "Queue/events", "retention", Cause::Drift),
        steps::set(&snapshot, "Config/cluster", "digest", Cause::Drift),
        steps::capacity(&snapshot, "media", 2, 2, Cause::Growth),
        steps::protection(&snapshot, ["i-1", "i-2"], true, Cause::Drift),
    ] {
        refused(&snapshot, [step], Rule::S10, as_it_is);
    }
    refused(
        &snapshot,
        [steps::create(&snapshot, "Queue/events", Cause::Creation)],
        Rule::S10,
        "is there already",
    );
    let snapshot = v3().snapshot();
    refused(
        &snapshot,
        [steps::start(&snapshot, "w1", Cause::Growth)],
        Rule::S10,
        as_it_is,
    );
    let snapshot = v3().node("w2").stopped().snapshot();
    refused(
        &snapshot,
        [steps::stop(&snapshot, "w2", Cause::ScaleIn)],
        Rule::S10,
        as_it_is,
    );
    let snapshot = v2().missing("Queue/events").snapshot();
    passes(
        &snapshot,
        [steps::create(&snapshot, "Queue/events", Cause::Drift)],
    );
}

#[test]
fn s10_records_and_status_are_not_written_for_their_times() {
    let snapshot = v3().snapshot();
    passes_plan(&snapshot, &steps::quiet(&snapshot));
    let status = |change: fn(&mut ovo_api::OpenViduNodeStatus)| {
        let mut status = snapshot
            .nodes
            .iter()
            .find(|(n, _)| &*n.0 == "w1")
            .unwrap()
            .1
            .status
            .clone()
            .unwrap();
        change(&mut status);
        let mut plan = steps::quiet(&snapshot);
        plan.nodes = vec![NodeWrite::Status {
            node: "w1".into(),
            status: Box::new(status),
        }];
        plan
    };
    let later = || Some(ovo_model::Wall(1_780_480_800_000).to_time());
    assert!(later().is_some());
    refused_plan(
        &snapshot,
        &status(|_| {}),
        Rule::S10,
        "nothing but other times",
    );
    let only_time = status(|s| s.occupancy_at = Some(ovo_model::Wall(1_780_480_800_000).to_time()));
    refused_plan(&snapshot, &only_time, Rule::S10, "nothing but other times");
    passes_plan(&snapshot, &status(|s| s.rooms = Some(1)));

    let mut plan = steps::quiet(&snapshot);
    plan.status.summary_at = later();
    refused_plan(&snapshot, &plan, Rule::S10, "nothing but other times");
    plan.status.summary = "4/4 masters".to_owned();
    passes_plan(&snapshot, &plan);
}

// === S11 ===

#[test]
fn s11_what_a_newer_release_wrote_is_left_alone() {
    let write = |snapshot: &Snapshot| {
        let mut plan = steps::quiet(snapshot);
        let mut status = snapshot
            .nodes
            .values()
            .next()
            .unwrap()
            .status
            .clone()
            .unwrap();
        status.rooms = Some(5);
        status.format_version = 1;
        plan.nodes = vec![NodeWrite::Status {
            node: "m1".into(),
            status: Box::new(status),
        }];
        plan
    };
    let snapshot = v3().snapshot();
    passes_plan(&snapshot, &write(&snapshot));
    let newer = v3().node("w2").record(|r| r.format_version = 2).snapshot();
    refused_plan(
        &newer,
        &write(&newer),
        Rule::S11,
        "the record of w2 has format 2",
    );
    let newer = v3()
        .status(|s| s.intent.as_mut().unwrap().format_version = 2)
        .snapshot();
    refused_plan(
        &newer,
        &write(&newer),
        Rule::S11,
        "status.intent has format 2",
    );
}

#[test]
fn s11_the_mode_in_force_stays_in_force() {
    let plan = |f: Fixture| {
        let snapshot = f.snapshot();
        let mut plan = steps::quiet(&snapshot);
        plan.status.autoscaler.as_mut().unwrap().mode = "Provider".to_owned();
        (snapshot, plan)
    };
    let (snapshot, changed) = plan(v3());
    refused_plan(
        &snapshot,
        &changed,
        Rule::S11,
        "the mode in force is Manual",
    );
    let (snapshot, changed) = plan(v3().edited());
    passes_plan(&snapshot, &changed);
}

#[test]
fn s11_nothing_is_rolled_unless_a_person_changed_something() {
    let f = || v3().wants("Config/cluster", "digest", "config-2");
    let set = |snapshot: &Snapshot| {
        [steps::set(
            snapshot,
            "Config/cluster",
            "digest",
            Cause::Config,
        )]
    };
    let snapshot = f().snapshot();
    refused(
        &snapshot,
        set(&snapshot),
        Rule::S11,
        "nobody changed the spec",
    );
    let snapshot = f().edited().snapshot();
    passes(&snapshot, set(&snapshot));
    // A change that had to wait is remembered by the status that said so.
    let waiting = f()
        .status(|s| s.conditions[1].status = "True".to_owned())
        .snapshot();
    passes(&waiting, set(&waiting));
    let step = &set(&snapshot)[0];
    let under_way = f().committed([step]).snapshot();
    passes(&under_way, set(&under_way));
}

#[test]
fn s11_a_replacement_is_for_people_to_ask_for_and_some_things_are_never_changed() {
    let replace = |f: Fixture| {
        let f =
            f.wants("Queue/events", "retention", 2)
                .property("Queue/events", "retention", |p| p.change = Change::Replace);
        let snapshot = f.snapshot();
        let mut step = steps::delete(&snapshot, "Queue/events", Cause::Config);
        step.act = ActKind::Replace;
        let in_place = steps::set(&snapshot, "Queue/events", "retention", Cause::Config);
        (snapshot, step, in_place)
    };
    let (snapshot, step, in_place) = replace(v2());
    refused(&snapshot, [step], Rule::S11, "nobody changed the spec");
    refused(
        &snapshot,
        [in_place],
        Rule::S11,
        "not to be changed in place",
    );
    let (snapshot, step, _) = replace(v2().edited());
    passes(&snapshot, [step]);
    let snapshot = v3()
        .edited()
        .wants("Machine/w1", "installed", "digest-of-3.9.0")
        .snapshot();
    refused(
        &snapshot,
        [steps::set(
            &snapshot,
            "Machine/w1",
            "installed",
            Cause::Config,
        )],
        Rule::S11,
        "not to be changed",
    );
}

// === Intent ===

#[test]
fn a_destructive_step_stands_in_the_intent_that_its_plan_commits() {
    let snapshot = v3().node("w2").exited().snapshot();
    let stop = steps::stop(&snapshot, "w2", Cause::ScaleIn);
    let good = steps::plan(&snapshot, [stop.clone()]);
    passes_plan(&snapshot, &good);
    let mut without = good.clone();
    without.status = steps::quiet(&snapshot).status;
    refused_plan(
        &snapshot,
        &without,
        Rule::Intent,
        "does not stand in the intent",
    );
    let mut lying = good.clone();
    lying.status.intent.as_mut().unwrap().steps[0].cuts = Cuts::Nothing;
    refused_plan(
        &snapshot,
        &lying,
        Rule::Intent,
        "does not stand in the intent",
    );
    let mut more = good.clone();
    more.steps.clear();
    refused_plan(&snapshot, &more, Rule::Intent, "which is not planned");
    let mut older = good;
    older.status.intent.as_mut().unwrap().epoch = 0;
    refused_plan(
        &snapshot,
        &older,
        Rule::Intent,
        "would go back from epoch 1",
    );
}

#[test]
fn a_destructive_step_runs_only_from_the_stored_intent_and_in_its_epoch() {
    let f = v3().node("w2").exited();
    let stop = steps::stop(&f.clone().snapshot(), "w2", Cause::ScaleIn);
    let stored = f.clone().committed([&stop]).snapshot();
    assert_eq!(recheck(&stored, &stop), []);
    assert_eq!(recheck_as(&stored, &stop, 1), []);
    let rules = |snapshot: &Snapshot, epoch| {
        recheck_as(snapshot, &stop, epoch)
            .iter()
            .map(|r| r.rule)
            .collect::<Vec<_>>()
    };
    assert_eq!(rules(&stored, 2), [Rule::Intent]);
    assert_eq!(rules(&f.snapshot(), 1), [Rule::Intent]);
    let reopened = v3().committed([&stop]).snapshot();
    assert!(rules(&reopened, 1).contains(&Rule::S1));
}

// === Shape ===

/// What a step is made to claim, and how that is found.
type Lie = (fn(&mut Step), Rule, &'static str);

#[test]
fn a_step_is_what_its_content_says_whatever_it_claims() {
    let snapshot = v3().node("w2").exited().snapshot();
    let good = steps::stop(&snapshot, "w2", Cause::ScaleIn);
    passes(&snapshot, [good.clone()]);
    let lies: [Lie; 5] = [
        (
            |s| s.act = ActKind::Start,
            Rule::Shape,
            "says that it is Start",
        ),
        (
            |s| s.role = Some(Role::Master),
            Rule::Shape,
            "says that it is End of Some(Master)",
        ),
        (
            |s| s.executor = ovo_model::Executor::Store,
            Rule::Shape,
            "by Store",
        ),
        (
            |s| s.id.0 = "another".to_owned(),
            Rule::Shape,
            "its content has the id `stop w2`",
        ),
        (
            |s| s.cuts = Cuts::Nothing,
            Rule::S13,
            "says that it cuts Nothing",
        ),
    ];
    for (lie, rule, words) in lies {
        let mut step = good.clone();
        lie(&mut step);
        refused(&snapshot, [step], rule, words);
    }
}

#[test]
fn a_step_sets_what_is_declared_and_nothing_else() {
    let snapshot = v2().drifted("Queue/events", "retention", 9).snapshot();
    let good = steps::set(&snapshot, "Queue/events", "retention", Cause::Drift);
    let with = |change: fn(&mut Op)| {
        let mut step = good.clone();
        change(&mut step.op);
        step.id = step.op.id();
        [step]
    };
    let value = with(|op| {
        if let Op::Set { properties, .. } = op {
            properties.insert(
                "retention".to_owned(),
                ovo_model::Value::Known(ovo_model::Scalar::Int(7)),
            );
        }
    });
    refused(&snapshot, value, Rule::Shape, "should be 1, not 7");
    let call = with(|op| {
        if let Op::Set { call, .. } = op {
            *call = "DeleteQueue".to_owned();
        }
    });
    refused(
        &snapshot,
        call,
        Rule::Shape,
        "sets retention by UpdateQueue",
    );
    let planned = steps::set(&snapshot, "Group/media", "desired", Cause::Drift);
    refused(
        &snapshot,
        [planned],
        Rule::Shape,
        "has an operation of its own",
    );
    let snapshot = v2()
        .missing("Config/cluster")
        .missing("Redis/main")
        .snapshot();
    refused(
        &snapshot,
        [steps::create(&snapshot, "Config/cluster", Cause::Drift)],
        Rule::Shape,
        "needs Redis/main",
    );
}
