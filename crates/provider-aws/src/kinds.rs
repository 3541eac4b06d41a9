//! Kinds of resources, their short names, the scopes they are read in, and the calls that set them.

/// A security group.
pub(crate) const SECURITY_GROUP: &str = "SecurityGroup";
/// A launch template.
pub(crate) const TEMPLATE: &str = "LaunchTemplate";
/// An Auto Scaling group; the planner knows this kind.
pub(crate) const GROUP: &str = "Group";
/// The targets behind a balancer, with their health check.
pub(crate) const TARGET_GROUP: &str = "TargetGroup";
/// The balancer; the planner knows this kind.
pub(crate) const BALANCER: &str = "LoadBalancer";
/// A port of the balancer.
pub(crate) const LISTENER: &str = "Listener";
/// A rule of the HTTPS listener.
pub(crate) const RULE: &str = "ListenerRule";

/// What belongs to the masters.
pub(crate) const MASTERS: &str = "masters";
/// What belongs to the media nodes.
pub(crate) const MEDIA: &str = "media";
/// Short name of the balancer.
pub(crate) const THE_BALANCER: &str = "cluster";

/// Scope of what everything else stands on.
pub(crate) const FOUNDATION_SCOPE: &str = "foundation";
/// Scope of the balancer and what hangs on it.
pub(crate) const BALANCER_SCOPE: &str = "balancer";
/// All scopes; those of the groups have the groups' names.
pub(crate) const SCOPES: [&str; 4] = [FOUNDATION_SCOPE, MASTERS, BALANCER_SCOPE, MEDIA];

/// The name of a property that is a tag begins with this.
pub(crate) const TAG: &str = "tag:";
/// The name of a property that is a line of user data begins with this.
pub(crate) const USER_DATA: &str = "userData.";

/// Adds rules for what comes in.
pub(crate) const AUTHORIZE_INGRESS: &str = "AuthorizeSecurityGroupIngress";
/// Takes away rules for what comes in.
pub(crate) const REVOKE_INGRESS: &str = "RevokeSecurityGroupIngress";
/// Adds rules for what goes out.
pub(crate) const AUTHORIZE_EGRESS: &str = "AuthorizeSecurityGroupEgress";
/// Takes away rules for what goes out.
pub(crate) const REVOKE_EGRESS: &str = "RevokeSecurityGroupEgress";
/// Tags what belongs to EC2.
pub(crate) const CREATE_TAGS: &str = "CreateTags";
/// Tags a group.
pub(crate) const CREATE_OR_UPDATE_TAGS: &str = "CreateOrUpdateTags";
/// Tags what belongs to the balancer.
pub(crate) const ADD_TAGS: &str = "AddTags";
/// Changes a launch template.
pub(crate) const CREATE_VERSION: &str = "CreateLaunchTemplateVersion";
/// Changes a group.
pub(crate) const UPDATE_GROUP: &str = "UpdateAutoScalingGroup";
/// Switches off what a group would do by itself.
pub(crate) const SUSPEND: &str = "SuspendProcesses";
/// Puts the hook of launches. One call sets one hook.
pub(crate) const PUT_LAUNCH_HOOK: &str = "PutLifecycleHook launch";
/// Puts the hook of ends.
pub(crate) const PUT_TERMINATE_HOOK: &str = "PutLifecycleHook terminate";
/// Puts a group's members behind the balancer.
pub(crate) const ATTACH: &str = "AttachLoadBalancerTargetGroups";
/// Changes the health check.
pub(crate) const MODIFY_TARGET_GROUP: &str = "ModifyTargetGroup";
/// Changes the balancer's security groups.
pub(crate) const SET_SECURITY_GROUPS: &str = "SetSecurityGroups";
/// Changes the balancer's subnets.
pub(crate) const SET_SUBNETS: &str = "SetSubnets";
/// Changes a listener.
pub(crate) const MODIFY_LISTENER: &str = "ModifyListener";
/// Changes a rule of a listener.
pub(crate) const MODIFY_RULE: &str = "ModifyRule";
