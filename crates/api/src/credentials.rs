//! The keys of the Secrets that a cluster reads, for each profile.
//!
//! Sources: the parameters of OpenVidu's CloudFormation form (version 2) and the flags of its installer
//! (version 3). Names are OpenVidu's own.

use crate::profile::{ConfigStore, Profile};

/// Key in the generated Secret that holds the random key of the digests in status. Not OpenVidu's.
pub const DIGEST_KEY: &str = "digest-key";

/// The name of the Secret that is generated for a cluster is the cluster's with this at its end.
pub const GENERATED_SUFFIX: &str = "-credentials";

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// You give it: nothing works without it.
    Given,
    /// You may give it; else it is generated once, 32 letters and digits, into `<cluster>-credentials`.
    Generated,
}

/// Which Secret holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The one named by `spec.credentials.secretRef`, or the generated one.
    Credentials,
    /// Another one; the field names its key.
    Field(&'static str),
}

/// Which characters a value may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Letters and digits only: OpenVidu's scripts pass the value through a shell unquoted.
    Alphanumeric,
    /// Letters, digits, `-` and `_`: the pattern of the form's field.
    Token,
    /// Printable, without spaces, `"`, `=` and `|`: the masters' boot script cuts a value at the last two.
    UserData,
    /// Anything.
    Any,
}

/// One key of a Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialKey {
    /// Key in the Secret.
    pub name: &'static str,
    /// Which Secret.
    pub place: Place,
    /// Where its value comes from.
    pub origin: Origin,
    /// Which characters it may have.
    pub form: Form,
    /// What it is for.
    pub meaning: &'static str,
}

const fn key(
    name: &'static str,
    origin: Origin,
    form: Form,
    meaning: &'static str,
) -> CredentialKey {
    CredentialKey {
        name,
        place: Place::Credentials,
        origin,
        form,
        meaning,
    }
}

const fn elsewhere(
    name: &'static str,
    field: &'static str,
    form: Form,
    meaning: &'static str,
) -> CredentialKey {
    CredentialKey {
        name,
        place: Place::Field(field),
        origin: Origin::Given,
        form,
        meaning,
    }
}

const V2: &[CredentialKey] = &[
    key(
        "OPENVIDU_SECRET",
        Origin::Generated,
        Form::Token,
        "Password of OPENVIDUAPP, with which applications call OpenVidu's API; Redis takes it too",
    ),
    elsewhere(
        "(your choice)",
        "spec.license.secretKeyRef",
        Form::UserData,
        "License key of OpenVidu Pro or Enterprise",
    ),
    elsewhere(
        "username",
        "spec.elasticStack.credentials.secretRef",
        Form::UserData,
        "User of Elasticsearch and Kibana",
    ),
    elsewhere(
        "password",
        "spec.elasticStack.credentials.secretRef",
        Form::UserData,
        "Password of that user",
    ),
    elsewhere(
        "username",
        "spec.turn.credentials.secretRef",
        Form::UserData,
        "User of TURN servers of your own",
    ),
    elsewhere(
        "password",
        "spec.turn.credentials.secretRef",
        Form::UserData,
        "Password of that user",
    ),
];

const V3: &[CredentialKey] = &[
    key(
        "LIVEKIT_API_KEY",
        Origin::Generated,
        Form::Alphanumeric,
        "Name with which applications call the LiveKit API",
    ),
    key(
        "LIVEKIT_API_SECRET",
        Origin::Generated,
        Form::Alphanumeric,
        "Secret that signs the tokens of that API; password of OPENVIDUAPP for applications of OpenVidu 2",
    ),
    key(
        "REDIS_PASSWORD",
        Origin::Generated,
        Form::Alphanumeric,
        "Password of Redis and its sentinels",
    ),
    key(
        "MONGO_ADMIN_USERNAME",
        Origin::Generated,
        Form::Alphanumeric,
        "Administrator of MongoDB",
    ),
    key(
        "MONGO_ADMIN_PASSWORD",
        Origin::Generated,
        Form::Alphanumeric,
        "Password of MongoDB's administrator",
    ),
    key(
        "MONGO_REPLICA_SET_KEY",
        Origin::Generated,
        Form::Alphanumeric,
        "Key with which MongoDB's members trust each other",
    ),
    key(
        "MINIO_ACCESS_KEY",
        Origin::Generated,
        Form::Alphanumeric,
        "User of MinIO, which stores recordings",
    ),
    key(
        "MINIO_SECRET_KEY",
        Origin::Generated,
        Form::Alphanumeric,
        "Password of MinIO's user",
    ),
    key(
        "DASHBOARD_ADMIN_USERNAME",
        Origin::Generated,
        Form::Alphanumeric,
        "Administrator of OpenVidu's dashboard",
    ),
    key(
        "DASHBOARD_ADMIN_PASSWORD",
        Origin::Generated,
        Form::Alphanumeric,
        "Password of the dashboard's administrator",
    ),
    key(
        "GRAFANA_ADMIN_USERNAME",
        Origin::Generated,
        Form::Alphanumeric,
        "Administrator of Grafana (module Observability)",
    ),
    key(
        "GRAFANA_ADMIN_PASSWORD",
        Origin::Generated,
        Form::Alphanumeric,
        "Password of Grafana's administrator",
    ),
    key(
        "MEET_INITIAL_ADMIN_PASSWORD",
        Origin::Generated,
        Form::Alphanumeric,
        "First password of the user admin of OpenVidu Meet (module Meet, from 3.4)",
    ),
    key(
        "MEET_INITIAL_API_KEY",
        Origin::Generated,
        Form::Alphanumeric,
        "First key of OpenVidu Meet's API (module Meet, from 3.4)",
    ),
    key(
        "DEFAULT_APP_USERNAME",
        Origin::Generated,
        Form::Alphanumeric,
        "User of OpenVidu Call (module Meet, up to 3.3)",
    ),
    key(
        "DEFAULT_APP_PASSWORD",
        Origin::Generated,
        Form::Alphanumeric,
        "Password of OpenVidu Call's user (module Meet, up to 3.3)",
    ),
    key(
        "DEFAULT_APP_ADMIN_USERNAME",
        Origin::Generated,
        Form::Alphanumeric,
        "Administrator of OpenVidu Call (module Meet, up to 3.3)",
    ),
    key(
        "DEFAULT_APP_ADMIN_PASSWORD",
        Origin::Generated,
        Form::Alphanumeric,
        "Password of OpenVidu Call's administrator (module Meet, up to 3.3)",
    ),
    elsewhere(
        "(your choice)",
        "spec.license.secretKeyRef",
        Form::Any,
        "License key of OpenVidu Pro",
    ),
    elsewhere(
        "(your choice)",
        "spec.infrastructure.onPrem.ssh.privateKey.secretKeyRef",
        Form::Any,
        "Private key of the user that logs in to the machines",
    ),
    elsewhere(
        "tls.crt",
        "spec.loadBalancer.certificate.secretRef",
        Form::Any,
        "Certificate of spec.domainName",
    ),
    elsewhere(
        "tls.key",
        "spec.loadBalancer.certificate.secretRef",
        Form::Any,
        "Private key of that certificate",
    ),
    elsewhere(
        "tls.crt",
        "spec.turn.certificate.secretRef",
        Form::Any,
        "Certificate of spec.turn.domainName",
    ),
    elsewhere(
        "tls.key",
        "spec.turn.certificate.secretRef",
        Form::Any,
        "Private key of that certificate",
    ),
];

/// Every key that a profile's clusters read, user names included.
pub fn credential_keys(profile: &Profile) -> &'static [CredentialKey] {
    match profile.config {
        ConfigStore::BucketEnv => V2,
        ConfigStore::ReplicatedFiles => V3,
    }
}

// === impl Form ===

impl Form {
    /// Whether a value has this form. The value is never part of a message: say the key and [`Form::wanted`].
    pub fn holds(self, value: &str) -> bool {
        !value.is_empty()
            && value.chars().all(|c| match self {
                Self::Alphanumeric => c.is_ascii_alphanumeric(),
                Self::Token => c.is_ascii_alphanumeric() || c == '-' || c == '_',
                Self::UserData => c.is_ascii_graphic() && !matches!(c, '"' | '=' | '|'),
                Self::Any => true,
            })
    }

    /// The form in words.
    pub const fn wanted(self) -> &'static str {
        match self {
            Self::Alphanumeric => "letters and digits only",
            Self::Token => "letters, digits, - and _ only",
            Self::UserData => "printable characters without spaces, \", = and |",
            Self::Any => "not empty",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_keep_out_what_openvidus_scripts_would_cut() {
        assert!(Form::UserData.holds("p4$$w0rd/+"));
        for cut in ["a=b", "a|b", "a b", "a\"b", "", "a\nb", "ü"] {
            assert!(!Form::UserData.holds(cut), "{cut}");
        }
        assert!(Form::Token.holds("a-b_C1"));
        assert!(!Form::Token.holds("a.b"));
        assert!(!Form::Alphanumeric.holds("a-b"));
    }

    #[test]
    fn no_key_is_listed_twice() {
        for keys in [V2, V3] {
            let mut seen = std::collections::BTreeSet::new();
            for key in keys {
                assert!(
                    seen.insert((key.name, format!("{:?}", key.place))),
                    "{}",
                    key.name
                );
            }
        }
    }
}
