//! Who gets what, among clusters that want the same.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;

use ovo_api::OpenViduCluster;
use ovo_api::annotations::INFRASTRUCTURE_ID;
use ovo_api::claims::Claim;
use ovo_api::spec::Machine;
use ovo_model::Wall;
use ovo_planner::fixtures;
use ovo_planner::tenants::{Ledger, Verdict, restricted};

/// A cluster in a namespace of its own, with these machines and no others, made at this time.
fn cluster(namespace: &str, created: i64, addresses: &[&str]) -> OpenViduCluster {
    let snapshot = fixtures::cluster().v3().snapshot();
    let mut cluster = (*snapshot.cluster).clone();
    cluster.metadata.namespace = Some(namespace.to_owned());
    cluster.metadata.creation_timestamp = Some(Wall(created).to_time());
    let annotations = cluster.metadata.annotations.get_or_insert_default();
    annotations.insert(INFRASTRUCTURE_ID.to_owned(), format!("id-{namespace}"));
    cluster.status = None;
    let on_prem = cluster.spec.infrastructure.on_prem.as_mut().unwrap();
    let first = on_prem.machines[0].clone();
    let machine = |(number, address): (usize, &&str)| Machine {
        name: format!("w{number}"),
        address: (*address).to_owned(),
        ..first.clone()
    };
    on_prem.machines = addresses.iter().enumerate().map(machine).collect();
    cluster
}

/// One round: the ledger is told, asked, and status says what it answered.
fn round(ledger: &mut Ledger, cluster: &mut OpenViduCluster) -> Verdict {
    ledger.note(cluster, true, |_| false);
    let verdict = ledger.take(cluster);
    let status = cluster.status.get_or_insert_default();
    status.claims = verdict.holds.iter().map(Claim::to_string).collect();
    verdict
}

fn owners(verdict: &Verdict) -> Vec<&str> {
    verdict.disputes.iter().map(|d| &*d.owner).collect()
}

const NAME: &str = ovo_planner::fixtures::NAME;

#[test]
fn what_was_committed_first_stays_whoever_is_older() {
    let mut ledger = Ledger::default();
    let mut young = cluster("young", 2_000, &["10.1.0.1"]);
    let mut old = cluster("old", 1_000, &["10.2.0.1"]);
    assert!(round(&mut ledger, &mut young).disputes.is_empty());
    assert!(round(&mut ledger, &mut old).disputes.is_empty());
    // The older one adds the other's machine, written in another way.
    let mut greedy = old.clone();
    let on_prem = greedy.spec.infrastructure.on_prem.as_mut().unwrap();
    let mut stolen = on_prem.machines[0].clone();
    stolen.address = "::ffff:10.1.0.1".to_owned();
    on_prem.machines.push(stolen);
    let verdict = round(&mut ledger, &mut greedy);
    assert_eq!(owners(&verdict), [format!("young/{NAME}")]);
    let message = verdict.disputes[0].message();
    for part in [
        "machines[1].address",
        "10.1.0.1",
        &format!("young/{NAME}"),
        "take it off",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(round(&mut ledger, &mut young).disputes.is_empty());
    // Another leader knows no more than what status records.
    let mut next = Ledger::default();
    for known in [&greedy, &young] {
        next.note(known, true, |_| false);
    }
    assert_eq!(owners(&next.take(&greedy)), [format!("young/{NAME}")]);
    assert!(next.take(&young).disputes.is_empty());
}

#[test]
fn among_those_that_hold_nothing_the_older_goes_first_then_the_name() {
    for (first, second) in [(("b", 1_000), ("a", 2_000)), (("a", 1_000), ("b", 1_000))] {
        let mut ledger = Ledger::default();
        let mut winner = cluster(first.0, first.1, &["10.1.0.1"]);
        let mut loser = cluster(second.0, second.1, &["10.1.0.1"]);
        ledger.note(&winner, true, |_| false);
        let wanted = format!("{}/{NAME}", first.0);
        assert_eq!(owners(&round(&mut ledger, &mut loser)), [&*wanted]);
        assert!(round(&mut ledger, &mut loser).holds.is_empty());
        assert!(round(&mut ledger, &mut winner).disputes.is_empty());
    }
}

#[test]
fn who_cannot_be_built_keeps_nobody_waiting() {
    let mut ledger = Ledger::default();
    let mut holder = cluster("holder", 3_000, &["10.1.0.2"]);
    round(&mut ledger, &mut holder);
    // Older than all: one waits for a machine of the holder, one is refused for something else.
    let stuck = cluster("stuck", 1_000, &["10.1.0.1", "10.1.0.2"]);
    ledger.note(&stuck, true, |_| false);
    let refused = cluster("refused", 1_000, &["10.1.0.1"]);
    ledger.note(&refused, false, |_| false);
    let mut late = cluster("late", 9_000, &["10.1.0.1"]);
    assert!(round(&mut ledger, &mut late).disputes.is_empty());
}

#[test]
fn all_is_given_or_nothing() {
    let mut ledger = Ledger::default();
    let mut holder = cluster("holder", 1_000, &["10.1.0.1"]);
    round(&mut ledger, &mut holder);
    let mut half = cluster("half", 2_000, &["10.1.0.1", "10.1.0.2"]);
    assert!(round(&mut ledger, &mut half).holds.is_empty());
    let mut third = cluster("third", 3_000, &["10.1.0.2"]);
    assert!(round(&mut ledger, &mut third).disputes.is_empty());
}

#[test]
fn what_is_let_go_is_free_and_what_still_drains_is_not() {
    let mut ledger = Ledger::default();
    let mut owner = cluster("owner", 1_000, &["10.1.0.1", "10.1.0.2"]);
    round(&mut ledger, &mut owner);
    let mut other = cluster("other", 2_000, &["10.1.0.2"]);
    assert_eq!(owners(&round(&mut ledger, &mut other)).len(), 1);
    let on_prem = owner.spec.infrastructure.on_prem.as_mut().unwrap();
    on_prem.machines.pop();
    ledger.note(&owner, true, |claim| {
        *claim == Claim::from("address/10.1.0.2")
    });
    assert_eq!(owners(&round(&mut ledger, &mut other)).len(), 1);
    ledger.note(&owner, true, |_| false);
    assert!(round(&mut ledger, &mut other).disputes.is_empty());
    assert!(
        !ledger
            .take(&owner)
            .holds
            .contains(&Claim::from("address/10.1.0.2"))
    );
    ledger.gone("owner", NAME);
    let mut heir = cluster("heir", 9_000, &["10.1.0.1"]);
    assert!(round(&mut ledger, &mut heir).disputes.is_empty());
}

#[test]
fn a_copied_infrastructure_id_is_another_clusters() {
    let mut ledger = Ledger::default();
    let mut owner = cluster("owner", 2_000, &["10.1.0.1"]);
    round(&mut ledger, &mut owner);
    let mut thief = cluster("thief", 1_000, &["10.2.0.1"]);
    round(&mut ledger, &mut thief);
    let annotations = thief.metadata.annotations.as_mut().unwrap();
    annotations.insert(INFRASTRUCTURE_ID.to_owned(), "id-owner".to_owned());
    let verdict = round(&mut ledger, &mut thief);
    assert_eq!(owners(&verdict), [format!("owner/{NAME}")]);
    // It goes on under its own.
    let goes_on = restricted(&Arc::new(thief), &verdict.holds);
    assert_eq!(
        ovo_api::claims::infrastructure_id(&goes_on),
        Some("id-thief")
    );
}

#[test]
fn status_that_somebody_else_wrote_gives_nothing() {
    let mut ledger = Ledger::default();
    let mut owner = cluster("owner", 2_000, &["10.1.0.1"]);
    let mut thief = cluster("thief", 1_000, &["10.1.0.1"]);
    round(&mut ledger, &mut owner);
    round(&mut ledger, &mut thief);
    thief.status.as_mut().unwrap().claims = vec!["address/10.1.0.1".to_owned()];
    assert_eq!(
        owners(&round(&mut ledger, &mut thief)),
        [format!("owner/{NAME}")]
    );
    assert_eq!(thief.status.unwrap().claims, Vec::<String>::new());
}

#[test]
fn what_an_earlier_release_built_is_its_own() {
    let mut built = cluster("built", 2_000, &["10.1.0.1"]);
    built.status.get_or_insert_default().credentials =
        Some(ovo_api::status::CredentialsStatus::default());
    let mut ledger = Ledger::default();
    ledger.note(&built, true, |_| false);
    let mut older = cluster("older", 1_000, &["10.1.0.1"]);
    assert_eq!(
        owners(&round(&mut ledger, &mut older)),
        [format!("built/{NAME}")]
    );
}

#[test]
fn only_what_is_held_is_acted_upon() {
    let object = Arc::new(cluster("a", 1_000, &["10.1.0.1", "10.1.0.2"]));
    let all = ovo_api::claims::wanted(&object).into_keys().collect();
    assert!(Arc::ptr_eq(&restricted(&object, &all), &object));
    let one = [Claim::from("address/10.1.0.2")].into();
    let machines = |c: &OpenViduCluster| -> Vec<String> {
        let on_prem = c.spec.infrastructure.on_prem.as_ref().unwrap();
        on_prem.machines.iter().map(|m| m.address.clone()).collect()
    };
    assert_eq!(machines(&restricted(&object, &one)), ["10.1.0.2"]);
    assert_eq!(
        machines(&restricted(&object, &[].into())),
        Vec::<String>::new()
    );
}
