//! Names that come from a manifest and go to a machine as root: only what is surely harmless passes.

use std::fmt::Write as _;

use ovo_model::ResourceId;

/// Longest path or name, in bytes: encoded as a file's name it must fit into 255.
pub const MAX_TARGET: usize = 80;

/// The name of a resource's folder on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordKey(String);

impl RecordKey {
    /// Kind and name with everything unusual written as `%XX`, so that no two resources meet in one folder.
    pub fn of(id: &ResourceId) -> Self {
        let mut key = String::new();
        for byte in id.kind.bytes().chain([b':']).chain(id.name.bytes()) {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
                key.push(char::from(byte));
            } else {
                // Writing into a string cannot fail.
                let _ = write!(key, "%{byte:02X}");
            }
        }
        Self(key)
    }

    /// As the folder is called.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A file, by its absolute path.
pub const FILE: &str = "File";
/// A unit of systemd, by its full name.
pub const UNIT: &str = "Unit";
/// A job, by its name.
pub const JOB: &str = "Job";

/// Where the units that an administrator adds have their files.
const UNITS: &str = "/etc/systemd/system/";

/// What stands for a resource on the machine: a path, or a job's name.
pub(super) fn target(id: &ResourceId) -> String {
    if id.kind == UNIT {
        format!("{UNITS}{}", id.name)
    } else {
        id.name.clone()
    }
}

/// The resource that `target` stands for.
pub(super) fn id_of(kind: &str, target: &str) -> ResourceId {
    let name = if kind == UNIT {
        target.strip_prefix(UNITS).unwrap_or(target)
    } else {
        target
    };
    ResourceId::new(kind, name)
}

/// A job's name: lower-case letters, digits and `-`.
///
/// # Errors
/// What is wrong with it.
pub fn check_job(name: &str) -> Result<(), String> {
    let usual = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if name.is_empty() || name.len() > MAX_TARGET || !usual {
        return Err(format!(
            "{name:?} is not a job's name: lower-case letters, digits and `-`, {MAX_TARGET} bytes at most"
        ));
    }
    Ok(())
}

/// An absolute path in its shortest form: no `.`, `..` or empty parts.
///
/// # Errors
/// What is wrong with it.
pub fn check_path(path: &str) -> Result<(), String> {
    let parts = path
        .strip_prefix('/')
        .ok_or_else(|| format!("{path:?} is not an absolute path"))?;
    if path.len() > MAX_TARGET {
        return Err(format!("{path:?} is longer than {MAX_TARGET} bytes"));
    }
    if parts.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(format!(
            "{path:?} has an empty part, `.` or `..`; write the path in its shortest form"
        ));
    }
    if path.chars().any(char::is_control) {
        return Err(format!("{path:?} has a control character"));
    }
    Ok(())
}

/// A name that systemd takes for a service, a timer, a socket or a target. No template instances.
///
/// # Errors
/// What is wrong with it.
pub fn check_unit(name: &str) -> Result<(), String> {
    let known = name.rsplit_once('.').is_some_and(|(stem, kind)| {
        !stem.is_empty()
            && !stem.starts_with(['-', '.'])
            && stem
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
            && matches!(kind, "service" | "timer" | "socket" | "target")
    });
    if !known || name.len() > MAX_TARGET {
        return Err(format!(
            "{name:?} is not a unit's name: letters, digits, `-`, `_` and `.`, then .service, .timer, .socket or .target, \
             {MAX_TARGET} bytes at most"
        ));
    }
    Ok(())
}

/// Three octal digits as `chmod` takes them; no set-user-id.
///
/// # Errors
/// What is wrong with it.
pub fn check_mode(mode: &str) -> Result<(), String> {
    if mode.len() == 3 && mode.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
        return Ok(());
    }
    Err(format!(
        "{mode:?} is not a file mode; write three octal digits, for example 640"
    ))
}

/// `user:group`, by name.
///
/// # Errors
/// What is wrong with it.
pub fn check_owner(owner: &str) -> Result<(), String> {
    let name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && part.len() <= 32
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
    };
    match owner.split_once(':') {
        Some((user, group)) if name(user) && name(group) => Ok(()),
        _ => Err(format!(
            "{owner:?} is not an owner; write user:group by name, for example root:root"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_when_resources_differ_and_fit_into_a_file_name() {
        let key = |kind: &str, name: &str| RecordKey::of(&ResourceId::new(kind, name));
        assert_eq!(
            key("File", "/etc/a.conf").as_str(),
            "File%3A%2Fetc%2Fa%2Econf"
        );
        assert_ne!(key("File", "/etc/a%2Fb"), key("File", "/etc/a/b"));
        assert_ne!(key("Job", "a"), key("Unit", "a"));
        assert!(key("File", &"/".repeat(MAX_TARGET)).as_str().len() <= 255);
    }

    #[test]
    fn paths() {
        for good in ["/etc/openvidu.env", "/opt/a b/ä", "/x"] {
            check_path(good).unwrap();
        }
        let long = format!("/{}", "x".repeat(MAX_TARGET));
        for bad in [
            "",
            "etc/x",
            "/",
            "/etc/",
            "/etc//x",
            "/etc/../root/x",
            "/./x",
            "/a\nb",
            &long,
        ] {
            check_path(bad).unwrap_err();
        }
    }

    #[test]
    fn units_modes_owners() {
        for good in ["openvidu.service", "a-b_c.timer", "x.y.socket"] {
            check_unit(good).unwrap();
        }
        for bad in [
            "",
            "openvidu",
            ".service",
            "-x.service",
            "a/b.service",
            "a b.service",
            "x@1.service",
            "x.mount",
        ] {
            check_unit(bad).unwrap_err();
        }
        check_mode("640").unwrap();
        for bad in ["", "64", "0640", "4755", "rwx", "688"] {
            check_mode(bad).unwrap_err();
        }
        check_owner("root:root").unwrap();
        for bad in ["", "root", "root:", "0:0", "Root:root", "a:b:c", "-x:root"] {
            check_owner(bad).unwrap_err();
        }
    }
}
