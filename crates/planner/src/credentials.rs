//! Secrets: generated once, never twice, and never changed under a running deployment.

use std::collections::BTreeMap;

use ovo_api::act::ActKind;
use ovo_api::status::CredentialsStatus;
use ovo_model::{Cause, Op, Ownership, SecretKey};

use crate::draft::Draft;
use crate::view::View;

/// What the credentials allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// All there.
    Open,
    /// Not yet, or not any more: nothing is built meanwhile.
    Shut,
}

/// Generates what is missing before first use; afterwards an absence is a loss and is never made good by
/// generating anew.
pub(crate) fn plan(view: &View<'_>, draft: &mut Draft<'_>) -> Gate {
    let state = &view.snap.credentials;
    if !state.known {
        draft.wait(
            "read the credentials",
            format!("Secret {} could not be read", state.secret),
        );
        return Gate::Shut;
    }
    let absent = view
        .spec
        .required_secrets()
        .map(|r| SecretKey {
            secret: r.name.clone(),
            key: r.key.clone(),
        })
        .find(|key| !view.snap.secrets.contains_key(key));
    if let Some(key) = absent {
        draft.stall(
            "SecretMissing",
            format!("Secret {key} is not there; create the Secret with this key in the cluster's namespace"),
        );
        // What runs goes on being looked after; nothing new is built.
        if !view.found().any(|r| r.ownership == Ownership::Ours) {
            draft.wait("build the deployment", format!("Secret {key}"));
            return Gate::Shut;
        }
    }
    let missing: Vec<String> = state
        .to_generate
        .iter()
        .filter(|key| !state.digests.contains_key(*key))
        .cloned()
        .collect();
    let recorded = view.status.credentials.as_ref();
    if let Some(recorded) = recorded {
        let lost: Vec<&str> = recorded
            .digests
            .iter()
            .filter(|(key, _)| !key.contains('/'))
            .filter(|(key, digest)| state.digests.get(*key).map(|d| &d.0) != Some(digest))
            .map(|(key, _)| key.as_str())
            .collect();
        if !lost.is_empty() {
            draft.stall(
                "CredentialsLost",
                format!(
                    "Secret {} lacks or changed {}; nothing is generated anew: restore the Secret from a backup or \
                     from a machine of the deployment",
                    recorded.secret_name,
                    lost.join(", ")
                ),
            );
            return Gate::Shut;
        }
    }
    if missing.is_empty() {
        return Gate::Open;
    }
    if recorded.is_some_and(|r| missing.iter().any(|key| r.digests.contains_key(key))) {
        return Gate::Shut;
    }
    if !view.complete {
        draft.wait(
            "generate credentials",
            "everything under this infrastructure id could not be read yet",
        );
        return Gate::Shut;
    }
    if view.found().any(|r| r.ownership == Ownership::Ours) {
        draft.stall(
            "CredentialsLost",
            format!(
                "Secret {} lacks {} although this deployment exists; nothing is generated anew: restore the Secret \
                 from a backup or from a machine of the deployment",
                state.secret,
                missing.join(", ")
            ),
        );
        return Gate::Shut;
    }
    let op = Op::GenerateCredentials {
        secret: state.secret.clone(),
        keys: missing,
    };
    let reason = "needed before the first machine is installed".to_owned();
    draft.steps.push(view.step(
        op,
        ActKind::GenerateCredentials,
        None,
        Cause::Creation,
        reason,
    ));
    Gate::Shut
}

/// What status remembers: digests of what is generated (`key`) and of the user's (`secret/key`).
pub(crate) fn status(view: &View<'_>) -> Option<CredentialsStatus> {
    let state = &view.snap.credentials;
    let complete = state.known
        && state
            .to_generate
            .iter()
            .all(|key| state.digests.contains_key(key));
    let Some(old) = &view.status.credentials else {
        if !complete {
            return None;
        }
        let mut digests: BTreeMap<String, String> = state
            .to_generate
            .iter()
            .filter_map(|k| Some((k.clone(), state.digests.get(k)?.0.clone())))
            .collect();
        digests.extend(user(view));
        return Some(CredentialsStatus {
            secret_name: state.secret.clone(),
            digests,
        });
    };
    let mut new = old.clone();
    for (key, digest) in user(view) {
        // First use counts; a later value is a rotation and is not taken over silently.
        new.digests.entry(key).or_insert(digest);
    }
    Some(new)
}

fn user(view: &View<'_>) -> impl Iterator<Item = (String, String)> {
    view.snap
        .secrets
        .iter()
        .map(|(key, digest)| (format!("{}/{}", key.secret, key.key), digest.0.clone()))
}

/// User secrets whose value is another one than the deployment was built with.
pub(crate) fn rotated(view: &View<'_>) -> Vec<SecretKey> {
    let Some(recorded) = &view.status.credentials else {
        return Vec::new();
    };
    view.snap
        .secrets
        .iter()
        .filter(|(key, digest)| {
            recorded
                .digests
                .get(&format!("{}/{}", key.secret, key.key))
                .is_some_and(|old| *old != digest.0)
        })
        .map(|(key, _)| key.clone())
        .collect()
}
