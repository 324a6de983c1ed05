//! What the guide has an engine do, the walk of five minutes among it, run line by line.

use std::path::Path;

use pgdrill_scenarios::TOPICS;
use pgdrill_tests::shown::{ShownCommand, blocks, commands, is_as_shown, shell};

use crate::engine::{Ended, TakenDown, beside_others, of_topology};

/// What the guide has an engine do.
fn steps() -> Vec<ShownCommand> {
    let blocks = TOPICS.iter().flat_map(|topic| blocks(topic.text));
    let of_engine = blocks.filter(|block| block.info == "console engine");
    of_engine.flat_map(|block| commands(&block.text)).collect()
}

#[test]
fn every_line_of_the_guide_that_needs_an_engine_does_what_it_shows() {
    let _engine = beside_others();
    let steps = steps();
    for part in [
        "pgdrill up",
        "psql",
        "fire create-backup",
        "scale-to",
        "fire restore",
        "pgdrill heal",
        "pgdrill down",
    ] {
        assert!(steps.iter().any(|step| step.command.contains(part)), "the walk has no {part}");
    }
    assert!(of_topology("local").is_empty(), "a topology `local` is up on this machine");
    let _down = TakenDown("local");
    let folder = Path::new(env!("CARGO_BIN_EXE_pgdrill")).parent().unwrap();
    for step in steps {
        let ended = Ended::from(shell(folder, &step.command).output().unwrap());
        let Ended { code, stdout, stderr } = &ended;
        assert_eq!(*code, Some(0), "$ {}\n{stdout}{stderr}", step.command);
        let shown = step.printed.join("\n");
        assert!(
            is_as_shown(stdout, &step.printed),
            "$ {}\nprinted:\n{stdout}\nthe text shows:\n{shown}",
            step.command
        );
    }
    assert_eq!(of_topology("local"), Vec::<String>::new());
}
