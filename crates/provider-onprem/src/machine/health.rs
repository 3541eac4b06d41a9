//! How a machine is.

use ovo_model::ProviderError;

use super::Machine;

const HEALTH: &str = include_str!("../scripts/health.sh");

/// A machine's health, by its own word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// `running` when all is well; `degraded` when some unit failed; in systemd's words.
    pub systemd: String,
    /// Seconds since boot.
    pub uptime_s: u64,
    /// Load over one minute for each core, in permille: 1000 is one busy core for each core.
    pub load_permille: u64,
    /// Main memory that is free to use, in KiB.
    pub memory_available_kib: u64,
    /// Free space of the root file system, in KiB.
    pub disk_available_kib: u64,
}

impl Machine {
    /// Asks the machine how it is.
    ///
    /// # Errors
    /// By what befell the command, or when an answer is not whole.
    pub async fn health(&self) -> Result<Health, ProviderError> {
        let output = self.script(HEALTH, 0, &[], Vec::new()).await?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        parse(&text).ok_or_else(|| {
            ProviderError::Retryable(format!(
                "{}: an answer that is not whole: {text:?}",
                self.name()
            ))
        })
    }
}

fn parse(text: &str) -> Option<Health> {
    let mut words = text.split_whitespace();
    let systemd = words.next()?.to_owned();
    let mut number = || words.next()?.parse().ok();
    let health = Health {
        systemd,
        uptime_s: number()?,
        load_permille: number()?,
        memory_available_kib: number()?,
        disk_available_kib: number()?,
    };
    words.next().is_none().then_some(health)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_answer_counts() {
        let health = parse("running 12 250 1048576 2097152\n").unwrap();
        assert_eq!(
            (health.systemd.as_str(), health.load_permille),
            ("running", 250)
        );
        for text in [
            "",
            "running",
            "running 12 250 1048576",
            "running x 1 1 1",
            "running 1 1 1 1 1",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
