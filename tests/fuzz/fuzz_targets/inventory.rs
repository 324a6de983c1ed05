//! Any text, read as the inventory that the backup tool prints.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pgdrill_core::inventory::{Inventory, backup_id};

fuzz_target!(|text: &str| {
    let _ = backup_id(text);
    let Ok(inventory) = Inventory::parse(text, "demo") else { return };
    let table = inventory.table();
    let backups: usize = inventory.stanzas.iter().map(|stanza| stanza.backups.len()).sum();
    // A table that has no room for all backups says so in its last line.
    let rows = table.lines().count();
    assert!(rows == backups + 2 || table.ends_with(" not shown"), "{table}");
    for stanza in &inventory.stanzas {
        for backup in &stanza.backups {
            assert_eq!(backup_id(&backup.label).as_ref(), Some(&backup.id));
            assert!(inventory.find(&backup.id, &stanza.name).is_some());
        }
    }
});
