//! The stage: what a script sees of the operator and of the world, and how it waits.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ovo_api::annotations::INFRASTRUCTURE_ID;
use ovo_api::node::NodePhase;
use ovo_api::{OpenViduCluster, OpenViduNode, Role};
use ovo_model::NodeName;
use ovo_store::ObjectKey;
use ovo_world::{Deployment, Ledger, RoomId, RoomPlan, RoomSummary, Script};

use crate::commands::Shown;
use crate::demo::put;
use crate::failure::Failure;
use crate::local::Local;
use crate::view::{Activity, Live, age, say};

/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(25);

/// One act of the demonstration that is over: its title and how long it took.
#[derive(Clone, Debug)]
pub(super) struct Act {
    pub(super) title: &'static str,
    pub(super) took: Duration,
    pub(super) found: String,
}

/// What the script works with.
pub(super) struct Stage {
    local: Local,
    live: Arc<Live>,
    shown: Shown,
    deadline: Instant,
    pub(super) acts: Mutex<Vec<Act>>,
}

impl Stage {
    pub(super) fn new(local: Local, live: Arc<Live>, shown: Shown, deadline: Instant) -> Self {
        Self {
            local,
            live,
            shown,
            deadline,
            acts: Mutex::default(),
        }
    }

    /// Plays one act; what it found ends up in the summary.
    pub(super) async fn act(
        &self,
        title: &'static str,
        why: &str,
        play: impl Future<Output = Result<String, Failure>>,
    ) -> Result<(), Failure> {
        let number = self.acts().len() + 1;
        match self.shown {
            Shown::Table => self
                .live
                .head(vec![format!("{number}. {title}"), format!("   {why}")]),
            Shown::Lines | Shown::Logs => say(&format!("\n=== {number}. {title}: {why}")),
        }
        let began = Instant::now();
        let found = play.await?;
        if self.shown != Shown::Table {
            say(&format!("=== {found}"));
        }
        self.acts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Act {
                title,
                took: began.elapsed(),
                found,
            });
        Ok(())
    }

    pub(super) fn acts(&self) -> Vec<Act> {
        self.acts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until the condition holds.
    pub(super) async fn until(
        &self,
        what: &str,
        mut holds: impl FnMut() -> bool,
    ) -> Result<(), Failure> {
        while !holds() {
            if Instant::now() >= self.deadline {
                return Err(Failure::Demo(format!(
                    "waited in vain for {what}\n{}",
                    self.words()
                )));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// What must hold, now.
    pub(super) fn must(&self, what: &str, holds: bool) -> Result<(), Failure> {
        if holds {
            Ok(())
        } else {
            Err(Failure::Demo(format!(
                "it does not hold that {what}\n{}",
                self.words()
            )))
        }
    }

    pub(super) fn cluster(&self, key: &ObjectKey) -> Option<Arc<OpenViduCluster>> {
        self.local.store().get_cluster(key).ok().flatten()
    }

    /// Whether the cluster is as its manifest says, and its status speaks of that manifest.
    pub(super) fn ready(&self, key: &ObjectKey) -> bool {
        self.cluster(key).is_some_and(|cluster| {
            let status = cluster.status.clone().unwrap_or_default();
            status.observed_generation == cluster.metadata.generation
                && status
                    .conditions
                    .iter()
                    .any(|c| c.type_ == "Ready" && c.status == "True")
        })
    }

    pub(super) fn nodes(&self, key: &ObjectKey) -> Vec<Arc<OpenViduNode>> {
        let all = self.local.store().list_nodes();
        all.into_iter()
            .filter(|n| ObjectKey::of(&**n).sibling(n.spec.cluster.clone()) == *key)
            .collect()
    }

    /// Media nodes in this phase.
    pub(super) fn media(&self, key: &ObjectKey, phase: NodePhase) -> BTreeSet<NodeName> {
        self.nodes(key)
            .iter()
            .filter(|n| {
                n.spec.role == Role::Media && n.status.as_ref().is_some_and(|s| s.phase == phase)
            })
            .map(|n| NodeName::from(n.spec.machine.as_str()))
            .collect()
    }

    /// What the operator last saw and is waiting for.
    pub(super) fn activity(&self, key: &ObjectKey) -> Activity {
        self.live.board().activity(key)
    }

    /// Looks at the deployment in the world.
    pub(super) fn world<T>(
        &self,
        key: &ObjectKey,
        look: impl FnOnce(&Deployment) -> T,
    ) -> Option<T> {
        let id = self.id(key)?;
        self.local
            .door()?
            .look(|world| world.find(&id).map(|dep| look(world.deployment(dep))))
    }

    /// The oracle's book.
    pub(super) fn ledger(&self) -> Ledger {
        self.local
            .door()
            .map(|door| door.look(|world| world.ledger().clone()))
            .unwrap_or_default()
    }

    fn id(&self, key: &ObjectKey) -> Option<String> {
        self.cluster(key)?
            .metadata
            .annotations
            .as_ref()?
            .get(INFRASTRUCTURE_ID)
            .cloned()
    }

    /// Lets something happen.
    pub(super) fn happen(
        &self,
        key: &ObjectKey,
        script: Script,
    ) -> Result<Option<RoomId>, Failure> {
        let id = self.id(key).unwrap_or_default();
        let door = self
            .local
            .door()
            .ok_or_else(|| Failure::Demo("there is no world".to_owned()))?;
        Ok(door.script(&id, script)?)
    }

    /// Opens a room on a node: two people, one of them joins a little later. Minutes are of the world's time.
    pub(super) fn meet(
        &self,
        key: &ObjectKey,
        node: &NodeName,
        minutes: i64,
    ) -> Result<RoomId, Failure> {
        let length = minutes * 60_000;
        let plan = RoomPlan {
            length,
            people: vec![(5_000, length - 5_000)],
            jobs: Vec::new(),
        };
        let room = self.happen(
            key,
            Script::StartRoom {
                node: Some(node.clone()),
                plan,
            },
        )?;
        room.ok_or_else(|| Failure::Demo("no room was opened".to_owned()))
    }

    /// What became of these rooms.
    pub(super) fn rooms(&self, key: &ObjectKey, rooms: &[RoomId]) -> Vec<RoomSummary> {
        let all = self.world(key, |d| {
            d.log
                .recent
                .iter()
                .filter(|r| rooms.contains(&r.id))
                .cloned()
                .collect()
        });
        all.unwrap_or_default()
    }

    /// Changes manifests as a person does (file, cluster, what it says, what it should say), and waits until the
    /// operator has read them.
    pub(super) async fn edit(
        &self,
        changes: &[(&str, &ObjectKey, &str, &str)],
    ) -> Result<(), Failure> {
        let generation = |key: &ObjectKey| self.cluster(key).and_then(|c| c.metadata.generation);
        let before: Vec<_> = changes.iter().map(|(_, key, ..)| generation(key)).collect();
        for (file, _, from, to) in changes {
            let path = self.local.layout().root().join(file);
            let text = std::fs::read_to_string(&path).map_err(Failure::file(&path))?;
            self.must(&format!("{file} says `{from}`"), text.contains(from))?;
            put(&path, &text.replacen(from, to, 1))?;
        }
        self.until("the manifests to be read again", || {
            changes
                .iter()
                .zip(&before)
                .all(|((_, key, ..), before)| generation(key) > *before)
        })
        .await
    }

    /// How the clusters stand, for a demonstration that failed.
    fn words(&self) -> String {
        let mut text = String::new();
        for view in self.local.store().list_clusters() {
            let key = ObjectKey::of(&*view.cluster);
            let status = view.cluster.status.clone().unwrap_or_default();
            let _ = writeln!(text, "{key}: {:?}", status.phase);
            for c in status.conditions.iter().filter(|c| !c.message.is_empty()) {
                let _ = writeln!(
                    text,
                    "  {}={} {}: {}",
                    c.type_, c.status, c.reason, c.message
                );
            }
            let activity = self.activity(&key);
            for line in activity.under_way.iter().chain(&activity.trouble) {
                let _ = writeln!(text, "  {line}");
            }
            for w in &activity.waiting {
                let _ = writeln!(text, "  {} waits for {}", w.step, w.for_what);
            }
            let now = self.local.clock().wall().0;
            for node in self.nodes(&key) {
                let status = node.status.clone().unwrap_or_default();
                let since = status
                    .since
                    .map_or(0, |t| jiff::Timestamp::as_millisecond(t.0));
                let ago = age(now - since);
                let (machine, phase) = (&node.spec.machine, status.phase);
                let _ = writeln!(text, "  {machine} {phase:?} {ago} {}", status.reason);
            }
        }
        text
    }
}
