//! Rule S3 where no master is named: while the store that all nodes share changes hands, one of the masters that carry it is
//! disrupted already, and what the nodes say of themselves reaches nobody.

use ovo_api::act::Cuts;
use ovo_model::{SharedStore, Step};

use super::{Kind, Rule, Run};

pub(super) fn check<'r>(run: &mut Run<'r, '_>, step: &'r Step, kind: Kind) {
    let facts = run.facts;
    let Some(SharedStore::Changing { why }) = &facts.snap.shared_store else {
        return;
    };
    let harmless =
        !kind.act.is_destructive() && facts.profile.cuts(kind.act, kind.role) == Cuts::Nothing;
    let forced = step
        .op
        .node()
        .and_then(|name| facts.node(name))
        .is_some_and(super::node::Node::forced);
    if harmless || forced || facts.teardown_by_force() {
        return;
    }
    run.refuse(
        Rule::S3,
        step,
        format!("the masters' Redis changes hands: {why}"),
    );
}
