//! Launch templates: what an instance is launched from. Their newest version is the one that counts.

use aws_sdk_ec2::types::{
    LaunchTemplateBlockDeviceMappingRequest, LaunchTemplateEbsBlockDeviceRequest,
    LaunchTemplateIamInstanceProfileSpecificationRequest,
    LaunchTemplateInstanceMetadataOptionsRequest, LaunchTemplateTagSpecificationRequest,
    RequestLaunchTemplateData, ResourceType, ResponseLaunchTemplateData,
};
use data_encoding::BASE64;
use secrecy::{ExposeSecret, SecretString};

use crate::fault::answer;
use crate::tags::{read, sent, specification};
use crate::{Ec2, Fault, Find, Tags};

/// The version that groups launch from: always the newest.
const NEWEST: &str = "$Latest";

/// The root volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// Device name in the image.
    pub device: String,
    /// Size in GiB.
    pub gib: i32,
    /// `gp3` and the like.
    pub kind: String,
    /// Whether it goes with its instance.
    pub goes_along: bool,
}

/// What an instance is launched with.
#[derive(Clone, Debug, Default)]
pub struct TemplateData {
    /// Machine image.
    pub image: String,
    /// Instance type.
    pub instance_type: String,
    /// Key pair, if people may log in.
    pub key_pair: Option<String>,
    /// Ids of security groups.
    pub security_groups: Vec<String>,
    /// Root volume, if the template says something of it.
    pub disk: Option<Disk>,
    /// `required`: the metadata service answers to sessions only (IMDSv2).
    pub metadata_tokens: String,
    /// How many hops away the metadata service may be asked from.
    pub metadata_hops: i32,
    /// Whether people are refused when they terminate an instance; its group is not.
    pub termination_refused: bool,
    /// ARN of the instance profile.
    pub instance_profile: Option<String>,
    /// User data, if it is text. It may hold secrets.
    pub user_data: Option<SecretString>,
    /// Tags of its volumes.
    pub volume_tags: Tags,
}

/// A launch template with its newest version.
#[derive(Clone, Debug)]
pub struct Template {
    /// EC2's id of it.
    pub id: String,
    /// Name, unique in the account and region.
    pub name: String,
    /// Tags of the template itself.
    pub tags: Tags,
    /// Number of the newest version.
    pub version: i64,
    /// What its maker wrote on that version.
    pub description: String,
    /// What it says.
    pub data: TemplateData,
}

fn request(data: &TemplateData) -> RequestLaunchTemplateData {
    let metadata = LaunchTemplateInstanceMetadataOptionsRequest::builder()
        .http_tokens(data.metadata_tokens.as_str().into())
        .http_put_response_hop_limit(data.metadata_hops)
        .build();
    let mut request = RequestLaunchTemplateData::builder()
        .image_id(&data.image)
        .instance_type(data.instance_type.as_str().into())
        .set_key_name(data.key_pair.clone())
        .set_security_group_ids(Some(data.security_groups.clone()))
        .metadata_options(metadata)
        .disable_api_termination(data.termination_refused);
    if let Some(disk) = &data.disk {
        let volume = LaunchTemplateEbsBlockDeviceRequest::builder()
            .volume_size(disk.gib)
            .volume_type(disk.kind.as_str().into())
            .delete_on_termination(disk.goes_along)
            .build();
        let mapping = LaunchTemplateBlockDeviceMappingRequest::builder()
            .device_name(&disk.device)
            .ebs(volume);
        request = request.block_device_mappings(mapping.build());
    }
    if let Some(arn) = &data.instance_profile {
        let profile = LaunchTemplateIamInstanceProfileSpecificationRequest::builder().arn(arn);
        request = request.iam_instance_profile(profile.build());
    }
    if let Some(text) = &data.user_data {
        request = request.user_data(BASE64.encode(text.expose_secret().as_bytes()));
    }
    if !data.volume_tags.is_empty() {
        let tags = LaunchTemplateTagSpecificationRequest::builder()
            .resource_type(ResourceType::Volume)
            .set_tags(Some(sent(&data.volume_tags)));
        request = request.tag_specifications(tags.build());
    }
    request.build()
}

fn response(data: &ResponseLaunchTemplateData) -> TemplateData {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let metadata = data.metadata_options();
    let disk = data.block_device_mappings().first().and_then(|mapping| {
        let volume = mapping.ebs()?;
        Some(Disk {
            device: text(mapping.device_name()),
            gib: volume.volume_size().unwrap_or_default(),
            kind: text(volume.volume_type().map(|kind| kind.as_str())),
            goes_along: volume.delete_on_termination().unwrap_or_default(),
        })
    });
    let user_data = data.user_data().and_then(|encoded| {
        let bytes = BASE64.decode(encoded.as_bytes()).ok()?;
        String::from_utf8(bytes).ok().map(SecretString::from)
    });
    let volume_tags = data
        .tag_specifications()
        .iter()
        .filter(|tags| tags.resource_type() == Some(&ResourceType::Volume))
        .flat_map(|tags| read(tags.tags()))
        .collect();
    TemplateData {
        image: text(data.image_id()),
        instance_type: text(data.instance_type().map(|kind| kind.as_str())),
        key_pair: data.key_name().map(str::to_owned),
        security_groups: data.security_group_ids().to_vec(),
        disk,
        metadata_tokens: text(
            metadata
                .and_then(|m| m.http_tokens())
                .map(|tokens| tokens.as_str()),
        ),
        metadata_hops: metadata
            .and_then(|m| m.http_put_response_hop_limit())
            .unwrap_or_default(),
        termination_refused: data.disable_api_termination().unwrap_or_default(),
        instance_profile: data
            .iam_instance_profile()
            .and_then(|profile| profile.arn())
            .map(str::to_owned),
        user_data,
        volume_tags,
    }
}

impl Ec2 {
    /// The launch templates that are found so, each with its newest version.
    ///
    /// # Errors
    /// When the answer is not whole.
    pub async fn templates(&self, find: &Find) -> Result<Vec<Template>, Fault> {
        let call = self
            .client
            .describe_launch_templates()
            .filters(find.filter("launch-template-name"));
        let found = answer(call.into_paginator().items().send().try_collect().await)?;
        let mut templates = Vec::new();
        for template in found {
            let id = template.launch_template_id().unwrap_or_default().to_owned();
            let call = self
                .client
                .describe_launch_template_versions()
                .launch_template_id(&id)
                .versions(NEWEST);
            let newest = answer(call.send().await)?;
            let Some(newest) = newest.launch_template_versions().first() else {
                return Err(Fault::Lost(format!("{id} has no version {NEWEST}")));
            };
            templates.push(Template {
                name: template
                    .launch_template_name()
                    .unwrap_or_default()
                    .to_owned(),
                tags: read(template.tags()),
                version: newest.version_number().unwrap_or_default(),
                description: newest.version_description().unwrap_or_default().to_owned(),
                data: newest
                    .launch_template_data()
                    .map(response)
                    .unwrap_or_default(),
                id,
            });
        }
        Ok(templates)
    }

    /// Makes a launch template with its first version.
    ///
    /// # Errors
    /// As EC2 or the way there has it.
    pub async fn create_template(
        &self,
        name: &str,
        data: &TemplateData,
        description: &str,
        tags: &Tags,
    ) -> Result<(), Fault> {
        let call = self
            .client
            .create_launch_template()
            .launch_template_name(name)
            .launch_template_data(request(data))
            .version_description(description)
            .tag_specifications(specification(ResourceType::LaunchTemplate, tags));
        answer(call.send().await).map(drop)
    }

    /// Adds a version. The token makes a repeated request the same.
    ///
    /// # Errors
    /// As EC2 or the way there has it.
    pub async fn create_template_version(
        &self,
        id: &str,
        data: &TemplateData,
        description: &str,
        token: &str,
    ) -> Result<(), Fault> {
        let call = self
            .client
            .create_launch_template_version()
            .launch_template_id(id)
            .launch_template_data(request(data))
            .version_description(description)
            .client_token(token);
        answer(call.send().await).map(drop)
    }

    /// Deletes a launch template with all its versions. Instances that it launched go on.
    ///
    /// # Errors
    /// As EC2 or the way there has it.
    pub async fn delete_template(&self, id: &str) -> Result<(), Fault> {
        let call = self.client.delete_launch_template().launch_template_id(id);
        answer(call.send().await).map(drop)
    }
}
