//! An account in which a cluster may be made, and the cluster of the example manifest in it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ovo_api::OpenViduCluster;
use ovo_api::annotations::INFRASTRUCTURE_ID;
use ovo_aws::{Bed, REGION};
use ovo_aws_ec2::{Connection, Credentials, Keys};
use ovo_aws_sim::{Quotas, Simulator, Timings};
use ovo_model::{
    Cause, Executor, Op, Outcome, ProviderError, Resource, ResourceId, SecretDigest, SecretKey,
    Step, Value,
};
use ovo_provider::{Call, Provider, SecretSource, Target};
use ovo_provider_aws::{AwsProvider, Names, desired};
use secrecy::SecretString;
use serde_json::{Value as Json, json};

/// The infrastructure id of these tests.
pub(crate) const ID: &str = "abcdefgh";

const MANIFEST: &str = include_str!("../../../../docs/examples/v2-aws.yaml");

/// Times that nobody has to wait for.
fn quick() -> Timings {
    Timings {
        balancer_provisioning: Duration::from_secs(1),
        balancer_interfaces: Duration::from_secs(2),
        ..Timings::default()
    }
}

/// An account, what a user brings into it, and a cluster that was just written down.
pub(crate) struct Account {
    pub(crate) bed: Bed,
    pub(crate) manifest: Json,
    pub(crate) cluster: Arc<OpenViduCluster>,
    /// Whether changes may begin.
    pub(crate) open: Arc<AtomicBool>,
}

impl Account {
    pub(crate) fn start() -> Self {
        let bed = Bed::before(Simulator::start_with(quick(), Quotas::default()).unwrap());
        let mut manifest: Json = serde_saphyr::from_str(MANIFEST).unwrap();
        let certificate = bed.region().add_certificate();
        manifest["metadata"]["annotations"] = json!({INFRASTRUCTURE_ID: ID});
        let spec = &mut manifest["spec"];
        spec["loadBalancer"]["certificate"]["arn"] = json!(certificate);
        let aws = &mut spec["infrastructure"]["aws"];
        aws["vpcID"] = json!(bed.vpc);
        aws["subnetIDs"] = json!(bed.subnets);
        aws["keyPairName"] = json!("key");
        aws["images"]["master"]["id"] = json!(bed.image);
        let media = bed.aws.publish_image(REGION, "media image");
        aws["images"]["media"]["id"] = json!(media);
        let cluster: OpenViduCluster = serde_json::from_value(manifest.clone()).unwrap();
        Self {
            bed,
            manifest,
            cluster: Arc::new(cluster),
            open: Arc::new(AtomicBool::new(true)),
        }
    }

    /// A provider that has just begun.
    pub(crate) fn provider(&self) -> AwsProvider {
        let keys = Keys::new("key", "secret", None, None, "test");
        let open = self.open.clone();
        AwsProvider::new(&Connection::new(
            REGION,
            Some(self.bed.aws.endpoint()),
            Credentials::new(keys),
            Duration::from_secs(5),
            move |_| open.load(Ordering::SeqCst),
        ))
    }

    pub(crate) fn target(&self) -> Target {
        Target {
            cluster: self.cluster.clone(),
            profile: self.cluster.spec.profile().unwrap(),
            infrastructure_id: ID.into(),
        }
    }

    pub(crate) fn names(&self) -> Names {
        Names::of(ID, &self.cluster)
    }

    /// What should be, with the digests of secrets filled in, as the engine does.
    pub(crate) fn desired(&self) -> Vec<Resource> {
        let mut resources = desired(&self.cluster, self.target().profile).unwrap();
        for property in resources.iter_mut().flat_map(|r| r.properties.values_mut()) {
            if let Value::Secret { key, digest } = &mut property.value {
                *digest = Some(Canaries::digest(key));
            }
        }
        resources
    }

    /// How many requests that change something the account has heard.
    pub(crate) fn changes(&self) -> usize {
        let calls = self.bed.aws.calls();
        let changing = calls
            .iter()
            .filter(|c| !c.operation.starts_with("Describe"));
        changing.count()
    }

    /// Carries out a step that is made of this operation.
    pub(crate) async fn execute(&self, op: Op) -> Result<Outcome, ProviderError> {
        let call = Call {
            secrets: &Canaries,
            epoch: 1,
        };
        self.provider()
            .execute(&self.target(), &step(op), call)
            .await
    }

    /// Makes a resource from values that are all known.
    pub(crate) async fn create(
        &self,
        id: &ResourceId,
        outputs: &[(&str, &str)],
    ) -> Result<Outcome, ProviderError> {
        let resource = self.desired().into_iter().find(|r| r.id == *id).unwrap();
        let mut properties: BTreeMap<String, Value> = resource
            .properties
            .into_iter()
            .map(|(name, property)| (name, property.value))
            .collect();
        for (name, value) in outputs {
            let value = Value::Known((*value).into());
            properties.insert((*name).to_owned(), value);
        }
        self.execute(Op::Create {
            resource: id.clone(),
            call: resource.create.unwrap(),
            properties,
        })
        .await
    }
}

/// A step that nobody planned.
pub(crate) fn step(op: Op) -> Step {
    Step {
        id: op.id(),
        act: ovo_api::ActKind::Update,
        role: None,
        cuts: ovo_api::Cuts::Nothing,
        cause: Cause::Creation,
        reason: "wanted by a test".to_owned(),
        executor: Executor::Provider,
        op,
    }
}

/// Secrets that stand out wherever they come to light.
pub(crate) struct Canaries;

impl Canaries {
    pub(crate) fn value(key: &SecretKey) -> String {
        format!("CANARY-{}-{}", key.secret, key.key)
    }

    pub(crate) fn digest(key: &SecretKey) -> SecretDigest {
        let name = format!("{key}{key}{key}");
        let digits = name.bytes().take(16).map(|byte| format!("{byte:02x}"));
        SecretDigest(digits.collect())
    }
}

impl SecretSource for Canaries {
    fn get(&self, key: &SecretKey) -> Option<SecretString> {
        Some(SecretString::from(Self::value(key)))
    }
}
