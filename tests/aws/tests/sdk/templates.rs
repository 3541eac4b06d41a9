//! Launch templates: versions, defaults, and which one an instance came from.

use aws_sdk_ec2::types::{
    InstanceType, LaunchTemplateInstanceMetadataOptionsRequest,
    LaunchTemplateTagSpecificationRequest, ResourceType, Tag,
};
use ovo_aws::Bed;

use crate::common::{code, data, desire, group, members, template};

#[tokio::test]
async fn versions_are_numbered_and_what_was_sent_is_what_is_described() {
    let bed = Bed::start();
    let id = template(&bed, "masters").await;
    let metadata = LaunchTemplateInstanceMetadataOptionsRequest::builder();
    let metadata = metadata
        .http_tokens("required".into())
        .http_put_response_hop_limit(1)
        .build();
    let mut richer = data(&bed);
    richer.metadata_options = Some(metadata);
    richer.user_data = Some("S0VZPVZBTFVFCg==".to_owned());
    richer.instance_type = Some(InstanceType::C6aXlarge);
    let ask = bed
        .ec2
        .create_launch_template_version()
        .launch_template_id(&id);
    let made = ask.launch_template_data(richer).send().await.unwrap();
    let made = made.launch_template_version().unwrap();
    assert_eq!(
        (made.version_number(), made.default_version()),
        (Some(2), Some(false))
    );
    let ask = bed
        .ec2
        .modify_launch_template()
        .launch_template_id(&id)
        .default_version("2");
    ask.send().await.unwrap();
    let ask = bed
        .ec2
        .describe_launch_template_versions()
        .launch_template_name("masters");
    let found = ask.versions("$Default").send().await.unwrap();
    let found = found.launch_template_versions()[0]
        .launch_template_data()
        .unwrap();
    assert_eq!(found.user_data(), Some("S0VZPVZBTFVFCg=="));
    assert_eq!(
        found
            .metadata_options()
            .unwrap()
            .http_tokens()
            .unwrap()
            .as_str(),
        "required"
    );
    assert_eq!(found.instance_type(), Some(&InstanceType::C6aXlarge));
}

#[tokio::test]
async fn a_new_version_reaches_new_members_only() {
    let bed = Bed::start();
    group(&bed, "media", 1).await.send().await.unwrap();
    bed.pass(60);
    let mut tagged = data(&bed);
    let tags =
        LaunchTemplateTagSpecificationRequest::builder().resource_type(ResourceType::Instance);
    let tags = tags
        .tags(Tag::builder().key("color").value("blue").build())
        .build();
    tagged.tag_specifications = Some(vec![tags]);
    let ask = bed
        .ec2
        .create_launch_template_version()
        .launch_template_name("media-template");
    ask.launch_template_data(tagged).send().await.unwrap();
    desire(&bed, "media", 2).await;
    bed.pass(60);
    let mut versions: Vec<_> = members(&bed, "media")
        .await
        .iter()
        .map(|m| m.launch_template().unwrap().version().unwrap().to_owned())
        .collect();
    versions.sort();
    assert_eq!(versions, ["1", "2"]);
    let blue = bed
        .region()
        .instances()
        .iter()
        .filter(|i| i.tags.contains_key("color"))
        .count();
    assert_eq!(blue, 1);
    desire(&bed, "media", 1).await;
    bed.pass(120);
    let left = members(&bed, "media").await;
    assert_eq!(
        left[0].launch_template().unwrap().version(),
        Some("2"),
        "the oldest version goes first"
    );
}

#[tokio::test]
async fn what_ec2_refuses() {
    let bed = Bed::start();
    template(&bed, "masters").await;
    let same = bed
        .ec2
        .create_launch_template()
        .launch_template_name("masters");
    let same = same.launch_template_data(data(&bed));
    assert_eq!(
        code(same.clone().send().await),
        "InvalidLaunchTemplateName.AlreadyExistsException"
    );
    let short = same.clone().launch_template_name("a");
    assert_eq!(
        code(short.send().await),
        "InvalidLaunchTemplateName.MalformedException"
    );
    let mut long = data(&bed);
    long.user_data = Some("AAAA".repeat(5462));
    let long = same.launch_template_name("long").launch_template_data(long);
    assert_eq!(
        code(long.send().await),
        "InvalidParameterValue",
        "over 16 KB"
    );
    let unknown = bed
        .ec2
        .describe_launch_templates()
        .launch_template_names("none");
    assert_eq!(
        code(unknown.send().await),
        "InvalidLaunchTemplateName.NotFoundException"
    );
    let version = bed
        .ec2
        .describe_launch_template_versions()
        .launch_template_name("masters")
        .versions("7");
    assert_eq!(
        code(version.send().await),
        "InvalidLaunchTemplateId.VersionNotFound"
    );
}

/// The same client token is the same request: after a lost answer it makes nothing new.
#[tokio::test]
async fn a_client_token_makes_a_repeated_request_the_same() {
    let bed = Bed::start();
    let ask = bed
        .ec2
        .create_launch_template()
        .launch_template_name("masters")
        .client_token("once");
    let ask = ask.launch_template_data(data(&bed));
    let first = ask.clone().send().await.unwrap();
    let again = ask.send().await.unwrap();
    let id =
        |answer: &aws_sdk_ec2::operation::create_launch_template::CreateLaunchTemplateOutput| {
            answer
                .launch_template()
                .unwrap()
                .launch_template_id()
                .unwrap()
                .to_owned()
        };
    assert_eq!(id(&first), id(&again));
}
