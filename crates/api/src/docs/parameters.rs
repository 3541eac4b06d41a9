//! Where each parameter of OpenVidu's own forms went.

/// What became of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A field of `OpenViduCluster`; a test looks it up in the schema.
    Field(&'static str),
    /// The profile decides it.
    Fixed,
    /// It will get a field.
    Later,
    /// It has no meaning here.
    NotApplicable,
}

/// One parameter of a form.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name, in the form's own words.
    pub name: &'static str,
    /// What became of it.
    pub verdict: Verdict,
    /// Why, or how it differs.
    pub reason: &'static str,
}

/// A form.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Its name.
    pub title: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
}

const fn field(name: &'static str, path: &'static str, reason: &'static str) -> Parameter {
    Parameter {
        name,
        verdict: Verdict::Field(path),
        reason,
    }
}

const fn fixed(name: &'static str, reason: &'static str) -> Parameter {
    Parameter {
        name,
        verdict: Verdict::Fixed,
        reason,
    }
}

const fn later(name: &'static str, reason: &'static str) -> Parameter {
    Parameter {
        name,
        verdict: Verdict::Later,
        reason,
    }
}

const fn none(name: &'static str, reason: &'static str) -> Parameter {
    Parameter {
        name,
        verdict: Verdict::NotApplicable,
        reason,
    }
}

/// All forms.
pub const FORMS: &[Form] = &[
    Form {
        title: "OpenVidu 2 Enterprise HighAvailability on AWS: the CloudFormation form",
        parameters: V2_HA,
    },
    Form {
        title: "OpenVidu 2 Enterprise, single master, on AWS: the CloudFormation form",
        parameters: V2_SINGLE,
    },
    Form {
        title: "OpenVidu 3 HighAvailability on-prem: the guided installation",
        parameters: V3_WIZARD,
    },
    Form {
        title: "OpenVidu 3 HighAvailability on-prem: the flags of the installer",
        parameters: V3_FLAGS,
    },
    Form {
        title: "OpenVidu 3 HighAvailability on-prem: ports and the example of a load balancer",
        parameters: V3_BALANCER,
    },
    Form {
        title: "BigBlueButton on AWS: parameters of the sample deployment",
        parameters: BBB,
    },
];

const V2_HA: &[Parameter] = &[
    field(
        "Amazon S3 URL (latest, or a fixed version)",
        "spec.version",
        "always a fixed version",
    ),
    field(
        "Stack name",
        "metadata.name",
        "names of resources derive from the cluster id and the infrastructure id",
    ),
    field(
        "Region of the console",
        "spec.infrastructure.aws.region",
        "",
    ),
    field("Domain Name", "spec.domainName", ""),
    field(
        "OpenVidu Pro Cluster Id",
        "spec.clusterID",
        "derived from the object's name when absent",
    ),
    field(
        "OpenVidu Pro License",
        "spec.license",
        "a reference to a Secret",
    ),
    field(
        "Openvidu Secret",
        "spec.credentials",
        "key OPENVIDU_SECRET; generated when absent",
    ),
    field("Media Server", "spec.mediaEngine", ""),
    field(
        "OpenVidu S3 bucket",
        "spec.storage.bucket.name",
        "empty: a bucket is made",
    ),
    field("Enable OpenVidu Recording", "spec.recording.enabled", ""),
    field(
        "Deploy Coturn in Media Nodes. (Experimental)",
        "spec.turn.placement",
        "MediaNodes",
    ),
    field(
        "Elasticsearch URL",
        "spec.elasticStack.elasticsearchURL",
        "",
    ),
    field("Kibana URL", "spec.elasticStack.kibanaURL", ""),
    field(
        "Elasticsearch and Kibana username",
        "spec.elasticStack.credentials",
        "key username",
    ),
    field(
        "Elasticsearch and Kibana password",
        "spec.elasticStack.credentials",
        "key password",
    ),
    field(
        "Master Nodes instance type",
        "spec.masters.instanceType",
        "",
    ),
    field("Minimum Master Nodes", "spec.masters.min", ""),
    field("Maximum Master Nodes", "spec.masters.max", ""),
    field("Desired Master Nodes", "spec.masters.desired", ""),
    field("Media Nodes instance type", "spec.media.instanceType", ""),
    field("Minimum Media Nodes", "spec.media.min", ""),
    field("Maximum Media Nodes", "spec.media.max", ""),
    field("Desired Media Nodes", "spec.media.replicas", ""),
    field(
        "Scale Up Media Nodes on Average CPU",
        "spec.media.autoscaling.scaleUp.averageLoadPercent",
        "in mode Provider the cloud's alarm, in mode Operator our own readings",
    ),
    field(
        "Scale Down Media Nodes on Average CPU",
        "spec.media.autoscaling.scaleDown.averageLoadPercent",
        "as above",
    ),
    field(
        "SSH Key Name",
        "spec.infrastructure.aws.keyPairName",
        "may be absent: then nobody logs in",
    ),
    field(
        "ARN of the AWS Certificate",
        "spec.loadBalancer.certificate.arn",
        "",
    ),
    field("OpenVidu Pro VPC", "spec.infrastructure.aws.vpcID", ""),
    field(
        "OpenVidu Pro Subnets",
        "spec.infrastructure.aws.subnetIDs",
        "at least two, each in another zone",
    ),
    field(
        "Warning: requires capabilities [AWS::IAM::Role]",
        "spec.infrastructure.aws.iam",
        "bring an instance profile, or a permissions boundary for the one that is made",
    ),
    field(
        "Copy of the AMIs into your account",
        "spec.infrastructure.aws.images.copy",
        "",
    ),
    field(
        "AMI of the master and media nodes",
        "spec.infrastructure.aws.images",
        "the template carries the ids of each version",
    ),
    field(
        "Parameters of /openvidu/api/restart, and of the .env file",
        "spec.config",
        "those that may hold a secret: spec.configFrom",
    ),
    field(
        "OPENVIDU_ENTERPRISE_S3_CONFIG_AUTORESTART",
        "spec.configRestart",
        "Never unless you say Always: a restart ends sessions",
    ),
    fixed(
        "LambdaOnCreate and LambdaOnDeleteRole",
        "the operator does what the lambdas did, and drains first",
    ),
    none(
        "OPENVIDU_PRO_CLUSTER_AUTOSCALING",
        "HighAvailability ignores it; spec.media.autoscaling decides",
    ),
    none("OPENVIDU_PRO_CLUSTER_AUTOSCALING_MAX_NODES", "as above"),
    none("OPENVIDU_PRO_CLUSTER_AUTOSCALING_MIN_NODES", "as above"),
    none("OPENVIDU_PRO_CLUSTER_AUTOSCALING_MAX_LOAD", "as above"),
    none("OPENVIDU_PRO_CLUSTER_AUTOSCALING_MIN_LOAD", "as above"),
];

const V2_SINGLE: &[Parameter] = &[later(
    "OpenVidu Edition",
    "enterprise with topology SingleMaster, which is reserved",
)];

const V3_WIZARD: &[Parameter] = &[
    field(
        "openvidu/openvidu-installer:latest, or a version",
        "spec.version",
        "always a fixed version",
    ),
    field("--deployment-type=ha", "spec.topology", "HighAvailability"),
    field(
        "Write all 'Master Node' Private IPs separated by commas",
        "spec.infrastructure.onPrem.machines[].address",
        "the machines with role Master, exactly four",
    ),
    field(
        "Write your OpenVidu PRO License",
        "spec.license",
        "a reference to a Secret",
    ),
    field(
        "Do you want to use an external load balancer?",
        "spec.loadBalancer.external",
        "No: dns, or managed",
    ),
    field("Domain name", "spec.domainName", ""),
    field("(Optional) TURN domain name", "spec.turn.domainName", ""),
    field("Select which RTC engine to use", "spec.mediaEngine", ""),
    field(
        "Modules to enable: Observability",
        "spec.modules",
        "Observability",
    ),
    field("Modules to enable: Default App", "spec.modules", "Meet"),
    field(
        "Modules to enable: OpenVidu V2 Compatibility",
        "spec.modules",
        "V2Compatibility",
    ),
    field(
        "Secrets, usernames, and passwords",
        "spec.credentials",
        "generated when absent, user names included",
    ),
];

const V3_FLAGS: &[Parameter] = &[
    fixed("--no-tty", "always"),
    fixed("--install", "always"),
    field("--deployment-type", "spec.topology", "ha"),
    field(
        "--node-role",
        "spec.infrastructure.onPrem.machines[].role",
        "Master, Media",
    ),
    field(
        "--master-node-private-ip-list",
        "spec.infrastructure.onPrem.machines[].address",
        "the machines with role Master",
    ),
    field(
        "--master-node-private-ip",
        "spec.infrastructure.onPrem.machines[].address",
        "the machines with role Master",
    ),
    field("--openvidu-pro-license", "spec.license", ""),
    field(
        "--domain-name-or-ip",
        "spec.domainName",
        "a name only: --domain-name of newer installers",
    ),
    field(
        "--enabled-modules",
        "spec.modules",
        "observability, v2compatibility, and app or openviduMeet",
    ),
    field("--turn-domain-name", "spec.turn.domainName", ""),
    field("--rtc-engine", "spec.mediaEngine", ""),
    field(
        "--livekit-api-key",
        "spec.credentials",
        "key LIVEKIT_API_KEY",
    ),
    field(
        "--livekit-api-secret",
        "spec.credentials",
        "key LIVEKIT_API_SECRET",
    ),
    field(
        "--dashboard-admin-user",
        "spec.credentials",
        "key DASHBOARD_ADMIN_USERNAME",
    ),
    field(
        "--dashboard-admin-password",
        "spec.credentials",
        "key DASHBOARD_ADMIN_PASSWORD",
    ),
    field("--redis-password", "spec.credentials", "key REDIS_PASSWORD"),
    field(
        "--minio-access-key",
        "spec.credentials",
        "key MINIO_ACCESS_KEY",
    ),
    field(
        "--minio-secret-key",
        "spec.credentials",
        "key MINIO_SECRET_KEY",
    ),
    field(
        "--mongo-admin-user",
        "spec.credentials",
        "key MONGO_ADMIN_USERNAME",
    ),
    field(
        "--mongo-admin-password",
        "spec.credentials",
        "key MONGO_ADMIN_PASSWORD",
    ),
    field(
        "--mongo-replica-set-key",
        "spec.credentials",
        "key MONGO_REPLICA_SET_KEY",
    ),
    field(
        "--grafana-admin-user",
        "spec.credentials",
        "key GRAFANA_ADMIN_USERNAME",
    ),
    field(
        "--grafana-admin-password",
        "spec.credentials",
        "key GRAFANA_ADMIN_PASSWORD",
    ),
    field(
        "--default-app-user",
        "spec.credentials",
        "key DEFAULT_APP_USERNAME, up to 3.3",
    ),
    field(
        "--default-app-password",
        "spec.credentials",
        "key DEFAULT_APP_PASSWORD, up to 3.3",
    ),
    field(
        "--default-app-admin-user",
        "spec.credentials",
        "key DEFAULT_APP_ADMIN_USERNAME, up to 3.3",
    ),
    field(
        "--default-app-admin-password",
        "spec.credentials",
        "key DEFAULT_APP_ADMIN_PASSWORD, up to 3.3",
    ),
    field("--external-load-balancer", "spec.loadBalancer.external", ""),
    field(
        "--public-ip",
        "spec.infrastructure.onPrem.machines[].publicAddress",
        "found out by OpenVidu when absent",
    ),
    field(
        "Any other flag",
        "spec.infrastructure.onPrem.installer.extraFlags",
        "",
    ),
    fixed(
        "systemctl start openvidu",
        "done by the operator, masters first",
    ),
];

const V3_BALANCER: &[Parameter] = &[
    field(
        "Port rules (Master Nodes, Media Nodes)",
        "spec.firewall.mode",
        "which ports follows from modules and ingress",
    ),
    field(
        "RTMP streams using Ingress service (TCP 1935)",
        "spec.ingress.rtmp",
        "",
    ),
    field(
        "Ingest WebRTC using WHIP (UDP 7885, TCP 8080)",
        "spec.ingress.whip",
        "",
    ),
    field("WebRTC over TCP (TCP 7881)", "spec.ingress.webrtcTCP", ""),
    field(
        "TURN service with TLS (TCP 5349)",
        "spec.turn.domainName",
        "",
    ),
    field(
        "A different Load Balancer for RTMP and TURN with TLS",
        "spec.ingress.loadBalancer",
        "Separate",
    ),
    field(
        "Load balancer software (HAProxy, Nginx)",
        "spec.loadBalancer.managed.engine",
        "of a managed balancer",
    ),
    field(
        "ssl_certificate, ssl_certificate_key of openvidu.example.com",
        "spec.loadBalancer.certificate",
        "of a managed balancer",
    ),
    field(
        "ssl_certificate, ssl_certificate_key of turn.example.com",
        "spec.turn.certificate",
        "of a managed balancer",
    ),
    fixed("worker_connections", "10240 for a managed balancer"),
    fixed("ssl_protocols", "TLSv1.2 and TLSv1.3"),
    fixed("proxy_connect_timeout", "10s"),
    fixed(
        "proxy_timeout",
        "30s, which is what OpenVidu's own example says",
    ),
    field(
        "<MASTER_NODE_IP_X>",
        "spec.infrastructure.onPrem.machines[].address",
        "the machines with role Master",
    ),
    field(
        "<MEDIA_NODE_IP_X>",
        "spec.infrastructure.onPrem.machines[].address",
        "the machines with role Media",
    ),
];

const NO_FRONTEND: &str =
    "Greenlight and Scalelite have no counterpart: OpenVidu is reached by applications";
const NO_CONTAINERS: &str = "OpenVidu sizes its containers itself";
const NO_DATABASE: &str =
    "OpenVidu keeps its state in Redis and, in version 3, in MongoDB on the masters";
const NO_NETWORK: &str = "the VPC and its subnets are yours; the operator makes none";

const BBB: &[Parameter] = &[
    field(
        "-p (the aws-cli profile to use)",
        "spec.infrastructure.aws.roleARN",
        "a role to assume",
    ),
    none(
        "-e (the operators email address)",
        "the operator sends no mail: watch events and conditions",
    ),
    field(
        "-h (the hosted zone ID)",
        "spec.infrastructure.aws.dns.hostedZoneID",
        "",
    ),
    field("-s (the Cloudformation stack name)", "metadata.name", ""),
    field("-d (the FQDN)", "spec.domainName", ""),
    none("BBBECSInstanceType", NO_FRONTEND),
    field("BBBApplicationInstanceType", "spec.media.instanceType", ""),
    field(
        "BBBApplicationDataVolumeSize",
        "spec.media.diskGiB",
        "recordings are buffered on the root volume",
    ),
    none(
        "BBBTurnInstanceType",
        "TURN runs on the masters or media nodes",
    ),
    none("BBBDBInstanceType", NO_DATABASE),
    field(
        "BBBCACHEDBInstanceType",
        "spec.infrastructure.aws.redis.nodeType",
        "",
    ),
    none("BBBVPCcidr", NO_NETWORK),
    none("BBBPrivateApplicationSubnets", NO_NETWORK),
    none("BBBPrivateDBSubnets", NO_NETWORK),
    field(
        "BBBPublicApplicationSubnets",
        "spec.infrastructure.aws.subnetIDs",
        "existing ones, at least two",
    ),
    none("BBBECSMaxInstances", NO_FRONTEND),
    none("BBBECSMinInstances", NO_FRONTEND),
    none("BBBECSDesiredInstances", NO_FRONTEND),
    field(
        "BBBApplicationMaxInstances",
        "spec.media.max",
        "need not equal min: nodes are drained before they end",
    ),
    field("BBBApplicationMinInstances", "spec.media.min", ""),
    field("BBBApplicationDesiredInstances", "spec.media.replicas", ""),
    none(
        "BBBTurnMaxInstances",
        "TURN scales with the masters or media nodes",
    ),
    none("BBBTurnMinInstances", "as above"),
    none("BBBTurnDesiredInstances", "as above"),
    none("BBBDBName", NO_DATABASE),
    none("BBBDBEngineVersion", NO_DATABASE),
    field(
        "BBBEnvironmentStage",
        "spec.infrastructure.aws.redis.replicas",
        "dev, stage and prod differed in redundancy: say how much",
    ),
    field("BBBEnvironmentName", "spec.clusterID", ""),
    field(
        "BBBEnvironmentType",
        "spec.topology",
        "single: SingleNode, which is reserved",
    ),
    none("BBBgreenlightImage", NO_FRONTEND),
    none("BBBScaleliteApiImage", NO_FRONTEND),
    none("BBBScaleliteNginxImage", NO_FRONTEND),
    none("BBBScalelitePollerImage", NO_FRONTEND),
    none("BBBScaleliteImporterImage", NO_FRONTEND),
    fixed("BBBCacheAZMode", "replicas of Redis go to other zones"),
    none("BBBGreenlightContainerMemory", NO_CONTAINERS),
    none("BBBGreenlightContainerCPU", NO_CONTAINERS),
    none("BBBScaleliteImporterContainerMemory", NO_CONTAINERS),
    none("BBBScaleliteImporterContainerCPU", NO_CONTAINERS),
    none("BBBScalelitePollerContainerMemory", NO_CONTAINERS),
    none("BBBScalelitePollerContainerCPU", NO_CONTAINERS),
    none("BBBScaleliteNginxContainerMemory", NO_CONTAINERS),
    none("BBBScaleliteNginxContainerCPU", NO_CONTAINERS),
    none("BBBScaleliteApiContainerMemory", NO_CONTAINERS),
    none("BBBScaleliteApiContainerCPU", NO_CONTAINERS),
    none("BBBScaleliteAddServerContainerMemory", NO_CONTAINERS),
    none("BBBScaleliteAddServerContainerCPU", NO_CONTAINERS),
    none("BBBSesRegion", "the operator sends no mail"),
];
