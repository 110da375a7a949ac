//! What was asked for.

use crate::Done;

/// The command line.
#[derive(Clone, Debug)]
pub struct Args {
    /// Won sales in the CRM.
    pub sales: usize,
    /// Every so many of the distinct kills are tried.
    pub every: usize,
    /// Hubs at the same time.
    pub jobs: usize,
    /// Points that leave the same files and vendors are tried each for itself.
    pub each: bool,
    /// One point: the run's name and the number.
    pub only: Option<(String, u64)>,
    /// Only behind answers to calls that end like this, such as `POST /orders`.
    pub behind: Option<String>,
    /// Kills at random moments of the shipped program, in place of the sweep.
    pub random: Option<u64>,
    /// Decides those moments.
    pub seed: u64,
}

impl Args {
    /// Reads the words behind the program's name.
    pub fn read(words: &[String]) -> Done<Self> {
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let mut args =
            Self { sales: 200, every: 1, jobs, each: false, only: None, behind: None, random: None, seed: 1 };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} takes a value"));
            match word.as_str() {
                "--sales" => args.sales = value()?.parse()?,
                "--every" => args.every = value()?.parse::<usize>()?.max(1),
                "--jobs" => args.jobs = value()?.parse::<usize>()?.max(1),
                "--each" => args.each = true,
                "--random" => args.random = Some(value()?.parse()?),
                "--seed" => args.seed = value()?.parse()?,
                "--behind" => args.behind = Some(value()?.clone()),
                "--only" => {
                    let value = value()?;
                    let (run, point) = value.split_once(':').ok_or("--only takes RUN:POINT, such as first:17")?;
                    args.only = Some((run.to_owned(), point.parse()?));
                }
                other => return Err(format!("there is no option {other}").into()),
            }
        }
        Ok(args)
    }
}
