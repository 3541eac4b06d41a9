//! What is asked for on the command line.

/// How to call it.
pub(crate) const USAGE: &str = "\
usage: figures [--days N]
       figures --soak SEEDS...
       figures --timings

  --days N         live through the days of the seeds from 0 to N - 1; 1000 unless said otherwise
  --soak SEEDS...  only days, of these seeds: numbers, A..B (without B) or A..=B (with it)
  --timings        only how long a plan takes, and going over it";

/// Days that the figures speak of.
const DAYS: u64 = 1000;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Say how it is called.
    Help,
    /// Everything that yields figures.
    All,
    /// Days, and nothing else.
    Soak,
    /// How long a plan takes, and nothing else.
    Timings,
}

/// The command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// What to do.
    pub(crate) work: Work,
    /// The days to live through.
    pub(crate) seeds: Vec<u64>,
}

impl Arguments {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// Names what is not understood.
    pub(crate) fn parse(given: &[String]) -> Result<Self, String> {
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        let (work, seeds) = match *given.as_slice() {
            [] => (Work::All, (0..DAYS).collect()),
            ["--help" | "-h"] => (Work::Help, Vec::new()),
            ["--days", count] => (Work::All, (0..number(count)?).collect()),
            ["--days"] => return Err("--days: how many is missing".to_owned()),
            ["--timings"] => (Work::Timings, Vec::new()),
            ["--soak"] => return Err("--soak: the seeds are missing".to_owned()),
            ["--soak", ref texts @ ..] => {
                let ranges: Vec<_> = texts.iter().map(|t| seeds(t)).collect::<Result<_, _>>()?;
                (Work::Soak, ranges.into_iter().flatten().collect())
            }
            [first, ..] => return Err(format!("{first}: not understood here")),
        };
        if matches!(work, Work::All | Work::Soak) && seeds.is_empty() {
            return Err("no day to live through".to_owned());
        }
        Ok(Self { work, seeds })
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|error| format!("{text}: not a number: {error}"))
}

fn seeds(text: &str) -> Result<std::ops::Range<u64>, String> {
    let after = |last: u64| {
        last.checked_add(1)
            .ok_or_else(|| format!("{text}: too large for a seed"))
    };
    if let Some((first, last)) = text.split_once("..=") {
        Ok(number(first)?..after(number(last)?)?)
    } else if let Some((first, end)) = text.split_once("..") {
        Ok(number(first)?..number(end)?)
    } else {
        let seed = number(text)?;
        Ok(seed..after(seed)?)
    }
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Work};

    fn parse(line: &str) -> Result<Arguments, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Arguments::parse(&words)
    }

    #[test]
    fn seeds_are_numbers_and_ranges() {
        let expected = Arguments {
            work: Work::Soak,
            seeds: vec![7, 1, 2, 3, 4],
        };
        assert_eq!(parse("--soak 7 1..3 3..=4"), Ok(expected));
    }

    #[test]
    fn without_arguments_there_are_a_thousand_days() {
        let expected = Arguments {
            work: Work::All,
            seeds: (0..1000).collect(),
        };
        assert_eq!(parse(""), Ok(expected.clone()));
        assert_eq!(parse("--days 1000"), Ok(expected));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, word) in [
            ("--days many", "many"),
            ("--days 0", "no day"),
            ("--soak", "seeds are missing"),
            ("--soak 3..x", "x"),
            ("--soak 5..5", "no day"),
            ("--soak 18446744073709551615", "too large"),
            ("--fast", "--fast"),
        ] {
            let refused = parse(line);
            assert!(
                refused.as_ref().is_err_and(|words| words.contains(word)),
                "{line}: {refused:?}"
            );
        }
    }
}
