//! Test data: the project's own charts with invented visits.

use pgdrill_flow::{Arrow, Chart};

/// Every chart of the project, amendments included.
pub(crate) fn charts() -> Vec<Chart> {
    crate::charts::all().iter().map(|(_, chart)| chart.clone()).collect()
}

/// Visits that leave a few arrows unwalked.
pub(crate) fn visits(chart: &Chart) -> Vec<u64> {
    let never = [
        "was_data_directory_emptied>start_database_again",
        "is_replica_tls_disabled>fail_action",
        "is_replica2>allow_new_connections.",
        "upload_error_logs_s3>fail_action2",
        "has_backup_creation_succeeded>upload_error_logs_s3",
        "is_wal_archiving_to_s3_working>set_blocked",
    ];
    let id = |node: usize| chart.nodes[node].id.as_str();
    let key = |a: &Arrow| format!("{}>{}{}", id(a.from), id(a.to), if a.dotted { "." } else { "" });
    let count = |(index, arrow): (usize, &Arrow)| {
        if never.contains(&key(arrow).as_str()) { 0 } else { (index as u64 * 37) % 140 + 1 }
    };
    chart.arrows.iter().enumerate().map(count).collect()
}
