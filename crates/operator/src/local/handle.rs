//! Carrying commands out, in the process that has the directory.

use ovo_api::OpenViduNode;
use ovo_api::annotations::{DRAIN, FORCE, INFRASTRUCTURE_ID, PROTECT};
use ovo_store::ObjectKey;
use ovo_store::embedded::RecordedEvent;

use crate::failure::Failure;
use crate::local::{Listing, Local, Request, Response, WorldView, words};

impl Local {
    /// Carries a command out.
    pub async fn handle(&self, request: Request) -> Response {
        match self.answer(request).await {
            Ok(response) => response,
            Err(failure) => Response::Refused {
                message: failure.to_string(),
            },
        }
    }

    async fn answer(&self, request: Request) -> Result<Response, Failure> {
        match request {
            Request::List => Ok(Response::List(Box::new(self.list()))),
            Request::Events { about } => self.events(about.as_deref()),
            Request::Drain { node, reason } => self.drain(&node, &reason).await,
            Request::Undrain { node } => {
                let name = self.annotate(&node, DRAIN, None).await?;
                Ok(done(words::undrained(&name)))
            }
            Request::Force { node, confirm } => self.force(&node, &confirm).await,
            Request::Protect { node, on } => {
                let name = self.annotate(&node, PROTECT, on.then_some("true")).await?;
                Ok(done(words::protected(&name, on)))
            }
            Request::Delete { cluster } => self.delete(&cluster).await,
            Request::Plan { files } => Ok(Response::Plan {
                clusters: self.plan(&files).await?,
            }),
            Request::World => self.world(),
            Request::Simulate { cluster, script } => self.simulate(&cluster, *script),
        }
    }

    fn list(&self) -> Listing {
        let views = self.store().list_clusters();
        Listing {
            now: self.clock().wall().0,
            unmanaged: views
                .iter()
                .filter(|view| view.unmanaged)
                .map(|view| ObjectKey::of(&*view.cluster).to_string())
                .collect(),
            clusters: views
                .into_iter()
                .map(|view| (*view.cluster).clone())
                .collect(),
            nodes: self
                .store()
                .list_nodes()
                .into_iter()
                .map(|node| (*node).clone())
                .collect(),
            unreadable: self.store().unreadable(),
        }
    }

    fn events(&self, about: Option<&str>) -> Result<Response, Failure> {
        let mut events: Vec<RecordedEvent> = self.store().all_events();
        if let Some(name) = about {
            let node = self.find_node(name);
            let cluster = self.find_cluster(name);
            let (key, nodes) = match (&cluster, &node) {
                (Ok(cluster), _) => (ObjectKey::of(&**cluster), true),
                (Err(_), Ok(node)) => (ObjectKey::of(&**node), false),
                (Err(_), Err(_)) => {
                    // An object that is gone still has its events.
                    let key = events
                        .iter()
                        .map(|e| &e.event.regarding.key)
                        .find(|key| key.name == name);
                    (
                        key.cloned().ok_or_else(|| cluster_or_node(cluster, name))?,
                        true,
                    )
                }
            };
            words::about(&mut events, &key, nodes);
        }
        events.sort_by_key(|event| event.last);
        Ok(Response::Events {
            now: self.clock().wall().0,
            events,
        })
    }

    async fn drain(&self, node: &str, reason: &str) -> Result<Response, Failure> {
        words::needs_reason(reason)?;
        let name = self.annotate(node, DRAIN, Some(reason)).await?;
        Ok(done(words::drained(&name)))
    }

    async fn force(&self, node: &str, confirm: &str) -> Result<Response, Failure> {
        let record = self.find_node(node)?;
        words::needs_whole_name(&record, node, confirm)?;
        let key = ObjectKey::of(&*record);
        let name = self.annotate(node, FORCE, Some(&key.name)).await?;
        Ok(done(words::forced(&name)))
    }

    async fn annotate(
        &self,
        node: &str,
        annotation: &str,
        value: Option<&str>,
    ) -> Result<String, Failure> {
        let record: std::sync::Arc<OpenViduNode> = self.find_node(node)?;
        let key = ObjectKey::of(&*record);
        self.store()
            .set_node_annotation(&key, annotation, value)
            .await?;
        Ok(key.name)
    }

    async fn delete(&self, name: &str) -> Result<Response, Failure> {
        let cluster = self.find_cluster(name)?;
        let key = ObjectKey::of(&*cluster);
        self.store().delete_cluster(&key).await?;
        Ok(done(words::deleted(&cluster)))
    }

    fn world(&self) -> Result<Response, Failure> {
        let door = self.door().ok_or_else(not_simulated)?;
        Ok(Response::World(Box::new(door.look(|world| {
            WorldView {
                now: world.now().0,
                ledger: world.ledger().clone(),
                rooms: world
                    .deployments()
                    .map(|(_, d)| (d.id.to_string(), d.log.recent.iter().cloned().collect()))
                    .collect(),
            }
        }))))
    }

    fn simulate(&self, cluster: &str, script: ovo_world::Script) -> Result<Response, Failure> {
        let door = self.door().ok_or_else(not_simulated)?;
        let cluster = self.find_cluster(cluster)?;
        let id = cluster
            .metadata
            .annotations
            .as_ref()
            .and_then(|a| a.get(INFRASTRUCTURE_ID))
            .cloned()
            .unwrap_or_default();
        let room = door.script(&id, script)?;
        Ok(done(room.map_or_else(
            || "done".to_owned(),
            |room| room.to_string(),
        )))
    }
}

const fn done(message: String) -> Response {
    Response::Done { message }
}

fn not_simulated() -> Failure {
    Failure::Usage("no simulated world is served here: run `serve --simulate`".to_owned())
}

fn cluster_or_node<T>(cluster: Result<T, Failure>, name: &str) -> Failure {
    cluster
        .err()
        .unwrap_or_else(|| Failure::Usage(format!("there is no object {name}")))
}
