//! What was written, as the server tells it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use ovo_kube::Audited;

use crate::bed::{Bed, NAMESPACE};

/// What the operator asked the server to change.
#[derive(Default)]
pub(crate) struct Writes {
    /// Of our own kinds and Secrets, in order, those that were done.
    pub(crate) done: Vec<Audited>,
    /// Of the same, those that were refused.
    pub(crate) refused: usize,
    /// Events, counted apart.
    pub(crate) events: usize,
}

impl Writes {
    /// What the operator wrote in its namespace so far.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(crate) fn so_far(bed: &Bed) -> Result<Self, String> {
        let mut writes = Self::default();
        let ours = format!("system:serviceaccount:{NAMESPACE}:openvidu-operator");
        for line in bed.api.audit().map_err(|e| e.to_string())? {
            if line.user != ours {
                continue;
            }
            match line.group.as_str() {
                "events.k8s.io" => writes.events += 1,
                "openvidu.io" | "" if line.code < 300 => writes.done.push(line),
                "openvidu.io" | "" => writes.refused += 1,
                // The Lease.
                _ => {}
            }
        }
        Ok(writes)
    }

    /// How many are about this resource.
    pub(crate) fn of(&self, resource: &str) -> usize {
        self.done.iter().filter(|w| w.resource == resource).count()
    }

    /// How many of each kind.
    pub(crate) fn kinds(&self) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for write in &self.done {
            let kind = format!("{} {}/{}", write.verb, write.resource, write.subresource);
            *kinds.entry(kind).or_default() += 1;
        }
        kinds
    }
}

/// A watch of its own over one resource. The server tells every change and no write that changed nothing.
pub(crate) struct Changes {
    kubectl: Child,
    file: PathBuf,
}

impl Changes {
    /// Begins to watch, each change one line of this template.
    ///
    /// # Errors
    /// When kubectl cannot be started.
    pub(crate) fn watch(bed: &Bed, resource: &str, template: &str) -> Result<Self, String> {
        let file = bed.dir().join(format!("changes-{resource}"));
        let out = fs::File::create(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let kubectl = bed
            .api
            .kubectl()
            .args(["get", resource, "-n", NAMESPACE, "--watch"])
            .arg(format!("--output=jsonpath={template}{{\"\\n\"}}"))
            .stdin(Stdio::null())
            .stdout(out)
            .spawn()
            .map_err(|e| format!("kubectl: {e}"))?;
        Ok(Self { kubectl, file })
    }

    /// What it told so far.
    pub(crate) fn lines(&self) -> Result<Vec<String>, String> {
        let text = fs::read_to_string(&self.file);
        let text = text.map_err(|e| format!("{}: {e}", self.file.display()))?;
        Ok(text.lines().map(str::to_owned).collect())
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        // It may have ended with the server.
        let _ = self.kubectl.kill();
        let _ = self.kubectl.wait();
    }
}
