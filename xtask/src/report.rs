//! What happened, step by step: on the screen while it happens, as a table at the end, and as JSON for other programs.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use serde::Serialize;

/// A step that takes longer hangs.
const LONGEST_STEP: Duration = Duration::from_secs(180);

/// The steps of one run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    passed: bool,
    seconds: f64,
    steps: Vec<Step>,
    #[serde(flatten)]
    facts: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Serialize)]
struct Step {
    name: String,
    outcome: Outcome,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Passed,
    Failed,
    Skipped,
}

impl Report {
    /// Carries out a step and notes how long it took; an error is noted and handed on.
    pub(crate) async fn step<T>(
        &mut self,
        name: &str,
        action: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let start = Instant::now();
        let result = match tokio::time::timeout(LONGEST_STEP, action).await {
            Ok(result) => result,
            Err(_) => Err(anyhow!("took longer than {} s", LONGEST_STEP.as_secs())),
        };
        let (outcome, note) = match &result {
            Ok(_) => (Outcome::Passed, None),
            Err(error) => (Outcome::Failed, Some(format!("{error:#}"))),
        };
        self.add(name, outcome, start.elapsed(), note);
        result.with_context(|| name.to_owned())
    }

    pub(crate) fn add(
        &mut self,
        name: &str,
        outcome: Outcome,
        took: Duration,
        note: Option<String>,
    ) {
        let step = Step {
            name: name.to_owned(),
            outcome,
            seconds: round(took),
            note,
        };
        println!("{}", step.line());
        self.steps.push(step);
    }

    /// Something to remember beside the steps: a version, a number of messages.
    pub(crate) fn fact(&mut self, name: &str, value: impl Into<serde_json::Value>) {
        self.facts.insert(name.to_owned(), value.into());
    }

    /// Closes the report.
    pub(crate) fn finish(&mut self, took: Duration, complete: bool) {
        self.seconds = round(took);
        self.passed = complete && self.count(Outcome::Failed) == 0;
    }

    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        self.steps
            .iter()
            .filter(|step| step.outcome == outcome)
            .count()
    }

    pub(crate) fn print_table(&self, title: &str) {
        println!("\n{title}");
        for step in &self.steps {
            println!("{}", step.line());
        }
        println!("  total {:>48.1} s\n", self.seconds);
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let json = serde_json::to_string_pretty(self).context("write the report as JSON")?;
        fs::write(path, json + "\n").with_context(|| format!("write {}", path.display()))
    }
}

impl Step {
    fn line(&self) -> String {
        let outcome = match self.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "FAILED",
            Outcome::Skipped => "skipped",
        };
        let note = self
            .note
            .as_deref()
            .map(|note| format!("  {note}"))
            .unwrap_or_default();
        format!(
            "  {:<44} {outcome:<8} {:>7.1} s{note}",
            self.name, self.seconds
        )
    }
}

/// Milliseconds are enough for a reader.
fn round(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_with_a_failed_step_has_not_passed() {
        let mut report = Report::default();
        report.add("one", Outcome::Passed, Duration::from_millis(5), None);
        report.add(
            "two",
            Outcome::Failed,
            Duration::ZERO,
            Some("no".to_owned()),
        );
        report.finish(Duration::from_secs(1), true);
        assert!(!report.passed);
        assert_eq!(
            (report.count(Outcome::Passed), report.count(Outcome::Failed)),
            (1, 1)
        );
    }
}
