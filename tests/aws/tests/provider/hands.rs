//! Somebody's hand in the account: each property of what the operator made, changed past it.

use aws_sdk_autoscaling::types::{LaunchTemplateSpecification, Tag as GroupTag};
use aws_sdk_ec2::types::{IpPermission, IpRange, Tag};
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, Certificate, FixedResponseActionConfig, Matcher, RuleCondition,
    Tag as ElbTag,
};
use ovo_aws::Bed;
use ovo_aws_ec2::{Connection, Credentials, Ec2, Find, Keys, Template};
use ovo_model::ResourceId;
use secrecy::{ExposeSecret, SecretString};

use crate::site::Site;

/// What a hand writes where a word is.
const WORD: &str = "by-hand";

/// Changes one property.
pub(crate) async fn change(site: &Site, id: &ResourceId, property: &str) {
    let bed = &site.account.bed;
    match id.kind.as_str() {
        "SecurityGroup" => security_group(site, id, property).await,
        "LaunchTemplate" => template(site, id, property).await,
        "Group" => group(site, id, property).await,
        _ => {
            let arn = match id.kind.as_str() {
                "ListenerRule" => rule(site, id).await,
                _ => site.output(id, "arn").await,
            };
            balancer(site, bed, id, &arn, property).await;
        }
    }
}

async fn tag(bed: &Bed, id: &str, key: &str) {
    let call = bed.ec2.create_tags().resources(id);
    let tag = Tag::builder().key(key).value(WORD).build();
    call.tags(tag).send().await.unwrap();
}

fn ports(protocol: &str, port: i32) -> IpPermission {
    let anybody = IpRange::builder().cidr_ip("0.0.0.0/0").build();
    IpPermission::builder()
        .ip_protocol(protocol)
        .from_port(port)
        .to_port(port)
        .ip_ranges(anybody)
        .build()
}

async fn security_group(site: &Site, id: &ResourceId, property: &str) {
    let bed = &site.account.bed;
    let group = site.output(id, "id").await;
    if let Some(key) = property.strip_prefix("tag:") {
        return tag(bed, &group, key).await;
    }
    match property {
        "otherIngress" => {
            let call = bed.ec2.authorize_security_group_ingress().group_id(&group);
            let call = call.ip_permissions(ports("tcp", 22));
            call.send().await.unwrap();
            return;
        }
        "otherEgress" => {
            let call = bed.ec2.authorize_security_group_egress().group_id(&group);
            let call = call.ip_permissions(ports("tcp", 25));
            call.send().await.unwrap();
            return;
        }
        _ => {}
    }
    let client = client(site);
    let find = Find::Names(vec![site.account.names().full(&id.name)]);
    let found = client.security_groups(&find, None).await.unwrap();
    let words: Vec<&str> = property.split(' ').collect();
    let peer = match words[..] {
        ["egress", "all", "v4"] | [.., "v4"] => "0.0.0.0/0".to_owned(),
        [.., "v6"] => "::/0".to_owned(),
        [.., "self"] => group.clone(),
        [.., other] => {
            let other = ResourceId::new("SecurityGroup", other);
            site.output(&other, "id").await
        }
        [] => panic!("{property}"),
    };
    let egress = words[0] == "egress";
    let rule = found[0].rules.iter().find(|rule| {
        let ports = match (rule.from, rule.to) {
            (from, to) if from == to => from.to_string(),
            (from, to) => format!("{from}-{to}"),
        };
        let fits = egress || (rule.protocol == words[1] && ports == words[2]);
        rule.egress == egress && rule.peer.to_string() == peer && fits
    });
    let rule = vec![rule.expect(property).id.clone()];
    client.revoke(&group, egress, rule).await.unwrap();
}

fn client(site: &Site) -> Ec2 {
    let keys = Keys::new("key", "secret", None, None, "somebody else");
    Ec2::new(&Connection::new(
        ovo_aws::REGION,
        Some(site.account.bed.aws.endpoint()),
        Credentials::new(keys),
        std::time::Duration::from_secs(5),
        |_| true,
    ))
}

/// The newest version of a template, past the operator.
pub(crate) async fn newest(site: &Site, id: &ResourceId) -> Template {
    let find = Find::Names(vec![site.account.names().full(&id.name)]);
    client(site).templates(&find).await.unwrap().remove(0)
}

/// A new version from the newest one, with its description, as the console makes it.
async fn template(site: &Site, id: &ResourceId, property: &str) {
    let bed = &site.account.bed;
    let found = newest(site, id).await;
    if let Some(key) = property.strip_prefix("tag:") {
        return tag(bed, &found.id, key).await;
    }
    let mut data = found.data.clone();
    let disk = data.disk.as_mut().unwrap();
    match property {
        "image" => data.image = bed.aws.publish_image(ovo_aws::REGION, "another"),
        "instanceType" => "c5.large".clone_into(&mut data.instance_type),
        "diskGiB" => disk.gib += 1,
        "diskType" => "gp2".clone_into(&mut disk.kind),
        "diskGoesAlong" => disk.goes_along = false,
        "metadataTokens" => "optional".clone_into(&mut data.metadata_tokens),
        "metadataHops" => data.metadata_hops = 2,
        "terminationRefused" => data.termination_refused = false,
        "securityGroup" => data.security_groups = vec![another_group(site).await],
        "volumeTags" => drop(data.volume_tags.insert("by".to_owned(), "hand".to_owned())),
        "keyPair" => data.key_pair = None,
        "instanceProfile" => {
            let arn = "arn:aws:iam::111122223333:instance-profile/by-hand";
            data.instance_profile = Some(arn.to_owned());
        }
        "otherUserData" => data.user_data = Some(line(data.user_data.as_ref(), "BY_HAND", true)),
        property => {
            let key = property.strip_prefix("userData.").unwrap();
            data.user_data = Some(line(data.user_data.as_ref(), key, false));
        }
    }
    let token = format!("{}-{property}", found.version);
    client(site)
        .create_template_version(&found.id, &data, &found.description, &token)
        .await
        .unwrap();
}

/// User data with one line added or written over.
fn line(text: Option<&SecretString>, key: &str, add: bool) -> SecretString {
    let old = text.map_or("", |text| text.expose_secret());
    let mut lines: Vec<String> = old.lines().map(str::to_owned).collect();
    let new = format!("{key}={WORD} | \\");
    if add {
        lines.insert(0, new);
    } else {
        let begins = format!("{key}=");
        let at = lines.iter().position(|line| line.starts_with(&begins));
        lines[at.unwrap()] = new;
    }
    SecretString::from(lines.join("\n"))
}

/// A security group that is nobody's business.
async fn another_group(site: &Site) -> String {
    let bed = &site.account.bed;
    let name = format!("theirs-{}", bed.aws.calls().len());
    let call = bed.ec2.create_security_group().group_name(name);
    let call = call.description("theirs").vpc_id(&bed.vpc);
    call.send().await.unwrap().group_id().unwrap().to_owned()
}

async fn group(site: &Site, id: &ResourceId, property: &str) {
    let (bed, name) = (&site.account.bed, site.account.names().full(&id.name));
    if let Some(key) = property.strip_prefix("tag:") {
        let tag = GroupTag::builder().resource_type("auto-scaling-group");
        let tag = tag.resource_id(name).key(key).value(WORD);
        let call = bed.scaling.create_or_update_tags();
        call.tags(tag.propagate_at_launch(true).build())
            .send()
            .await
            .unwrap();
        return;
    }
    let template = site
        .output(&ResourceId::new("LaunchTemplate", &id.name), "id")
        .await;
    let launch = |id: &str, version: &str| {
        let launch = LaunchTemplateSpecification::builder().launch_template_id(id);
        launch.version(version).build()
    };
    let update = bed
        .scaling
        .update_auto_scaling_group()
        .auto_scaling_group_name(&name);
    let hook = |hook: &str| {
        let call = bed.scaling.put_lifecycle_hook();
        call.auto_scaling_group_name(&name)
            .lifecycle_hook_name(hook)
    };
    match property {
        "min" => drop(update.min_size(0).send().await.unwrap()),
        "max" => drop(update.max_size(20).send().await.unwrap()),
        "healthCheck" => {
            let other = if id.name == "masters" { "EC2" } else { "ELB" };
            update.health_check_type(other).send().await.unwrap();
        }
        "healthCheckGraceSeconds" => {
            update.health_check_grace_period(7).send().await.unwrap();
        }
        "newInstancesProtected" => {
            let other = id.name == "masters";
            let call = update.new_instances_protected_from_scale_in(other);
            call.send().await.unwrap();
        }
        "subnets" => drop(
            update
                .vpc_zone_identifier(&bed.subnets[0])
                .send()
                .await
                .unwrap(),
        ),
        "launchTemplate" => {
            let theirs = theirs(bed).await;
            let call = update.launch_template(launch(&theirs, "$Latest"));
            call.send().await.unwrap();
        }
        "launchTemplateVersion" => {
            let call = update.launch_template(launch(&template, "1"));
            call.send().await.unwrap();
        }
        "azRebalanceSuspended" => {
            let call = bed
                .scaling
                .resume_processes()
                .auto_scaling_group_name(&name);
            let call = call.scaling_processes("AZRebalance");
            call.send().await.unwrap();
        }
        "targetGroup" => {
            let targets = ResourceId::new("TargetGroup", "masters");
            let arn = site.output(&targets, "arn").await;
            let call = bed.scaling.detach_load_balancer_target_groups();
            let call = call.auto_scaling_group_name(&name).target_group_arns(arn);
            call.send().await.unwrap();
        }
        "launchHookSeconds" => {
            let call = hook("openvidu-launch").heartbeat_timeout(60);
            call.send().await.unwrap();
        }
        "launchHookResult" => {
            let call = hook("openvidu-launch").default_result("ABANDON");
            call.send().await.unwrap();
        }
        "terminateHookSeconds" => {
            let call = hook("openvidu-terminate").heartbeat_timeout(60);
            call.send().await.unwrap();
        }
        "terminateHookResult" => {
            let call = hook("openvidu-terminate").default_result("CONTINUE");
            call.send().await.unwrap();
        }
        other => panic!("nobody's hand knows {id} {other}"),
    }
}

/// A launch template that is nobody's business.
pub(crate) async fn theirs(bed: &Bed) -> String {
    let data = aws_sdk_ec2::types::RequestLaunchTemplateData::builder()
        .image_id(&bed.image)
        .instance_type("c5.large".into())
        .build();
    let call = bed.ec2.create_launch_template();
    let name = format!("theirs-{}", bed.aws.calls().len());
    let call = call.launch_template_name(name).launch_template_data(data);
    let answer = call.send().await.unwrap();
    let template = answer.launch_template().unwrap();
    template.launch_template_id().unwrap().to_owned()
}

fn refuse() -> Action {
    let config = FixedResponseActionConfig::builder().status_code("503");
    Action::builder()
        .r#type(ActionTypeEnum::FixedResponse)
        .fixed_response_config(config.build())
        .build()
}

/// The ARN of a rule of ours, by the path that it should have.
async fn rule(site: &Site, id: &ResourceId) -> String {
    let listener = ResourceId::new("Listener", "https");
    let listener = site.output(&listener, "arn").await;
    let call = site.account.bed.elb.describe_rules().listener_arn(listener);
    let answer = call.send().await.unwrap();
    let priority = match id.name.as_str() {
        "root" => "1",
        "inspector" => "2",
        _ => "3",
    };
    let mut rules = answer.rules().iter();
    let rule = rules
        .find(|rule| rule.priority() == Some(priority))
        .unwrap();
    rule.rule_arn().unwrap().to_owned()
}

async fn balancer(site: &Site, bed: &Bed, id: &ResourceId, arn: &str, property: &str) {
    if let Some(key) = property.strip_prefix("tag:") {
        let tag = ElbTag::builder().key(key).value(WORD).build();
        let call = bed.elb.add_tags().resource_arns(arn).tags(tag);
        call.send().await.unwrap();
        return;
    }
    let targets = bed.elb.modify_target_group().target_group_arn(arn);
    let listener = bed.elb.modify_listener().listener_arn(arn);
    let rule = bed.elb.modify_rule().rule_arn(arn);
    let theirs = |bed: &Bed| {
        let arn = bed.region().add_certificate();
        Certificate::builder().certificate_arn(arn).build()
    };
    match (id.kind.as_str(), property) {
        ("TargetGroup", property) => {
            let matcher = Matcher::builder().http_code("200").build();
            let call = match property {
                "healthProtocol" => targets.health_check_protocol("HTTPS".into()),
                "healthPort" => targets.health_check_port("80"),
                "healthPath" => targets.health_check_path("/by-hand"),
                "healthCodes" => targets.matcher(matcher),
                "healthIntervalSeconds" => targets.health_check_interval_seconds(11),
                "healthTimeoutSeconds" => targets.health_check_timeout_seconds(6),
                "healthyCount" => targets.healthy_threshold_count(2),
                "unhealthyCount" => targets.unhealthy_threshold_count(5),
                other => panic!("nobody's hand knows {id} {other}"),
            };
            call.send().await.unwrap();
        }
        ("LoadBalancer", "securityGroup") => {
            let call = bed.elb.set_security_groups().load_balancer_arn(arn);
            let call = call.security_groups(another_group(site).await);
            call.send().await.unwrap();
        }
        ("LoadBalancer", "subnets") => {
            let third = bed.region().add_subnet(&bed.vpc, 'c');
            let call = bed.elb.set_subnets().load_balancer_arn(arn);
            let call = call.subnets(&bed.subnets[0]).subnets(third);
            call.send().await.unwrap();
        }
        ("Listener", "certificate") => {
            listener.certificates(theirs(bed)).send().await.unwrap();
        }
        ("Listener", "action") => {
            listener.default_actions(refuse()).send().await.unwrap();
        }
        ("Listener", "protocol") if id.name == "http" => {
            let call = listener.protocol("HTTPS".into());
            call.certificates(theirs(bed)).send().await.unwrap();
        }
        ("Listener", "protocol") => {
            listener.protocol("HTTP".into()).send().await.unwrap();
        }
        ("ListenerRule", "paths") => {
            let path = RuleCondition::builder().field("path-pattern");
            let path = path.values("/by-hand").build();
            rule.conditions(path).send().await.unwrap();
        }
        ("ListenerRule", "action") => {
            rule.actions(refuse()).send().await.unwrap();
        }
        (_, other) => panic!("nobody's hand knows {id} {other}"),
    }
}
