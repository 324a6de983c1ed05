//! What is said of words that no scenario file holds.

/// What the vocabulary lacks, and what there is instead.
pub(super) const LACKING: &[(&str, &str)] = &[
    (
        "point in time",
        "A restore to a time or along a timeline (PITR). The action `restore` takes the id of a backup, and nothing else.",
    ),
    (
        "moment within a restore",
        "A change while a command other than a backup runs. `during:` holds a backup in its middle; elsewhere a change happens \
         before or after a shape or a call.",
    ),
];

/// The words by which a path says that an amendment has had a part in a step: the word, where it stands, and what it means.
pub(super) const OF_PATHS: &[(&str, &str, &str)] = &[
    (
        "added by",
        "SHAPE  (added by AMENDMENT)",
        "The amendment adds the step: the published chart has no such shape at this place.",
    ),
    (
        "refined by",
        "SHAPE: ANSWER  (refined by AMENDMENT)",
        "The amendment answers a question of the published chart more finely than the chart words it. The answer then says \
         which arrow is right for the unit, not what the question says to the letter: `is_leader: yes` on a primary that does \
         not lead, because it does the leader's part. `pgdrill words AMENDMENT` says when.",
    ),
];
