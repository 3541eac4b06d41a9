//! The conformance kit over everything that this provider makes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_autoscaling::types::LaunchTemplateSpecification;
use aws_sdk_ec2::types::{InstanceType, RequestLaunchTemplateData};
use ovo_aws_sim::{Switch, Trouble};
use ovo_model::{Millis, Op, Resource, ResourceId, Scalar, Step, Value};
use ovo_provider::conformance::{Bed, run};
use ovo_provider::{SecretSource, Target};
use ovo_provider_aws::AwsProvider;

use crate::account::{Account, Canaries, step};

/// The kit's bed: an account that can be exchanged for an empty one.
struct Kit {
    account: Mutex<Arc<Account>>,
    /// Which part of the deployment is made: the kit dies at each call of it three times.
    part: fn(&Resource) -> bool,
}

impl Kit {
    fn new(part: fn(&Resource) -> bool) -> Self {
        Self {
            account: Mutex::new(Arc::new(Account::start())),
            part,
        }
    }

    fn account(&self) -> Arc<Account> {
        self.account.lock().unwrap().clone()
    }
}

fn set(resources: &mut [Resource], kind: &str, property: &str, value: &Scalar) {
    let of_kind = resources.iter_mut().filter(|r| r.id.kind == kind);
    for resource in of_kind {
        if let Some(property) = resource.properties.get_mut(property) {
            property.value = Value::Known(value.clone());
        }
    }
}

impl Bed for Kit {
    type P = AwsProvider;

    fn target(&self) -> Target {
        self.account().target()
    }

    async fn provider(&self) -> AwsProvider {
        self.account().provider()
    }

    fn resources(&self) -> Vec<Resource> {
        let mut resources = self.account().desired();
        // Without members: how they come and go is for other tests.
        set(&mut resources, "Group", "min", &Scalar::Int(0));
        resources.retain(self.part);
        resources
    }

    fn changed(&self) -> Vec<Resource> {
        let mut resources = self.resources();
        set(&mut resources, "Group", "max", &Scalar::Int(9));
        let path = Scalar::from("/elsewhere");
        set(&mut resources, "TargetGroup", "healthPath", &path);
        resources
    }

    fn secrets(&self) -> &dyn SecretSource {
        &Canaries
    }

    async fn reset(&self) {
        // Ids follow from what was asked before: every empty account is the same.
        *self.account.lock().unwrap() = Arc::new(Account::start());
    }

    async fn wait(&self, ms: Millis) {
        let ms = u64::try_from(ms).unwrap();
        self.account().bed.aws.advance(Duration::from_millis(ms));
    }

    async fn spoil_reads(&self, spoilt: bool) -> bool {
        self.account().bed.aws.faults(|faults| {
            faults.clear();
            if spoilt {
                faults.add(Switch::always(Trouble::CutAnswer));
            }
        });
        true
    }

    async fn plant_foreign(&self, resource: &Resource) -> bool {
        let account = self.account();
        let (bed, name) = (&account.bed, account.names().full(&resource.id.name));
        let data = || {
            let data = RequestLaunchTemplateData::builder().image_id(&bed.image);
            data.instance_type(InstanceType::C5Xlarge).build()
        };
        let template = |name: String| {
            let call = bed.ec2.create_launch_template();
            call.launch_template_name(name).launch_template_data(data())
        };
        let security_group = |name: &str| {
            let call = bed.ec2.create_security_group().group_name(name);
            call.description("theirs").vpc_id(&bed.vpc)
        };
        match resource.id.kind.as_str() {
            "SecurityGroup" => drop(security_group(&name).send().await.unwrap()),
            "LaunchTemplate" => drop(template(name).send().await.unwrap()),
            "Group" => {
                template("theirs".to_owned()).send().await.unwrap();
                let launch = LaunchTemplateSpecification::builder().launch_template_name("theirs");
                let call = bed.scaling.create_auto_scaling_group();
                let call = call.auto_scaling_group_name(name).min_size(0).max_size(1);
                let call = call.launch_template(launch.build());
                let call = call.vpc_zone_identifier(bed.subnets.join(","));
                call.send().await.unwrap();
            }
            "TargetGroup" => {
                let call = bed.elb.create_target_group().name(name).vpc_id(&bed.vpc);
                let call = call.protocol("HTTP".into()).port(4443);
                call.send().await.unwrap();
            }
            "LoadBalancer" => {
                let group = security_group("theirs").send().await.unwrap();
                let call = bed.elb.create_load_balancer().name(name);
                let call = call.set_subnets(Some(bed.subnets.clone()));
                let call = call.security_groups(group.group_id().unwrap());
                call.send().await.unwrap();
            }
            // Found by their place on our balancer, not by a name.
            _ => return false,
        }
        true
    }

    async fn left(&self) -> Vec<String> {
        let mut left = self.account().bed.region().leftovers();
        // A balancer's own, which go after it.
        left.retain(|id| !id.starts_with("eni-"));
        left
    }

    fn impossible(&self) -> Option<Step> {
        let id = ResourceId::new("SecurityGroup", "balancer");
        let vpc = Value::Known("vpc-0fedcba9876543210".into());
        Some(step(Op::Create {
            resource: id,
            call: "CreateSecurityGroup".to_owned(),
            properties: [("vpc".to_owned(), vpc)].into(),
        }))
    }
}

async fn keeps(part: fn(&Resource) -> bool) {
    let report = run(&Kit::new(part)).await;
    println!(
        "{} checks, {} crash points, left out: {:?}",
        report.checks, report.crash_points, report.left_out
    );
    assert_eq!(report.complaint(), None);
    assert!(report.left_out.is_empty(), "{:?}", report.left_out);
    assert!(report.crash_points > 50, "{}", report.crash_points);
}

/// Whether the balancer, or its targets, is what this is.
fn of_the_balancer(resource: &Resource) -> bool {
    resource.scope.0 == "balancer"
}

#[tokio::test]
async fn the_groups_keep_the_contract() {
    keeps(|r| !of_the_balancer(r) || r.id.kind == "TargetGroup").await;
}

#[tokio::test]
async fn the_balancer_keeps_the_contract() {
    keeps(|r| of_the_balancer(r) || r.id.name == "balancer").await;
}
