//! What several of these tests make.

use aws_sdk_autoscaling::operation::create_auto_scaling_group::builders::CreateAutoScalingGroupFluentBuilder;
use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance, LaunchTemplateSpecification};
use aws_sdk_ec2::error::ProvideErrorMetadata;
use aws_sdk_ec2::types::{InstanceType, RequestLaunchTemplateData};
use ovo_aws::Bed;

/// The code that a call failed with.
pub(crate) fn code<T: std::fmt::Debug, E: ProvideErrorMetadata>(answer: Result<T, E>) -> String {
    let error = answer.expect_err("an error");
    error.code().unwrap_or_default().to_owned()
}

/// The data of a launch template with the bed's image.
pub(crate) fn data(bed: &Bed) -> RequestLaunchTemplateData {
    RequestLaunchTemplateData::builder()
        .image_id(&bed.image)
        .instance_type(InstanceType::C5Xlarge)
        .key_name("key")
        .build()
}

/// A launch template. Gives its id.
pub(crate) async fn template(bed: &Bed, name: &str) -> String {
    let answer = bed.ec2.create_launch_template().launch_template_name(name);
    let answer = answer.launch_template_data(data(bed)).send().await.unwrap();
    answer
        .launch_template()
        .unwrap()
        .launch_template_id()
        .unwrap()
        .to_owned()
}

/// A request for a group of 0 to 9 over both zones, to be completed and sent.
pub(crate) async fn group(
    bed: &Bed,
    name: &str,
    desired: i32,
) -> CreateAutoScalingGroupFluentBuilder {
    let id = template(bed, &format!("{name}-template")).await;
    bed.scaling
        .create_auto_scaling_group()
        .auto_scaling_group_name(name)
        .launch_template(
            LaunchTemplateSpecification::builder()
                .launch_template_id(id)
                .version("$Latest")
                .build(),
        )
        .min_size(0)
        .max_size(9)
        .desired_capacity(desired)
        .vpc_zone_identifier(bed.subnets.join(","))
}

/// A group as Auto Scaling describes it.
pub(crate) async fn described(bed: &Bed, name: &str) -> Option<AutoScalingGroup> {
    let answer = bed
        .scaling
        .describe_auto_scaling_groups()
        .auto_scaling_group_names(name);
    answer
        .send()
        .await
        .unwrap()
        .auto_scaling_groups()
        .first()
        .cloned()
}

/// The members of a group.
pub(crate) async fn members(bed: &Bed, name: &str) -> Vec<Instance> {
    described(bed, name).await.unwrap().instances().to_vec()
}

/// The instance id of a group's first member.
pub(crate) async fn a_member(bed: &Bed, name: &str) -> String {
    let first = members(bed, name).await.swap_remove(0);
    first.instance_id().unwrap().to_owned()
}

/// The life-cycle states of a group's members, in order.
pub(crate) async fn states(bed: &Bed, name: &str) -> Vec<String> {
    let mut states: Vec<_> = members(bed, name)
        .await
        .iter()
        .map(|m| m.lifecycle_state().unwrap().as_str().to_owned())
        .collect();
    states.sort();
    states
}

/// Asks for a capacity.
pub(crate) async fn desire(bed: &Bed, name: &str, desired: i32) {
    let ask = bed
        .scaling
        .set_desired_capacity()
        .auto_scaling_group_name(name);
    ask.desired_capacity(desired).send().await.unwrap();
}

/// A security group. Gives its id.
pub(crate) async fn security_group(bed: &Bed, name: &str) -> String {
    let ask = bed
        .ec2
        .create_security_group()
        .group_name(name)
        .description("for a test");
    ask.vpc_id(&bed.vpc)
        .send()
        .await
        .unwrap()
        .group_id()
        .unwrap()
        .to_owned()
}
