//! Rules that look at more than one section of the spec.

use schemars::Schema;

use super::{CelRule, attach, balancer, config, machines_in, on_aws, on_prem, tell, text, v2, v3};

/// Rules for the whole object. CEL sees only its name there.
pub(crate) fn object(schema: &mut Schema) {
    const RULES: &[CelRule] = &[
        tell(
            // CEL knows the name, but no error of a rule may point below metadata.
            "",
            "self.metadata.name.size() <= 50",
            "metadata.name: \"%s\" is too long: names of buckets and balancers derive from it, and leave room for 50 characters; create the cluster under a shorter name",
            "self.metadata.name",
        ),
        tell(
            ".spec.credentials",
            "!has(self.spec.credentials) || self.spec.credentials.secretRef.name != self.metadata.name + '-credentials'",
            "the Secret \"%s\" is the one into which the operator generates: give yours another name",
            "self.spec.credentials.secretRef.name",
        ),
    ];
    attach(schema, RULES);
}

/// Rules for the spec.
pub(crate) fn spec(schema: &mut Schema) {
    for rules in [
        PROFILE,
        FIXED,
        SIZES,
        ONE_VERSION_ONLY,
        TURN,
        config::ON_SPEC,
        balancer::ON_SPEC,
    ] {
        attach(schema, rules);
    }
}

/// What is supported together.
const PROFILE: &[CelRule] = &[
    tell(
        ".topology",
        "self.topology == 'HighAvailability'",
        "%s is not yet supported: use HighAvailability",
        "self.topology",
    ),
    text(
        ".infrastructure",
        concat!("!", v2!(), " || !", on_prem!()),
        "OpenVidu 2 on machines is not yet supported: use aws, or set spec.version to a 3.x release",
    ),
    text(
        ".infrastructure",
        concat!("!", v3!(), " || !", on_aws!()),
        "OpenVidu 3 on AWS is not yet supported: use onPrem, or set spec.version to a 2.x release",
    ),
    text(
        ".infrastructure.aws",
        concat!(
            "!",
            v2!(),
            " || !",
            on_aws!(),
            " || has(self.infrastructure.aws.images)"
        ),
        "OpenVidu 2 is installed from machine images, and none are named: set images.master.id and images.media.id to those of your version",
    ),
    tell(
        ".mediaEngine",
        concat!(
            "!has(self.mediaEngine) || self.mediaEngine == 'mediasoup' || (",
            v2!(),
            " && self.mediaEngine == 'kurento') || (",
            v3!(),
            " && self.mediaEngine == 'pion')"
        ),
        "%s is no media server of OpenVidu %s: use %s",
        concat!(
            "self.mediaEngine, self.version, (",
            v2!(),
            " ? 'mediasoup or kurento' : 'pion or mediasoup')"
        ),
    ),
];

/// What cannot change once the cluster exists.
const FIXED: &[CelRule] = &[
    tell(
        ".version",
        "self.version == oldSelf.version",
        "is %s and cannot become %s yet, because upgrades are not built: put it back, or create a second cluster and move the domain name over",
        "oldSelf.version, self.version",
    ),
    tell(
        ".topology",
        "self.topology == oldSelf.topology",
        "is %s and cannot become %s: put it back and create a second cluster",
        "oldSelf.topology, self.topology",
    ),
    tell(
        ".clusterID",
        "has(self.clusterID) == has(oldSelf.clusterID) && (!has(self.clusterID) || self.clusterID == oldSelf.clusterID)",
        "is %s and cannot change, because resources are named after it: put it back",
        "(has(oldSelf.clusterID) ? oldSelf.clusterID : 'derived from the name of the object')",
    ),
];

/// Instance types of AWS's own ARM processors: a `g` after the generation (c6g, m7gd, im4gn), and a1.
macro_rules! arm {
    () => {
        "^(a1|[a-z]+[0-9]+[a-z]*g[a-z]*)[.]"
    };
}

/// How many of what.
const SIZES: &[CelRule] = &[
    tell(
        ".masters",
        concat!(
            "!",
            v3!(),
            " || !",
            on_prem!(),
            " || ",
            machines_in!("Master"),
            " == 4"
        ),
        "OpenVidu 3 HighAvailability needs exactly 4 machines with role Master, found %d; %s under spec.infrastructure.onPrem.machines",
        concat!(
            machines_in!("Master"),
            ", ",
            machines_in!("Master"),
            " < 4 ? ['add four', 'add three', 'add two', 'add one'][",
            machines_in!("Master"),
            "] : 'remove the others'"
        ),
    ),
    text(
        ".masters",
        concat!(
            "!",
            on_prem!(),
            " || !(has(self.masters.min) || has(self.masters.max) || has(self.masters.desired) || has(self.masters.instanceType) || has(self.masters.diskGiB))"
        ),
        "on-prem the masters are the machines with role Master: remove min, max, desired, instanceType and diskGiB",
    ),
    tell(
        ".masters",
        concat!(
            "!",
            on_aws!(),
            " || !has(self.masters.desired) || (has(self.masters.min) ? self.masters.min : 1) <= self.masters.desired"
        ),
        "desired is %d and min is %d: desired must not be less than min; raise spec.masters.desired or lower spec.masters.min",
        "self.masters.desired, has(self.masters.min) ? self.masters.min : 1",
    ),
    tell(
        ".masters",
        concat!(
            "!",
            on_aws!(),
            " || !has(self.masters.max) || (has(self.masters.desired) ? self.masters.desired : has(self.masters.min) ? self.masters.min : 1) <= self.masters.max"
        ),
        "desired is %d and max is %d: desired must not be greater than max; raise spec.masters.max or lower spec.masters.desired",
        "has(self.masters.desired) ? self.masters.desired : has(self.masters.min) ? self.masters.min : 1, self.masters.max",
    ),
    tell(
        ".masters.instanceType",
        concat!(
            "!",
            v2!(),
            " || !has(self.masters.instanceType) || !self.masters.instanceType.matches('",
            arm!(),
            "')"
        ),
        "\"%s\" has an ARM processor, and the images of OpenVidu 2 are for x86: use one such as c5.xlarge",
        "self.masters.instanceType",
    ),
    tell(
        ".media.instanceType",
        concat!(
            "!",
            v2!(),
            " || !has(self.media.instanceType) || !self.media.instanceType.matches('",
            arm!(),
            "')"
        ),
        "\"%s\" has an ARM processor, and the images of OpenVidu 2 are for x86: use one such as c5.xlarge",
        "self.media.instanceType",
    ),
    text(
        ".media",
        concat!(
            "!",
            on_prem!(),
            " || !(has(self.media.instanceType) || has(self.media.diskGiB))"
        ),
        "on-prem the media nodes are the machines with role Media: remove instanceType and diskGiB",
    ),
    tell(
        ".media.replicas",
        concat!(
            "!",
            on_prem!(),
            " || (has(self.media.replicas) ? self.media.replicas : has(self.media.min) ? self.media.min : 1) <= ",
            machines_in!("Media")
        ),
        "%d media nodes are declared and %d machines have role Media: add machines under spec.infrastructure.onPrem.machines, or lower spec.media.replicas",
        concat!(
            "has(self.media.replicas) ? self.media.replicas : has(self.media.min) ? self.media.min : 1, ",
            machines_in!("Media")
        ),
    ),
    text(
        ".media.autoscaling.mode",
        concat!(
            "!",
            on_prem!(),
            " || !has(self.media.autoscaling.mode) || self.media.autoscaling.mode != 'Provider'"
        ),
        "Provider means the cloud's own policies, and there is no cloud on-prem: use Operator or Manual",
    ),
];

/// What only one version of OpenVidu, or one infrastructure, has.
const ONE_VERSION_ONLY: &[CelRule] = &[
    text(
        ".elasticStack",
        concat!("!", v3!(), " || !has(self.elasticStack)"),
        "OpenVidu 3 does not use an Elastic Stack: remove it; spec.modules has Observability",
    ),
    text(
        ".configRestart",
        concat!("!", v3!(), " || !has(self.configRestart)"),
        "OpenVidu 3 does not watch its configuration in a bucket: remove it; spec.disruption.config says when a change may restart services",
    ),
    text(
        ".recording",
        concat!(
            "!",
            v3!(),
            " || !has(self.recording.enabled) || self.recording.enabled"
        ),
        "OpenVidu 3 always has its egress service: remove enabled: false",
    ),
    text(
        ".storage.bucket",
        concat!(
            "!",
            v3!(),
            " || !has(self.storage.bucket.name) || self.storage.bucket.name == ''"
        ),
        "storage outside of the masters is not yet supported for OpenVidu 3: remove name",
    ),
    text(
        ".modules",
        concat!(
            "!",
            v2!(),
            " || !has(self.modules) || self.modules.size() == 0"
        ),
        "OpenVidu 2 has no modules: remove them",
    ),
    text(
        ".ingress",
        concat!(
            "!",
            v2!(),
            " || !(has(self.ingress.rtmp) || has(self.ingress.whip) || has(self.ingress.webrtcTCP) || has(self.ingress.loadBalancer))"
        ),
        "OpenVidu 2 takes in neither RTMP nor WHIP: remove rtmp, whip, webrtcTCP and loadBalancer",
    ),
    text(
        ".firewall",
        concat!("!", on_aws!(), " || !has(self.firewall.mode)"),
        "on AWS security groups made for the cluster do a firewall's work: remove mode",
    ),
];

/// TURN, as far as it depends on the profile.
const TURN: &[CelRule] = &[
    text(
        ".turn",
        concat!(
            "!",
            v2!(),
            " || !(has(self.turn.domainName) || has(self.turn.certificate))"
        ),
        "OpenVidu 2 has no domain name for TURN: remove domainName and certificate; placement says where it runs",
    ),
    text(
        ".turn",
        concat!(
            "!",
            v3!(),
            " || !(has(self.turn.placement) || has(self.turn.credentials) || (has(self.turn.urls) && self.turn.urls.size() > 0))"
        ),
        "OpenVidu 3 carries TURN in its media nodes: remove placement, urls and credentials; domainName gives it TLS",
    ),
    tell(
        ".turn.domainName",
        "!has(self.turn.domainName) || self.turn.domainName != self.domainName",
        "\"%s\" is spec.domainName: TURN with TLS is told apart by its name; use another one that points to the same balancer",
        "self.turn.domainName",
    ),
    text(
        ".turn.certificate",
        "!has(self.turn.domainName) || !has(self.loadBalancer.managed) || has(self.turn.certificate)",
        "a managed balancer ends TLS for TURN's domain too: set certificate.secretRef, or remove domainName",
    ),
];

/// Rules for `spec.turn`.
pub(crate) fn turn(schema: &mut Schema) {
    const RULES: &[CelRule] = &[
        text(
            ".urls",
            "(has(self.placement) && self.placement == 'External') == (has(self.urls) && self.urls.size() > 0)",
            "urls belong to placement External, and to nothing else: set both or none",
        ),
        text(
            ".credentials",
            "(has(self.placement) && self.placement == 'External') || !has(self.credentials)",
            "credentials belong to placement External, and to nothing else: remove them",
        ),
        text(
            ".certificate",
            "has(self.domainName) || !has(self.certificate)",
            "a certificate is given for no name: set domainName, or remove certificate",
        ),
    ];
    attach(schema, RULES);
}

/// Rules for `spec.elasticStack`.
pub(crate) fn elastic_stack(schema: &mut Schema) {
    const RULES: &[CelRule] = &[
        text(
            ".elasticsearchURL",
            "has(self.elasticsearchURL) || !(has(self.kibanaURL) || has(self.credentials))",
            "kibanaURL or credentials are given without it: set elasticsearchURL, or remove spec.elasticStack",
        ),
        text(
            ".credentials",
            "!has(self.elasticsearchURL) || has(self.credentials)",
            "elasticsearchURL is given without them: name a Secret with the keys username and password",
        ),
        text(
            ".kibanaURL",
            "!has(self.elasticsearchURL) || has(self.kibanaURL)",
            "elasticsearchURL is given without it: OpenVidu needs both; set kibanaURL",
        ),
    ];
    attach(schema, RULES);
}
