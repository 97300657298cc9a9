use std::collections::BTreeMap;

use crate::trial::{Outcome, Templates};

/// The long form, with kills: `cargo xtask soak corrupt --runs 1000`.
#[test]
fn whatever_happens_to_the_files_nothing_is_lost_in_silence() {
    let templates = Templates::new();
    let mut outcomes: BTreeMap<Outcome, u32> = BTreeMap::new();
    for seed in 0..40 {
        let outcome = templates
            .run(seed)
            .unwrap_or_else(|fault| panic!("{fault}"));
        *outcomes.entry(outcome).or_default() += 1;
    }
    assert!(outcomes.len() >= 4, "{outcomes:?}");
}
