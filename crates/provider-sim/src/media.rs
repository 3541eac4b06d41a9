//! [`SimMedia`]: OpenVidu's own interfaces in the simulated world.

use std::collections::BTreeMap;

use ovo_api::profile::OccupancySource;
use ovo_model::{NodeName, ObservedNode, Occupancy, Outcome, ProviderError, Step};
use ovo_provider::{Call, Media, NodeAnswers, SecretSource, SourceAnswer, Target};

use crate::door::{Inner, SimDoor};
use crate::interceptor::{CallKind, Lie, Moment, Verdict};
use crate::provider::Ended;

/// A media client over a simulated world. Clones share the world.
#[derive(Clone)]
pub struct SimMedia {
    door: SimDoor,
}

impl SimMedia {
    /// A client behind this door.
    pub const fn new(door: SimDoor) -> Self {
        Self { door }
    }
}

type Answers = BTreeMap<NodeName, NodeAnswers>;

impl Media for SimMedia {
    async fn read(
        &self,
        target: &Target,
        nodes: &[&ObservedNode],
        _: &dyn SecretSource,
    ) -> ovo_provider::Answers {
        let ended = read(&mut self.door.lock(), target, nodes);
        // Where nodes stand the simulated provider tells.
        ovo_provider::Answers::of_nodes(ended.answer().await)
    }

    async fn execute(
        &self,
        _: &Target,
        step: &Step,
        _: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        Err(ProviderError::Denied(format!(
            "405: {}: this version of OpenVidu does not let anybody close or reopen a node",
            step.id
        )))
    }
}

fn read(inner: &mut Inner, target: &Target, nodes: &[&ObservedNode]) -> Ended<Answers> {
    let sources = target.profile.occupancy;
    let dep = match inner.meet(target) {
        Ok(dep) => dep,
        Err(error) => {
            let failed = |_| sources.iter().map(|s| (*s, Err(error.clone()))).collect();
            return Ended::Answered(nodes.iter().map(|n| (n.name.clone(), failed(n))).collect());
        }
    };
    let truth: Answers = nodes
        .iter()
        .map(|node| {
            let said = sources.iter().map(|source| {
                let word = inner.world.read(dep, &node.name, *source);
                let answer = word.map(|w| SourceAnswer {
                    occupancy: w.occupancy,
                    load_permille: w.load_permille,
                });
                (*source, answer)
            });
            (node.name.clone(), said.collect())
        })
        .collect();
    inner.remember_readings(&target.infrastructure_id, &truth);
    if !inner.intercepted() {
        return Ended::Answered(truth);
    }
    let mut answers = truth;
    for (node, said) in &mut answers {
        for source in sources {
            let ordinal = inner.next_ordinal();
            let kind = CallKind::Read {
                node: node.clone(),
                source: *source,
            };
            for moment in [Moment::Before, Moment::After] {
                let verdict = inner.verdict(&kind, moment, ordinal);
                if verdict == Verdict::Crash {
                    return Ended::Crashed;
                }
                bend(inner, target, node, *source, said, verdict);
            }
        }
    }
    Ended::Answered(answers)
}

fn bend(
    inner: &Inner,
    target: &Target,
    node: &NodeName,
    source: OccupancySource,
    said: &mut NodeAnswers,
    verdict: Verdict,
) {
    let answer = match verdict {
        Verdict::Pass | Verdict::Crash => return,
        Verdict::Fail(error) | Verdict::LoseAnswer(error) => Err(error),
        Verdict::Missing => {
            said.remove(&source);
            return;
        }
        Verdict::Partial => Err(ProviderError::Retryable(
            "the answer was cut off".to_owned(),
        )),
        Verdict::Stale(age) => {
            let old = inner.old_readings(&target.infrastructure_id, age);
            match old
                .and_then(|mut old| old.remove(node))
                .and_then(|mut said| said.remove(&source))
            {
                Some(answer) => answer,
                None => return,
            }
        }
        Verdict::Empty | Verdict::Lying(Lie::TooLittle) => Ok(SourceAnswer {
            occupancy: Occupancy::default(),
            load_permille: Some(0),
        }),
        Verdict::Lying(Lie::Absurd) => Ok(SourceAnswer {
            occupancy: Occupancy {
                rooms: 0,
                participants: u32::MAX,
                egress: 0,
                ingress: 0,
            },
            load_permille: Some(u32::MAX),
        }),
    };
    said.insert(source, answer);
}
