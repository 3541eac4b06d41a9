//! What happens in the demonstration. Every act waits for what it shows and fails when it does not come.

use std::collections::BTreeSet;

use ovo_api::node::NodePhase;
use ovo_model::NodeName;
use ovo_store::ObjectKey;
use ovo_world::{RoomEnd, RoomId, Script};

use crate::demo::stage::Stage;
use crate::demo::{V2_FILE, V3_FILE};
use crate::failure::Failure;

/// Plays all acts.
pub(super) async fn play(stage: &Stage) -> Result<(), Failure> {
    let cast = Cast {
        stage,
        v2: ObjectKey::new("video", "openvidu-multimaster"),
        v3: ObjectKey::new("video", "openvidu-ha"),
    };
    stage
        .act(
            "Two clusters are built",
            "OpenVidu 2 Enterprise on AWS and OpenVidu 3 on machines, from the manifests of docs/examples",
            cast.built(),
        )
        .await?;
    stage
        .act(
            "A media node fails",
            "one loses its power, one is gone for good: others take their place",
            cast.repaired(),
        )
        .await?;
    stage
        .act(
            "More people come",
            "a third media node is asked for on AWS, and rooms open on every one",
            cast.met(),
        )
        .await?;
    stage
        .act(
            "Fewer media nodes are wanted",
            "while people talk: a node is closed, its meetings go on, and it ends when the last one is over",
            cast.shrunk(),
        )
        .await?;
    stage
        .act(
            "The configuration changes",
            "it would restart everything: it waits until nobody talks any more",
            cast.reconfigured(),
        )
        .await
}

struct Cast<'a> {
    stage: &'a Stage,
    v2: ObjectKey,
    v3: ObjectKey,
}

impl Cast<'_> {
    fn both(&self) -> [&ObjectKey; 2] {
        [&self.v2, &self.v3]
    }

    fn serving(&self, key: &ObjectKey) -> BTreeSet<NodeName> {
        self.stage.media(key, NodePhase::Serving)
    }

    async fn all_ready(&self) -> Result<(), Failure> {
        self.stage
            .until("both clusters to be ready", || {
                self.both().iter().all(|key| self.stage.ready(key))
            })
            .await
    }

    async fn built(&self) -> Result<String, Failure> {
        self.all_ready().await?;
        let nodes: usize = self
            .both()
            .iter()
            .map(|key| self.stage.nodes(key).len())
            .sum();
        Ok(format!("both clusters are Ready, {nodes} nodes"))
    }

    async fn repaired(&self) -> Result<String, Failure> {
        let stage = self.stage;
        let mut victims = Vec::new();
        for key in self.both() {
            let victim = self.serving(key).pop_first();
            let victim =
                victim.ok_or_else(|| Failure::Demo(format!("no media node of {key} serves")))?;
            let script = if *key == self.v3 {
                Script::PowerOff {
                    node: victim.clone(),
                    back: None,
                }
            } else {
                Script::Disappear {
                    node: victim.clone(),
                }
            };
            stage.happen(key, script)?;
            victims.push((key, victim));
        }
        stage
            .until("the failures to be noticed", || {
                victims
                    .iter()
                    .all(|(key, v)| !self.serving(key).contains(v))
            })
            .await?;
        stage
            .until("others to take their place", || {
                victims.iter().all(|(key, _)| self.serving(key).len() >= 2)
            })
            .await?;
        // The power comes back: one machine too many serves until it stands by again.
        stage.happen(
            &self.v3,
            Script::Boot {
                node: victims[1].1.clone(),
            },
        )?;
        stage
            .until("the repaired machine to be of use again", || {
                self.serving(&self.v3).len() + stage.media(&self.v3, NodePhase::Standby).len() == 3
            })
            .await?;
        stage
            .until("two machines to serve", || {
                self.serving(&self.v3).len() == 2
            })
            .await?;
        self.all_ready().await?;
        Ok(format!(
            "{} and {} were replaced",
            victims[0].1, victims[1].1
        ))
    }

    async fn met(&self) -> Result<String, Failure> {
        let stage = self.stage;
        stage
            .edit(&[(V2_FILE, &self.v2, "    replicas: 2", "    replicas: 3")])
            .await?;
        stage
            .until("a third media node on AWS", || {
                self.serving(&self.v2).len() == 3
            })
            .await?;
        let mut rooms = 0;
        for key in self.both() {
            for node in self.serving(key) {
                for minutes in [4, 5, 6] {
                    stage.meet(key, &node, minutes)?;
                    rooms += 1;
                }
            }
        }
        stage
            .until("the operator to see them", || {
                let seen: u32 = self
                    .both()
                    .iter()
                    .map(|key| stage.activity(key).occupancies.total.rooms)
                    .sum();
                seen >= rooms
            })
            .await?;
        Ok(format!(
            "a third media node serves on AWS, and {rooms} rooms are open"
        ))
    }

    async fn shrunk(&self) -> Result<String, Failure> {
        let stage = self.stage;
        let fewer = [
            (V2_FILE, &self.v2, "    replicas: 3", "    replicas: 2"),
            (V3_FILE, &self.v3, "    replicas: 2", "    replicas: 1"),
        ];
        stage.edit(&fewer).await?;
        let (on_aws, on_machines) = tokio::try_join!(
            self.closed_and_ended(&self.v2),
            self.closed_and_ended(&self.v3)
        )?;
        self.all_ready().await?;
        Ok(format!("{on_aws}; {on_machines}"))
    }

    /// One media node is closed while people talk on it, and ends after the last of them.
    async fn closed_and_ended(&self, key: &ObjectKey) -> Result<String, Failure> {
        let stage = self.stage;
        let closed = || stage.media(key, NodePhase::Draining).pop_first();
        stage
            .until(&format!("a media node of {key} to be closed"), || {
                closed().is_some()
            })
            .await?;
        let Some(victim) = closed() else {
            return Err(Failure::Demo(format!(
                "{key}: the closed node is not closed"
            )));
        };
        let rooms: Vec<RoomId> = self.rooms_on(key, &victim);
        stage.must(
            &format!("meetings last on {victim} when it is closed"),
            !rooms.is_empty(),
        )?;
        stage
            .until(&format!("{victim} to end"), || {
                let phases = [
                    NodePhase::Draining,
                    NodePhase::Drained,
                    NodePhase::Stopping,
                    NodePhase::Serving,
                ];
                !phases
                    .iter()
                    .any(|phase| stage.media(key, *phase).contains(&victim))
            })
            .await?;
        let ended = stage.rooms(key, &rooms);
        stage.must(
            &format!("every meeting on {victim} came to its own end"),
            ended.len() == rooms.len()
                && ended.iter().all(|room| room.end == Some(RoomEnd::Natural)),
        )?;
        Ok(format!(
            "{victim} was closed with {} rooms on it and ended after the last one",
            rooms.len()
        ))
    }

    fn rooms_on(&self, key: &ObjectKey, node: &NodeName) -> Vec<RoomId> {
        self.stage
            .world(key, |d| d.rooms_on(node).map(|room| room.id).collect())
            .unwrap_or_default()
    }

    async fn reconfigured(&self) -> Result<String, Failure> {
        let stage = self.stage;
        for key in self.both() {
            for node in self.serving(key) {
                stage.meet(key, &node, 3)?;
            }
        }
        let more = "  config: {V2COMPAT_OPENVIDU_WEBHOOK: \"true\"}\n  mediaEngine: pion";
        let changes = [
            (
                V2_FILE,
                &self.v2,
                "OPENVIDU_WEBHOOK: \"true\"",
                "OPENVIDU_WEBHOOK: \"false\"",
            ),
            (V3_FILE, &self.v3, "  mediaEngine: pion", more),
        ];
        stage.edit(&changes).await?;
        let waits = |key: &ObjectKey| {
            let waiting = stage.activity(key).waiting;
            waiting
                .into_iter()
                .find(|w| w.for_what.contains("cuts "))
                .map(|w| w.for_what)
        };
        stage
            .until("the change to wait for the rooms", || {
                self.both().iter().all(|key| waits(key).is_some())
            })
            .await?;
        let words: Vec<String> = self.both().iter().filter_map(|key| waits(key)).collect();
        stage.must(
            "rooms last meanwhile",
            self.both().iter().all(|key| self.live_rooms(key) > 0),
        )?;
        stage
            .until("the rooms to end by themselves", || {
                self.both().iter().all(|key| self.live_rooms(key) == 0)
            })
            .await?;
        stage
            .until("the change to be applied", || {
                self.both().iter().all(|key| self.applied(key))
            })
            .await?;
        self.all_ready().await?;
        Ok(format!(
            "waited because it {}, and was applied after the last room",
            words.join(", and ")
        ))
    }

    fn live_rooms(&self, key: &ObjectKey) -> usize {
        self.stage
            .world(key, |d| {
                d.rooms
                    .values()
                    .filter(|room| room.participants > 0)
                    .count()
            })
            .unwrap_or(0)
    }

    fn applied(&self, key: &ObjectKey) -> bool {
        self.stage
            .cluster(key)
            .and_then(|c| c.status.clone())
            .is_some_and(|status| {
                status
                    .conditions
                    .iter()
                    .any(|c| c.type_ == "ConfigApplied" && c.status == "True")
            })
    }
}
