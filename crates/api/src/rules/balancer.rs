//! Rules for the load balancer and its certificate.

use schemars::Schema;

use super::{CelRule, attach, machines_in, on_aws, on_prem, tell, text, v2, v3};

/// Rules that stand on the spec, because they depend on the profile.
pub(super) const ON_SPEC: &[CelRule] = &[
    text(
        ".loadBalancer",
        concat!(
            "!",
            on_aws!(),
            " || !(has(self.loadBalancer.managed) || has(self.loadBalancer.external) || has(self.loadBalancer.dns))"
        ),
        "on AWS the cluster gets an Application Load Balancer of its own: remove managed, external and dns",
    ),
    tell(
        ".loadBalancer",
        concat!(
            "!",
            on_prem!(),
            " || [has(self.loadBalancer.managed), has(self.loadBalancer.external), has(self.loadBalancer.dns)].filter(x, x).size() == 1"
        ),
        "exactly one of managed, external and dns is needed, found %d: set external: {} if somebody else runs a balancer in front of the masters",
        "[has(self.loadBalancer.managed), has(self.loadBalancer.external), has(self.loadBalancer.dns)].filter(x, x).size()",
    ),
    text(
        ".loadBalancer.certificate",
        concat!(
            "!(",
            v2!(),
            " && ",
            on_aws!(),
            ") || (has(self.loadBalancer.certificate) && has(self.loadBalancer.certificate.arn))"
        ),
        "the balancer on AWS takes its certificate from AWS Certificate Manager: import or request one for spec.domainName there and set arn",
    ),
    tell(
        ".loadBalancer.certificate",
        concat!(
            "!",
            on_aws!(),
            " || !has(self.loadBalancer.certificate) || !has(self.loadBalancer.certificate.arn) || self.loadBalancer.certificate.arn.contains(':acm:' + self.infrastructure.aws.region + ':')"
        ),
        "the certificate %s is not in region %s: a balancer takes certificates of its own region only; import it there",
        "self.loadBalancer.certificate.arn, self.infrastructure.aws.region",
    ),
    text(
        ".loadBalancer.certificate",
        concat!(
            "!",
            on_prem!(),
            " || !has(self.loadBalancer.certificate) || !has(self.loadBalancer.certificate.arn)"
        ),
        "a certificate of AWS Certificate Manager cannot leave AWS: use secretRef with a Secret of type kubernetes.io/tls",
    ),
    text(
        ".loadBalancer.certificate",
        "!has(self.loadBalancer.external) || !has(self.loadBalancer.certificate)",
        "an external balancer ends TLS itself, so its certificate is not ours to set: remove it",
    ),
    text(
        ".loadBalancer.certificate",
        concat!(
            "!",
            v3!(),
            " || !(has(self.loadBalancer.managed) || has(self.loadBalancer.dns)) || has(self.loadBalancer.certificate)"
        ),
        "no certificate is given for spec.domainName: set secretRef with a Secret of type kubernetes.io/tls, or selfSigned: {} for a trial",
    ),
    text(
        ".loadBalancer.certificate",
        concat!(
            "!",
            on_prem!(),
            " || !has(self.loadBalancer.certificate) || !has(self.loadBalancer.certificate.letsEncrypt) || has(self.loadBalancer.dns)"
        ),
        "Let's Encrypt looks for the masters under the domain itself, which only loadBalancer.dns gives: use dns, or secretRef",
    ),
    text(
        ".loadBalancer.managed",
        concat!(
            "!has(self.loadBalancer.managed) || !",
            on_prem!(),
            " || ",
            machines_in!("LoadBalancer"),
            " > 0"
        ),
        "a managed balancer needs a machine to run on: add one with role LoadBalancer under spec.infrastructure.onPrem.machines",
    ),
    tell(
        ".loadBalancer.managed",
        concat!(
            "!has(self.loadBalancer.managed) || !has(self.loadBalancer.managed.virtualIP) || !",
            on_prem!(),
            " || ",
            machines_in!("LoadBalancer"),
            " >= 2"
        ),
        "a virtual address moves between machines, found %d with role LoadBalancer: add one under spec.infrastructure.onPrem.machines, or remove virtualIP",
        concat!(machines_in!("LoadBalancer")),
    ),
    tell(
        ".infrastructure.onPrem.machines",
        concat!(
            "!",
            on_prem!(),
            " || has(self.loadBalancer.managed) || ",
            machines_in!("LoadBalancer"),
            " == 0"
        ),
        "machine %s has role LoadBalancer and the balancer is not managed: set spec.loadBalancer.managed, or remove the machine",
        "self.infrastructure.onPrem.machines.filter(m, m.role == 'LoadBalancer')[0].name",
    ),
];

/// Rules for `spec.loadBalancer.certificate`.
pub(crate) fn certificate(schema: &mut Schema) {
    const RULES: &[CelRule] = &[
        tell(
            "",
            "[has(self.arn), has(self.secretRef), has(self.letsEncrypt), has(self.selfSigned)].filter(x, x).size() == 1",
            "exactly one of arn, secretRef, letsEncrypt and selfSigned is needed, found %d",
            "[has(self.arn), has(self.secretRef), has(self.letsEncrypt), has(self.selfSigned)].filter(x, x).size()",
        ),
        tell(
            ".arn",
            "!has(self.arn) || self.arn.matches('^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+$')",
            "\"%s\" is no ARN of a certificate: copy it whole from AWS Certificate Manager, such as arn:aws:acm:eu-west-1:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef",
            "self.arn",
        ),
    ];
    attach(schema, RULES);
}
