//! The spec, checked once more: an older definition, or one without its rules, lets anything through.

use ovo_api::OpenViduCluster;
use ovo_api::validate::validate;

/// How many broken rules are told. More are a manifest of another kind.
const TOLD: usize = 10;

/// What was found of one generation of one object: the rules cost milliseconds, and a spec seldom changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Admission {
    of: Option<(Option<String>, Option<i64>)>,
    broken: Option<String>,
}

// === impl Admission ===

impl Admission {
    /// Every rule that the spec breaks, with field and way out. Who leaves is let go whatever its spec says.
    pub(crate) fn broken(&mut self, cluster: &OpenViduCluster) -> Option<String> {
        if cluster.metadata.deletion_timestamp.is_some() {
            return None;
        }
        let of = (cluster.metadata.uid.clone(), cluster.metadata.generation);
        if self.of.as_ref() != Some(&of) {
            self.broken = broken(cluster);
            self.of = Some(of);
        }
        self.broken.clone()
    }
}

fn broken(cluster: &OpenViduCluster) -> Option<String> {
    let spec = OpenViduCluster {
        status: None,
        ..cluster.clone()
    };
    let errors = validate(&spec, None).err()?;
    let mut told: Vec<String> = errors.iter().take(TOLD).map(ToString::to_string).collect();
    if errors.len() > TOLD {
        told.push(format!("and {} more", errors.len() - TOLD));
    }
    Some(told.join("; "))
}
