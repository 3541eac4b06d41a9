//! What only one cluster may use: machines, buckets, and the names from which everything in a cloud derives.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use crate::OpenViduCluster;
use crate::annotations::INFRASTRUCTURE_ID;

/// Something that belongs to at most one cluster of an operator. Its text is what `status.claims` keeps.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// A machine, or an address that moves between machines. One address is one machine, however it is written.
    Address(IpAddr),
    /// A bucket that the spec names. Names of buckets are the same for everybody.
    Bucket(String),
    /// A cluster id in a region of AWS: names in the cloud derive from it.
    ClusterId {
        /// The region.
        region: String,
        /// The id.
        id: String,
    },
    /// The infrastructure id, from which owner tags and records on machines derive.
    InfrastructureId(String),
    /// What a newer release claims: kept as it is.
    Other(String),
}

/// What a cluster needs for itself alone, each with the path of the field that says so.
pub fn wanted(cluster: &OpenViduCluster) -> BTreeMap<Claim, String> {
    let spec = &cluster.spec;
    let mut claims = BTreeMap::new();
    if let Some(id) = infrastructure_id(cluster) {
        let field = format!("metadata.annotations[{INFRASTRUCTURE_ID}]");
        claims.insert(Claim::InfrastructureId(id.to_owned()), field);
    }
    let machines = spec.infrastructure.on_prem.iter().flat_map(|o| &o.machines);
    for (index, machine) in machines.enumerate() {
        let field = format!("spec.infrastructure.onPrem.machines[{index}].address");
        // What is no address is refused as a target.
        if let Some(claim) = Claim::address(&machine.address) {
            claims.insert(claim, field);
        }
    }
    let managed = spec.load_balancer.managed.as_ref();
    if let Some(claim) = managed
        .and_then(|m| m.virtual_ip.as_deref())
        .and_then(Claim::address)
    {
        let field = "spec.loadBalancer.managed.virtualIP".to_owned();
        claims.entry(claim).or_insert(field);
    }
    let bucket = spec.storage.bucket.name.as_deref();
    if let Some(name) = bucket.filter(|name| !name.is_empty()) {
        let field = "spec.storage.bucket.name".to_owned();
        claims.insert(Claim::Bucket(name.to_owned()), field);
    }
    if let Some(aws) = &spec.infrastructure.aws {
        let claim = Claim::ClusterId {
            region: aws.region.clone(),
            id: cluster.cluster_id(),
        };
        let field = match spec.cluster_id {
            Some(_) => "spec.clusterID",
            // Derived from the name, so the way out is to set the field.
            None => "spec.clusterID (not set, so it follows from the name)",
        };
        claims.insert(claim, field.to_owned());
    }
    claims
}

/// The eight characters from which all names and owner tags derive, as the object says.
pub fn infrastructure_id(cluster: &OpenViduCluster) -> Option<&str> {
    let annotations = cluster.metadata.annotations.as_ref()?;
    annotations.get(INFRASTRUCTURE_ID).map(String::as_str)
}

/// What status says that the cluster holds.
pub fn recorded(cluster: &OpenViduCluster) -> impl Iterator<Item = Claim> {
    let claims = cluster.status.iter().flat_map(|s| &s.claims);
    claims.map(|text| Claim::from(text.as_str()))
}

// === impl Claim ===

impl Claim {
    /// The claim on a machine; `None` where the text is no address.
    pub fn address(text: &str) -> Option<Self> {
        let address: IpAddr = text.parse().ok()?;
        Some(Self::Address(address.to_canonical()))
    }

    /// What it is, in words for people.
    pub fn words(&self) -> String {
        match self {
            Self::Address(address) => format!("the machine at {address}"),
            Self::Bucket(name) => format!("the bucket {name}"),
            Self::ClusterId { region, id } => format!("the cluster id {id} in {region}"),
            Self::InfrastructureId(id) => format!("the infrastructure id {id}"),
            Self::Other(text) => text.clone(),
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "address/{address}"),
            Self::Bucket(name) => write!(f, "bucket/{name}"),
            Self::ClusterId { region, id } => write!(f, "clusterID/{region}/{id}"),
            Self::InfrastructureId(id) => write!(f, "infrastructureID/{id}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl From<&str> for Claim {
    fn from(text: &str) -> Self {
        let known = text.split_once('/').and_then(|(kind, rest)| match kind {
            "address" => Self::address(rest),
            "bucket" => Some(Self::Bucket(rest.to_owned())),
            "clusterID" => rest.split_once('/').map(|(region, id)| Self::ClusterId {
                region: region.to_owned(),
                id: id.to_owned(),
            }),
            "infrastructureID" => Some(Self::InfrastructureId(rest.to_owned())),
            _ => None,
        });
        known.unwrap_or_else(|| Self::Other(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_machine_is_one_claim_however_its_address_is_written() {
        let plain = Claim::address("10.1.0.1");
        assert!(plain.is_some());
        assert_eq!(Claim::address("::ffff:10.1.0.1"), plain);
        assert_eq!(
            Claim::address("2001:DB8:0::1"),
            Claim::address("2001:db8::1")
        );
        assert_eq!(Claim::address("m1.example.com"), None);
    }

    #[test]
    fn what_status_keeps_is_read_again_as_it_was() {
        for text in [
            "address/10.1.0.1",
            "address/2001:db8::1",
            "bucket/recordings",
            "clusterID/eu-west-1/openvidu",
            "infrastructureID/abcdefgh",
            "hostedZone/of-a-newer-release",
            "nothing",
        ] {
            let claim = Claim::from(text);
            assert_eq!(claim.to_string(), text);
            assert_eq!(
                matches!(claim, Claim::Other(_)),
                text.starts_with('h') || text == "nothing"
            );
        }
    }
}
