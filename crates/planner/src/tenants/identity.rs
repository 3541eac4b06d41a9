//! As whom the operator acts for a cluster in AWS.

use std::collections::BTreeMap;
use std::fmt;

use ovo_api::spec::Aws;
use ovo_model::Objection;

/// Reason of `Stalled` where the namespace may not use an identity that its cluster names.
const NOT_PERMITTED: &str = "IdentityNotPermitted";

/// ARNs with the same beginning: at most one `*`, at the end, and never before the account and the kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArnPattern(String);

/// A pattern that says too much or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError(String);

/// What one namespace may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permits {
    /// Roles that may be assumed, and instance profiles that machines may be given.
    pub arns: Vec<ArnPattern>,
    /// Whether the operator acts as itself where a cluster names no role.
    pub own_identity: bool,
}

/// Who may be acted as, by namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Identities {
    /// Whoever writes objects also runs the operator: a served directory, or an operator for one namespace.
    #[default]
    Trusted,
    /// Many namespaces: those that are not named here may do nothing, but for the operator's own.
    ByNamespace {
        /// The operator's own namespace.
        home: String,
        /// What the others may do.
        namespaces: BTreeMap<String, Permits>,
    },
}

/// The external id with which a role is assumed for a cluster. Never read from an object: the role's owner writes it into
/// the role's trust policy, and no other namespace can make the operator say it.
pub fn external_id(installation: &str, namespace: &str, name: &str) -> String {
    // Neither a namespace nor an object's name holds a slash, and an installation may not.
    format!("{installation}/{namespace}/{name}")
}

// === impl ArnPattern ===

impl ArnPattern {
    /// Reads `arn:aws:iam::111122223333:role/openvidu-*` and the like.
    ///
    /// # Errors
    /// When it is no ARN of a role or instance profile, or leaves the account open.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let refuse = || PatternError(text.to_owned());
        let fixed = text.strip_suffix('*').unwrap_or(text);
        let mut parts = fixed.splitn(6, ':');
        let mut next = || parts.next().unwrap_or_default();
        let (arn, partition, service, region) = (next(), next(), next(), next());
        let (account, resource) = (next(), next());
        let account_known = account.len() == 12 && account.chars().all(|c| c.is_ascii_digit());
        let kind_known = ["role/", "instance-profile/"]
            .iter()
            .any(|kind| resource.starts_with(kind));
        let shape = arn == "arn" && partition.starts_with("aws") && service == "iam";
        if shape && region.is_empty() && account_known && kind_known && !fixed.contains(['*', '?'])
        {
            return Ok(Self(text.to_owned()));
        }
        Err(refuse())
    }

    /// Whether an ARN is one of these.
    pub fn matches(&self, arn: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => arn.starts_with(beginning),
            None => arn == self.0,
        }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is no pattern of ARNs: write one such as arn:aws:iam::111122223333:role/openvidu-*, with the account in \
             full, role/ or instance-profile/, and at most one *, at the end",
            self.0
        )
    }
}

impl std::error::Error for PatternError {}

// === impl Identities ===

impl Identities {
    /// Why the operator does not act for this cluster, if it does not.
    pub fn objection(&self, namespace: &str, aws: Option<&Aws>) -> Option<Objection> {
        let (Self::ByNamespace { home, namespaces }, Some(aws)) = (self, aws) else {
            return None;
        };
        if namespace == home {
            return None;
        }
        let none = Permits::default();
        let permits = namespaces.get(namespace).unwrap_or(&none);
        let root = "spec.infrastructure.aws";
        let ask = format!(
            "ask whoever runs the operator to permit it for namespace {namespace} in its tenants file"
        );
        let named = [
            (format!("{root}.roleARN"), &aws.role_arn),
            (
                format!("{root}.iam.masterInstanceProfileARN"),
                &aws.iam.master_instance_profile_arn,
            ),
        ];
        let message = if aws.role_arn.is_none() && !permits.own_identity {
            Some(format!(
                "{root}.roleARN: none is named, and this namespace may not use the operator's own identity; name a role \
                 that it may use, or {ask}"
            ))
        } else {
            named.into_iter().find_map(|(field, arn)| {
                let arn = arn.as_deref()?;
                let permitted = permits.arns.iter().any(|pattern| pattern.matches(arn));
                (!permitted).then(|| {
                    format!("{field}: this namespace may not use {arn}; name another, or {ask}")
                })
            })
        };
        message.map(|message| Objection {
            reason: NOT_PERMITTED,
            message,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_external_id_says_installation_namespace_and_name() {
        assert_eq!(external_id("prod", "video", "ha"), "prod/video/ha");
    }

    #[test]
    fn a_pattern_leaves_neither_the_account_nor_the_kind_open() {
        for text in [
            "*",
            "",
            "arn:aws:iam::*:role/x",
            "arn:aws:iam::11112222333:role/x",
            "arn:aws:iam::111122223333:*",
            "arn:aws:iam::111122223333:user/x",
            "arn:aws:iam::111122223333:role*",
            "arn:aws:s3::111122223333:role/x",
            "arn:aws:iam::111122223333:role/*/x",
            "arn:aws:iam:eu-west-1:111122223333:role/x",
        ] {
            let error = ArnPattern::parse(text).unwrap_err().to_string();
            assert!(error.contains("111122223333"), "{text}: {error}");
        }
    }

    #[test]
    fn a_pattern_is_the_whole_arn_or_its_beginning() {
        let one = ArnPattern::parse("arn:aws:iam::111122223333:role/video").unwrap();
        assert!(one.matches("arn:aws:iam::111122223333:role/video"));
        assert!(!one.matches("arn:aws:iam::111122223333:role/video-admin"));
        let many = ArnPattern::parse("arn:aws:iam::111122223333:role/video/*").unwrap();
        assert!(many.matches("arn:aws:iam::111122223333:role/video/a"));
        assert!(!many.matches("arn:aws:iam::111122223333:role/video"));
        assert!(!many.matches("arn:aws:iam::999999999999:role/video/a"));
    }
}
