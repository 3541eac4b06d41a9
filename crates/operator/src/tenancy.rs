//! The file that says which namespace may act as whom in AWS.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ovo_planner::tenants::{ArnPattern, Identities, Permits};
use serde::Deserialize;

use crate::failure::Failure;

/// What the file holds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    namespaces: BTreeMap<String, Tenant>,
}

/// One namespace.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Tenant {
    #[serde(default, rename = "allowedARNs")]
    allowed_arns: Vec<String>,
    #[serde(default)]
    own_identity: OwnIdentity,
}

/// Whether the operator acts as itself where a cluster names no role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum OwnIdentity {
    #[default]
    Refused,
    Allowed,
}

/// Who may be acted as, where one operator serves all namespaces. Read once, when the operator starts.
pub(crate) fn identities(home: String, file: Option<&Path>) -> Result<Identities, Failure> {
    let namespaces = match file {
        Some(path) => {
            let text = fs::read_to_string(path).map_err(Failure::file(path))?;
            parse(&text).map_err(|why| Failure::Damaged {
                path: path.to_owned(),
                why,
            })?
        }
        None => BTreeMap::new(),
    };
    Ok(Identities::ByNamespace { home, namespaces })
}

fn parse(text: &str) -> Result<BTreeMap<String, Permits>, String> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let permits = |(namespace, tenant): (String, Tenant)| {
        let arns = tenant.allowed_arns.iter().enumerate();
        let arns = arns.map(|(index, text)| {
            ArnPattern::parse(text)
                .map_err(|error| format!("namespaces.{namespace}.allowedARNs[{index}]: {error}"))
        });
        let permits = Permits {
            arns: arns.collect::<Result<_, _>>()?,
            own_identity: tenant.own_identity == OwnIdentity::Allowed,
        };
        Ok((namespace, permits))
    };
    file.namespaces.into_iter().map(permits).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// What `deploy/` ships as an example is read.
    const EXAMPLE: &str = include_str!("../../../deploy/tenants-example/tenants.yaml");

    #[test]
    fn the_shipped_example_is_read() {
        let permits = parse(EXAMPLE).unwrap();
        assert!(permits["video"].own_identity);
        let school = &permits["school"];
        assert!(!school.own_identity);
        assert!(school.arns[0].matches("arn:aws:iam::111122223333:role/school/openvidu"));
    }

    #[test]
    fn mistakes_are_named_with_the_way_out() {
        for (text, parts) in [
            (
                "namespaces: {a: {allowedARNs: ['arn:aws:iam::*:role/x']}}",
                ["namespaces.a.allowedARNs[0]", "111122223333"],
            ),
            (
                "namespaces: {a: {ownIdentity: true}}",
                ["Refused", "Allowed"],
            ),
            ("namespaces: {a: {roles: []}}", ["roles", "allowedARNs"]),
            ("tenants: {}", ["tenants", "namespaces"]),
        ] {
            let error = parse(text).unwrap_err();
            for part in parts {
                assert!(error.contains(part), "{text}: {part}: {error}");
            }
        }
    }
}
