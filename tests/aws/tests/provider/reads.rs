//! A look is complete or unknown.

use std::collections::BTreeMap;

use ovo_aws_sim::{Switch, Trouble};
use ovo_model::{Observation, Scope};
use ovo_provider::{Provider, ScopeChoice};

use crate::site::Site;

async fn look(site: &Site) -> BTreeMap<Scope, Observation> {
    let (provider, target) = (site.account.provider(), site.account.target());
    provider.observe(&target, &ScopeChoice::All).await
}

/// However few things AWS puts on a page, all of them are seen.
#[tokio::test]
async fn every_page_is_read() {
    let mut site = Site::start().await;
    site.settle().await;
    let whole = look(&site).await;
    assert!(whole.values().all(Observation::is_known), "{whole:?}");
    let calls = site.account.bed.aws.calls().len();
    site.account.bed.aws.faults(|f| f.page_size = Some(1));
    assert_eq!(look(&site).await, whole);
    let asked = site.account.bed.aws.calls().len() - calls;
    assert!(asked > 40, "pages were not short: {asked}");
}

/// Whatever read fails, and however, the scope that needed it is unknown with a reason, and nothing is missing from the
/// others.
#[tokio::test]
async fn each_read_that_fails_makes_its_scope_unknown() {
    let mut site = Site::start().await;
    site.settle().await;
    let whole = look(&site).await;
    let calls = site.account.bed.aws.calls();
    let mut reads: Vec<String> = calls
        .iter()
        .map(|call| call.operation.clone())
        .filter(|operation| operation.starts_with("Describe"))
        .collect();
    reads.sort();
    reads.dedup();
    assert!(reads.len() >= 12, "{reads:?}");
    for operation in &reads {
        for trouble in [
            Trouble::Throttled,
            Trouble::Unavailable,
            Trouble::Refused("UnauthorizedOperation".to_owned()),
            Trouble::LostBefore,
            Trouble::CutAnswer,
        ] {
            site.account.bed.aws.faults(|faults| {
                faults.clear();
                faults.add(Switch {
                    times: usize::MAX,
                    ..Switch::next(operation, trouble.clone())
                });
            });
            let seen = look(&site).await;
            let mut unknown = 0;
            for (scope, observation) in &seen {
                match observation {
                    Observation::Unknown { reason } => {
                        unknown += 1;
                        assert!(!reason.is_empty());
                    }
                    known @ Observation::Known { .. } => {
                        assert_eq!(known, &whole[scope], "{operation} {trouble:?}");
                    }
                }
            }
            assert!(unknown > 0, "{operation} {trouble:?} changed nothing");
            assert_eq!(seen.len(), whole.len());
        }
    }
    site.account.bed.aws.faults(ovo_aws_sim::Faults::clear);
    assert_eq!(look(&site).await, whole);
}

/// A cluster of another region is not looked for here: that it is not found would mean nothing.
#[tokio::test]
async fn another_region_is_unknown() {
    let mut site = Site::start().await;
    site.settle().await;
    let mut target = site.account.target();
    let mut cluster = (*target.cluster).clone();
    if let Some(aws) = &mut cluster.spec.infrastructure.aws {
        aws.region = "us-east-1".to_owned();
    }
    target.cluster = cluster.into();
    let provider = site.account.provider();
    let seen = provider.observe(&target, &ScopeChoice::All).await;
    assert_eq!(seen.len(), 4);
    assert!(seen.values().all(|o| !o.is_known()), "{seen:?}");
}

/// A deployment of the same cluster under another id is found before a second one is built.
#[tokio::test]
async fn a_deployment_under_another_id_is_found() {
    let mut site = Site::start().await;
    site.settle().await;
    let provider = site.account.provider();
    let mut target = site.account.target();
    assert_eq!(provider.elsewhere(&target).await, Ok(None));
    target.infrastructure_id = "zzzzzzzz".into();
    let found = provider.elsewhere(&target).await;
    assert_eq!(found, Ok(Some(crate::account::ID.to_owned())));
}
