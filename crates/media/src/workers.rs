//! What egress and ingress say of themselves.

use serde_json::Value;

/// The one key of egress' health that is no job.
const CPU: &str = "CpuLoad";
/// What a healthy ingress answers.
const HEALTHY: &str = "Healthy";

/// How many recordings and streams an egress has: its health is an object with its load and one key for each.
///
/// # Errors
/// When the answer is none of an egress, in words for people.
pub(crate) fn egress_jobs(text: &str) -> Result<u32, String> {
    let Ok(Value::Object(told)) = serde_json::from_str(text) else {
        return Err("its health is no object in JSON".to_owned());
    };
    if !told.get(CPU).is_some_and(Value::is_number) {
        return Err(format!("its health lacks {CPU}"));
    }
    let jobs = told.keys().filter(|key| *key != CPU).count();
    Ok(u32::try_from(jobs).unwrap_or(u32::MAX))
}

/// Whether an ingress is there and well.
///
/// # Errors
/// When the answer is none of an ingress, in words for people.
pub(crate) fn ingress_healthy(text: &str) -> Result<(), String> {
    if text.trim() == HEALTHY {
        Ok(())
    } else {
        Err(format!("it does not say {HEALTHY}"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn jobs_are_all_keys_but_the_load() {
        assert_eq!(egress_jobs(r#"{"CpuLoad":0.25}"#).unwrap(), 0);
        let busy = r#"{"CpuLoad":3,"EG_a":{"room_name":"r"},"EG_b":{}}"#;
        assert_eq!(egress_jobs(busy).unwrap(), 2);
    }

    #[test]
    fn another_answer_is_an_error() {
        for text in ["", "{", "{}", "[]", "OK", r#"{"CpuLoad":"x"}"#, "0", "null"] {
            assert!(egress_jobs(text).is_err(), "{text}");
        }
        ingress_healthy("Healthy\n").unwrap();
        for text in ["", "OK", "Unhealthy", "<html>Healthy</html>"] {
            assert!(ingress_healthy(text).is_err(), "{text}");
        }
    }
}
