//! Commands on an API server: the answers of a served directory, from objects that are elsewhere.

mod plan;

use jiff::Timestamp;
use ovo_api::annotations::{DRAIN, FORCE, PROTECT};
use ovo_store::ObjectKey;
use ovo_store::embedded::RecordedEvent;
use ovo_store::kubernetes::{Desk, DeskOptions, recorded};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::KubeArgs;
use crate::failure::Failure;
use crate::local::{Listing, Request, Response, find_cluster, find_node, words};

/// An API server, as the flags name it.
pub(crate) struct Remote {
    desk: Desk,
}

impl Remote {
    /// Reads the configuration; nothing is asked yet.
    pub(crate) async fn connect(args: &KubeArgs) -> Result<Self, Failure> {
        let options = DeskOptions {
            kubeconfig: args.kubeconfig.clone(),
            context: args.context.clone(),
            namespace: args.namespace.clone(),
            all_namespaces: args.all_namespaces,
        };
        let desk = Desk::connect(&options).await?;
        Ok(Self { desk })
    }

    /// What can be asked of it beside commands.
    pub(crate) const fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Carries a command out.
    pub(crate) async fn answer(&self, request: Request) -> Result<Response, Failure> {
        let done = |message| Ok(Response::Done { message });
        match request {
            Request::List => Ok(Response::List(Box::new(self.list().await?))),
            Request::Events { about } => self.events(about.as_deref()).await,
            Request::Drain { node, reason } => {
                words::needs_reason(&reason)?;
                done(words::drained(
                    &self.annotate(&node, DRAIN, Some(&reason)).await?,
                ))
            }
            Request::Undrain { node } => {
                done(words::undrained(&self.annotate(&node, DRAIN, None).await?))
            }
            Request::Force { node, confirm } => {
                let listing = self.list().await?;
                let record = find_node(&listing.nodes, &node, &self.desk.place())?;
                words::needs_whole_name(&record, &node, &confirm)?;
                let key = ObjectKey::of(&record);
                self.desk
                    .annotate_node(&key, FORCE, Some(&key.name))
                    .await?;
                done(words::forced(&key.name))
            }
            Request::Protect { node, on } => {
                let value = on.then_some("true");
                done(words::protected(
                    &self.annotate(&node, PROTECT, value).await?,
                    on,
                ))
            }
            Request::Delete { cluster } => {
                let listing = self.list().await?;
                let cluster = find_cluster(&listing.clusters, &cluster, &self.desk.place())?;
                self.desk.delete_cluster(&ObjectKey::of(&cluster)).await?;
                done(words::deleted(&cluster))
            }
            Request::Plan { .. } | Request::World | Request::Simulate { .. } => Err(
                Failure::Usage("this is asked of a served directory: --local DIR".to_owned()),
            ),
        }
    }

    async fn list(&self) -> Result<Listing, Failure> {
        let mut unreadable = Vec::new();
        let clusters = readable(self.desk.clusters().await?, &mut unreadable);
        let nodes = readable(self.desk.nodes().await?, &mut unreadable);
        Ok(Listing {
            now: Timestamp::now().as_millisecond(),
            clusters,
            unmanaged: Vec::new(),
            nodes,
            unreadable,
        })
    }

    async fn events(&self, about: Option<&str>) -> Result<Response, Failure> {
        let raw = self.desk.events().await?;
        let mut events: Vec<RecordedEvent> = raw.iter().filter_map(recorded).collect();
        if let Some(name) = about {
            let Listing {
                clusters, nodes, ..
            } = self.list().await?;
            let place = self.desk.place();
            let cluster = find_cluster(&clusters, name, &place);
            let (key, is_cluster) = match (cluster, find_node(&nodes, name, &place)) {
                (Ok(cluster), _) => (ObjectKey::of(&cluster), true),
                (Err(_), Ok(node)) => (ObjectKey::of(&node), false),
                (Err(unknown), Err(_)) => {
                    // An object that is gone still has its events.
                    let mut keys = events.iter().map(|e| &e.event.regarding.key);
                    (
                        keys.find(|key| key.name == name).cloned().ok_or(unknown)?,
                        true,
                    )
                }
            };
            words::about(&mut events, &key, is_cluster);
        }
        events.sort_by_key(|event| event.last);
        Ok(Response::Events {
            now: Timestamp::now().as_millisecond(),
            events,
        })
    }

    async fn annotate(
        &self,
        node: &str,
        annotation: &str,
        value: Option<&str>,
    ) -> Result<String, Failure> {
        let listing = self.list().await?;
        let record = find_node(&listing.nodes, node, &self.desk.place())?;
        let key = ObjectKey::of(&record);
        self.desk.annotate_node(&key, annotation, value).await?;
        Ok(key.name)
    }
}

/// What can be read of a list; one object that is malformed does not hide the others.
fn readable<K: DeserializeOwned>(items: Vec<Value>, unreadable: &mut Vec<String>) -> Vec<K> {
    let mut found = Vec::new();
    for item in items {
        let name = format!(
            "{} {}/{}",
            item["kind"].as_str().unwrap_or_default(),
            item["metadata"]["namespace"].as_str().unwrap_or_default(),
            item["metadata"]["name"].as_str().unwrap_or_default()
        );
        match serde_json::from_value(item) {
            Ok(object) => found.push(object),
            Err(error) => unreadable.push(format!("{name} cannot be read: {error}")),
        }
    }
    found
}
