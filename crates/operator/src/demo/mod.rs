//! Placeholder.
use crate::cli::{DemoArgs, LogArgs};
use crate::failure::Failure;
use std::process::ExitCode;
pub(crate) fn run(_: &DemoArgs, _: LogArgs) -> Result<ExitCode, Failure> {
    Ok(ExitCode::SUCCESS)
}
