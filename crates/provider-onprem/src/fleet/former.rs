//! Machines that a manifest named once and names no more: what is ours on them still has to go.

use std::sync::Arc;

use futures::future::BoxFuture;
use ovo_api::act::Role;
use ovo_api::node::OpenViduNode;
use ovo_api::spec::{Machine as Listed, OnPrem};
use ovo_provider::Target;

use super::{Fleet, machines};

/// The records of a cluster's nodes; else why nobody can say, in words for people.
pub type RecordsAnswer<'a> = BoxFuture<'a, Result<Vec<Arc<OpenViduNode>>, String>>;

/// Where the records of nodes are.
pub trait Records: Send + Sync {
    /// The records of a cluster in a namespace.
    fn of<'a>(&'a self, namespace: &'a str, cluster: &'a str) -> RecordsAnswer<'a>;
}

/// Nothing is on record: for whoever only asks machines that a manifest names.
pub(super) struct NoRecords;

impl Records for NoRecords {
    fn of<'a>(&'a self, _: &'a str, _: &'a str) -> RecordsAnswer<'a> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}

/// A machine that is off the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Former {
    pub(super) name: String,
    /// How it is reached; else why nobody can reach it.
    pub(super) listed: Result<Listed, String>,
}

impl Fleet {
    /// The machines on record that are off the list.
    ///
    /// # Errors
    /// Why the records could not be read.
    pub(super) async fn former(
        &self,
        target: &Target,
        on_prem: &OnPrem,
    ) -> Result<Vec<Former>, String> {
        let metadata = &target.cluster.metadata;
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let cluster = metadata.name.as_deref().unwrap_or_default();
        let records = self.records.of(namespace, cluster).await?;
        let off = |record: &&Arc<OpenViduNode>| {
            matches!(record.spec.role, Role::Master | Role::Media)
                && !machines(on_prem).any(|listed| listed.name == record.spec.machine)
        };
        Ok(records
            .iter()
            .filter(off)
            .filter_map(|r| former(r))
            .collect())
    }
}

/// What a record says. `None`: nothing of ours was ever seen there.
fn former(record: &OpenViduNode) -> Option<Former> {
    let name = record.spec.machine.clone();
    let status = record.status.as_ref()?;
    let listed = match (&status.address, &status.host_key) {
        (Some(address), Some(host_key)) => Ok(Listed {
            name: name.clone(),
            role: record.spec.role,
            address: address.clone(),
            public_address: None,
            host_key: Some(host_key.clone()),
        }),
        _ if status.launched_at.is_none()
            && status.joined_at.is_none()
            && status.drain.is_none()
            && status.version.is_none() =>
        {
            return None;
        }
        // Written by a release that kept no keys, or put together by hand.
        _ => Err(format!(
            "{name} is off the list, and its record has no address or no host key: list it once more, until it was seen"
        )),
    };
    Some(Former { name, listed })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ovo_api::node::{OpenViduNodeSpec, OpenViduNodeStatus};

    use super::*;

    fn record(status: OpenViduNodeStatus) -> OpenViduNode {
        let spec = OpenViduNodeSpec {
            cluster: "video".to_owned(),
            role: Role::Media,
            machine: "w1".to_owned(),
        };
        let mut record = OpenViduNode::new("video-w1", spec);
        record.status = Some(status);
        record
    }

    /// What was ours and cannot be reached is unknown, never gone: somebody may be talking there.
    #[test]
    fn only_a_machine_on_which_nothing_of_ours_ever_was_is_forgotten() {
        let bare = OpenViduNodeStatus {
            address: Some("192.0.2.21".to_owned()),
            ..OpenViduNodeStatus::default()
        };
        assert_eq!(former(&record(bare.clone())), None);
        let ours = OpenViduNodeStatus {
            version: Some("3.8.0".to_owned()),
            ..bare
        };
        let unreachable = former(&record(ours.clone())).unwrap();
        assert!(unreachable.listed.unwrap_err().contains("host key"));
        let reached = OpenViduNodeStatus {
            host_key: Some("ssh-ed25519 AAAA".to_owned()),
            ..ours
        };
        let listed = former(&record(reached)).unwrap().listed.unwrap();
        assert_eq!(
            (listed.address.as_str(), listed.role),
            ("192.0.2.21", Role::Media)
        );
    }
}
