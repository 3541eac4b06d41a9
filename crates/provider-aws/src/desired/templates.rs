//! What masters and media nodes are launched from.

use ovo_api::act::Role;
use ovo_model::{Property, ProviderError, Resource, ResourceId, Scalar, Stage};

use super::{Build, Plan, invalid, list, network, output, user_data};
use crate::kinds::{CREATE_VERSION, MASTERS, MEDIA, TEMPLATE, USER_DATA};
use crate::names::{CLUSTER_TAG, OWNER_TAG};

/// Root volume of OpenVidu's images, as they name it.
pub(crate) const ROOT_DEVICE: &str = "/dev/sda1";
/// Lines of user data that nobody declared, by their keys.
pub(crate) const OTHER_LINES: &str = "otherUserData";

/// The id of a role's template.
pub(super) fn id(name: &str) -> ResourceId {
    ResourceId::new(TEMPLATE, name)
}

pub(super) fn masters(plan: &Plan<'_>) -> Result<Resource, ProviderError> {
    let masters = &plan.cluster.spec.masters;
    let mut build = template(
        plan,
        MASTERS,
        Role::Master,
        Stage::Masters,
        masters.instance_type(),
        masters.disk_gib(),
    )?;
    let profile = plan.aws.iam.master_instance_profile_arn.as_deref();
    build = build.with("instanceProfile", set(profile.unwrap_or_default()));
    for (key, property) in user_data::lines(plan)? {
        build = build.with(&format!("{USER_DATA}{key}"), property);
    }
    Ok(build.done())
}

/// Media nodes are passive: no user data and no identity, the masters dial them.
pub(super) fn media(plan: &Plan<'_>) -> Result<Resource, ProviderError> {
    let media = &plan.cluster.spec.media;
    let build = template(
        plan,
        MEDIA,
        Role::Media,
        Stage::Media,
        media.instance_type(),
        media.disk_gib(),
    )?;
    Ok(build.with("instanceProfile", set("")).done())
}

fn set(value: impl Into<Scalar>) -> Property {
    Property::operator(value, CREATE_VERSION)
}

fn template(
    plan: &Plan<'_>,
    name: &str,
    role: Role,
    stage: Stage,
    instance_type: &str,
    disk_gib: i32,
) -> Result<Build, ProviderError> {
    let security_group = network::id(name);
    let calls = ["CreateLaunchTemplate", "DeleteLaunchTemplate"];
    // Without one nobody logs in.
    let key_pair = plan.aws.key_pair_name.as_deref().unwrap_or_default();
    Ok(Build::new(TEMPLATE, name, name, stage, calls)
        .role(role)
        .after([security_group.clone()])
        .with("image", set(image(plan, role)?))
        .with("instanceType", set(instance_type))
        .with("diskGiB", set(i64::from(disk_gib)))
        .with("diskType", set("gp3"))
        .with("diskGoesAlong", set(true))
        // IMDSv2: what runs on a node gets its identity by a session only, and nothing beyond the node gets it.
        .with("metadataTokens", set("required"))
        .with("metadataHops", set(1))
        // Nobody ends a node by a slip of the console; its group still can.
        .with("terminationRefused", set(true))
        .with(
            "securityGroup",
            set("").value(output(&security_group, "id")),
        )
        .with("volumeTags", set("").value(list(volume_tags(plan))))
        .with("keyPair", set(key_pair))
        .with(OTHER_LINES, set("").value(list([]))))
}

/// Volumes are billed apart from their instances, and a group's tags do not reach them.
fn volume_tags(plan: &Plan<'_>) -> Vec<String> {
    let own = [
        (OWNER_TAG.to_owned(), plan.names.id().to_owned()),
        (CLUSTER_TAG.to_owned(), plan.names.cluster().to_owned()),
    ];
    let mut tags = plan.aws.tags.clone();
    tags.extend(own);
    tags.iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect()
}

fn image(plan: &Plan<'_>, role: Role) -> Result<String, ProviderError> {
    let field = "spec.infrastructure.aws.images";
    let images = plan.aws.images.as_ref().ok_or_else(|| {
        invalid(
            field,
            "OpenVidu 2 is launched from images; name those of this version",
        )
    })?;
    let region = &plan.aws.region;
    if let Some(source) = images.source_region.as_ref().filter(|s| *s != region) {
        return Err(invalid(
            &format!("{field}.sourceRegion"),
            format!(
                "images are not copied from {source} to {region} yet; copy them and name the copies"
            ),
        ));
    }
    Ok(match role {
        Role::Master => images.master.id.clone(),
        Role::Media | Role::LoadBalancer => images.media.id.clone(),
    })
}
