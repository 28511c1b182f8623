//! The thread that waits for the disk, so that no worker does.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use metrics::histogram;

/// What is to be on the disk, and who is told.
pub(super) struct Job {
    pub(super) file: Arc<File>,
    /// Called with whether it is.
    pub(super) done: Box<dyn FnOnce(std::io::Result<()>) + Send>,
}

/// Starts the thread; it ends with the last sender.
pub(super) fn start() -> std::io::Result<Sender<Job>> {
    let (jobs, waiting) = channel();
    std::thread::Builder::new()
        .name("audit-sync".to_owned())
        .spawn(move || work(&waiting))?;
    Ok(jobs)
}

fn work(waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        // Whatever waits for the same file is on the disk with the first.
        let mut jobs = vec![first];
        jobs.extend(waiting.try_iter());
        // The older segments of a chain first: what is behind them is only safe with them.
        while let Some(file) = jobs.first().map(|job| Arc::clone(&job.file)) {
            let (same, others): (Vec<Job>, Vec<Job>) = jobs
                .into_iter()
                .partition(|job| Arc::ptr_eq(&job.file, &file));
            jobs = others;
            let synced = timed(&file);
            for job in same {
                (job.done)(again(&synced));
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a duration, for the operator's eyes only"
)]
fn timed(file: &File) -> std::io::Result<()> {
    let start = Instant::now();
    let synced = file.sync_data();
    histogram!(super::SYNC_DURATION).record(start.elapsed().as_secs_f64());
    synced
}

fn again(outcome: &std::io::Result<()>) -> std::io::Result<()> {
    match outcome {
        Ok(()) => Ok(()),
        Err(error) => Err(error.kind().into()),
    }
}
