//! AWS's error codes by what they ask of us.

use ovo_aws_ec2::Fault;
use ovo_model::{Millis, Outcome, ProviderError};

/// How long is waited after AWS refused for too many calls, in milliseconds: its buckets fill within seconds.
const THROTTLED_MS: Millis = 5_000;
/// How long is waited for something that must go first, in milliseconds.
pub(crate) const IN_USE_MS: Millis = 10_000;

const THROTTLED: [&str; 5] = [
    "RequestLimitExceeded",
    "RequestThrottled",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

const DENIED: [&str; 14] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "Blocked",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "OptInRequired",
    "PendingVerification",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];

/// Codes of what passes by itself or by somebody else's doing, quotas among them.
const PASSING: [&str; 17] = [
    "InsufficientInstanceCapacity",
    "InternalError",
    "InternalFailure",
    "LaunchTemplateLimitExceeded",
    "LimitExceeded",
    "OperationNotPermitted",
    "ResourceContention",
    "ResourceInUse",
    "RulesPerSecurityGroupLimitExceeded",
    "ScalingActivityInProgress",
    "SecurityGroupLimitExceeded",
    "ServiceUnavailable",
    "TooManyLoadBalancers",
    "TooManyListeners",
    "TooManyRules",
    "TooManyTargetGroups",
    "Unavailable",
];

/// Codes that blame one field, with the way out.
const FIELDS: [(&str, &str, &str); 10] = [
    (
        "CertificateNotFound",
        "spec.loadBalancer.certificate.arn",
        "name a certificate that is issued in the cluster's region",
    ),
    (
        "InvalidAMIID.NotFound",
        "spec.infrastructure.aws.images",
        "name images that are in the cluster's region",
    ),
    (
        "InvalidKeyPair.NotFound",
        "spec.infrastructure.aws.keyPairName",
        "name a key pair of this region, or leave the field out",
    ),
    (
        "InvalidSubnet",
        "spec.infrastructure.aws.subnetIDs",
        "name subnets of the cluster's network",
    ),
    (
        "InvalidSubnetID.NotFound",
        "spec.infrastructure.aws.subnetIDs",
        "name subnets of the cluster's network",
    ),
    (
        "InvalidVpcID.Malformed",
        "spec.infrastructure.aws.vpcID",
        "name a network of this region",
    ),
    (
        "InvalidVpcID.NotFound",
        "spec.infrastructure.aws.vpcID",
        "name a network of this region",
    ),
    (
        "SubnetNotFound",
        "spec.infrastructure.aws.subnetIDs",
        "name subnets of the cluster's network",
    ),
    (
        "UnsupportedCertificate",
        "spec.loadBalancer.certificate.arn",
        "name a certificate that a load balancer takes",
    ),
    (
        "VPCIdNotSpecified",
        "spec.infrastructure.aws.vpcID",
        "name a network of this region",
    ),
];

/// An error by what it asks of the caller. Messages carry AWS's code, which people look up.
pub(crate) fn classed(fault: Fault) -> ProviderError {
    let text = fault.to_string();
    let Fault::Refused { code, .. } = fault else {
        return ProviderError::Retryable(text);
    };
    let code = code.as_str();
    if THROTTLED.contains(&code) {
        return ProviderError::Throttled {
            after: THROTTLED_MS,
        };
    }
    if DENIED.contains(&code) {
        return ProviderError::Denied(text);
    }
    if PASSING.contains(&code) {
        return ProviderError::Retryable(text);
    }
    if let Some((_, field, way_out)) = FIELDS.iter().find(|(of, ..)| *of == code) {
        return ProviderError::Invalid {
            field: (*field).to_owned(),
            message: format!("{text}; {way_out}"),
        };
    }
    if code.contains("NotFound") {
        return ProviderError::NotFound(text);
    }
    if code.contains("Duplicate") || code.contains("AlreadyExists") || code == "PriorityInUse" {
        return ProviderError::Conflict(text);
    }
    ProviderError::Invalid {
        field: "spec.infrastructure.aws".to_owned(),
        message: text,
    }
}

/// What was made under a name that is taken, by something that AWS did not show when we looked: it may be ours, made a
/// moment ago, and the next look tells.
pub(crate) fn made<T>(answer: Result<T, Fault>, taken: &[&str]) -> Result<Outcome, ProviderError> {
    match answer {
        Ok(_) => Ok(Outcome::Done),
        Err(fault) if fault.is(taken) => Err(ProviderError::Retryable(format!(
            "{fault}; whose it is AWS does not show yet"
        ))),
        Err(fault) => Err(classed(fault)),
    }
}

/// What was deleted: gone already is as good, and what still holds it is waited for.
pub(crate) fn deleted<T>(
    answer: Result<T, Fault>,
    gone: &[&str],
    held: &[&str],
) -> Result<Outcome, ProviderError> {
    match answer {
        Ok(_) => Ok(Outcome::Done),
        Err(fault) if fault.is(gone) => Ok(Outcome::Done),
        Err(fault) if fault.is(held) => Ok(Outcome::InProgress {
            look_again_in: IN_USE_MS,
        }),
        Err(fault) => Err(classed(fault)),
    }
}

/// What was changed.
pub(crate) fn changed<T>(answer: Result<T, Fault>) -> Result<Outcome, ProviderError> {
    answer.map(|_| Outcome::Done).map_err(classed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> ProviderError {
        classed(Fault::Refused {
            code: code.to_owned(),
            message: "words".to_owned(),
        })
    }

    #[test]
    fn codes_are_classed_by_what_they_ask_of_us() {
        for (code, class) in [
            ("RequestLimitExceeded", "throttled"),
            ("Throttling", "throttled"),
            ("UnauthorizedOperation", "denied"),
            ("ServiceUnavailable", "ServiceUnavailable"),
            ("TooManyLoadBalancers", "TooManyLoadBalancers"),
            ("InvalidGroup.NotFound", "not found"),
            ("InvalidGroup.Duplicate", "conflict"),
            ("PriorityInUse", "conflict"),
            ("ValidationError", "spec.infrastructure.aws:"),
            ("CertificateNotFound", "spec.loadBalancer.certificate.arn:"),
            ("InvalidVpcID.NotFound", "spec.infrastructure.aws.vpcID:"),
        ] {
            let text = refused(code).to_string();
            assert!(text.starts_with(class), "{code}: {text}");
        }
        assert_eq!(
            classed(Fault::NotBegun),
            ProviderError::Retryable("not begun: this process is not sure to lead".to_owned())
        );
    }
}
