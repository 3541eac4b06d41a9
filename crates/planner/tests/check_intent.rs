//! The intent and the shape of steps: what is done was committed, and is what it claims to be.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod verdict;

use ovo_api::act::{ActKind, Cuts, Role};
use ovo_model::{Cause, Op, Snapshot, Step};
use ovo_planner::check::{Rule, recheck, recheck_as};
use ovo_planner::fixtures::{Fixture, cluster, steps};
use verdict::{passes, passes_plan, refused, refused_plan};

fn v3() -> Fixture {
    cluster().v3().media(["w1", "w2"])
}

fn v2() -> Fixture {
    cluster().v2().media(["i-1", "i-2"])
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
