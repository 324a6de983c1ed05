//! The threads on which everything runs.

use std::{io, num::NonZeroUsize, sync::Mutex, thread};

use pgdrill_core::Diagnostic;
use tokio::runtime::{Builder, Runtime};

use crate::output::complain;

/// How many processors this process may use.
pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// What carries out whatever waits, on at most so many threads, and on no more than there are processors. `None`: not
/// one thread can be had, and why was said.
pub(crate) fn runtime(most: usize) -> Option<Runtime> {
    let wanted = most.clamp(1, processors());
    // The runtime panics where a thread can't be had, so whether it can is found out before.
    let built = at_once(wanted).and_then(|threads| {
        Builder::new_multi_thread().worker_threads(threads).enable_all().build()
    });
    match built {
        Ok(runtime) => Some(runtime),
        Err(why) => {
            let what = format!("this machine gives it no thread: {why}");
            let hint = "raise what a process may have, as by `ulimit -v` and `ulimit -u`";
            complain(&Diagnostic::error("the runtime", what).hint(hint));
            None
        }
    }
}

/// How many threads can be had at once, up to so many.
fn at_once(wanted: usize) -> io::Result<usize> {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        // Each thread waits at the gate until all are counted.
        let closed = gate.lock();
        let mut count = 0;
        while count < wanted {
            match thread::Builder::new().spawn_scoped(scope, || drop(gate.lock())) {
                Ok(_) => count += 1,
                Err(why) if count == 0 => return Err(why),
                Err(_) => break,
            }
        }
        drop(closed);
        Ok(count)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_threads_are_taken_than_there_are_processors() {
        let threads = |most| runtime(most).map(|runtime| runtime.metrics().num_workers());
        assert_eq!(threads(1), Some(1));
        assert_eq!(threads(0), Some(1));
        assert_eq!(threads(usize::MAX), Some(processors()));
        assert_eq!(at_once(3).ok(), Some(3));
    }
}
