//! `example`.

use std::process::ExitCode;

use crate::cli::ExampleProfile;
use crate::commands::print;
use crate::failure::Failure;

/// The manifests of the documentation.
pub(crate) const V2_AWS: &str = include_str!("../../../../docs/examples/v2-aws.yaml");
pub(crate) const V3_ONPREM: &str = include_str!("../../../../docs/examples/v3-onprem.yaml");
/// The Secrets that they name, with made-up values.
pub(crate) const V2_AWS_SECRETS: &str =
    include_str!("../../../../docs/examples/secrets-v2-aws.yaml");
pub(crate) const V3_ONPREM_SECRETS: &str =
    include_str!("../../../../docs/examples/secrets-v3-onprem.yaml");

pub(super) fn run(profile: ExampleProfile, secrets: bool) -> Result<ExitCode, Failure> {
    print(match (profile, secrets) {
        (ExampleProfile::V2Aws, false) => V2_AWS,
        (ExampleProfile::V2Aws, true) => V2_AWS_SECRETS,
        (ExampleProfile::V3Onprem, false) => V3_ONPREM,
        (ExampleProfile::V3Onprem, true) => V3_ONPREM_SECRETS,
    })?;
    Ok(ExitCode::SUCCESS)
}
