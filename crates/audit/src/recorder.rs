//! Turns many requests that wait into few batches that are committed.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use torvus_domain::Outcome;

use crate::{AuditRecord, Sink};

/// How many records go into one batch at the most.
const BATCH_MAX: usize = 256;
/// How many records may wait. More than any number of connections keeps busy.
const QUEUE_MAX: usize = 65_536;
/// How long a record may wait to be safe.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// The record is not known to be safe: the answer must be 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request could not be recorded")]
pub struct NotRecorded;

struct Waiting {
    record: AuditRecord,
    safe: oneshot::Sender<()>,
}

impl Waiting {
    /// The record as it is to be kept. Whoever waits no longer was answered
    /// 503, whatever was decided: so the record says that.
    fn settle(mut self) -> (AuditRecord, oneshot::Sender<()>) {
        if self.safe.is_closed() {
            self.record.status = Some(503);
            self.record.outcome = Outcome::Unavailable;
            self.record.billable = false;
        }
        (self.record, self.safe)
    }
}

/// Takes records, and answers when they are safe.
pub struct Recorder {
    queue: Mutex<Option<mpsc::Sender<Waiting>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Recorder {
    /// Starts the thread that writes to the sink.
    ///
    /// # Errors
    /// Where the operating system gives no thread.
    pub fn start(sink: Arc<dyn Sink>) -> std::io::Result<Self> {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let writer = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || write(&*sink, waiting))?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            writer: Mutex::new(Some(writer)),
        })
    }

    /// Records, and returns when the record is safe.
    ///
    /// # Errors
    /// [`NotRecorded`] where the sink failed, two seconds have passed, or the
    /// recorder is closed.
    pub async fn record(&self, record: AuditRecord) -> Result<(), NotRecorded> {
        let queue = self.lock().clone().ok_or(NotRecorded)?;
        let (safe, answer) = oneshot::channel();
        queue
            .try_send(Waiting { record, safe })
            .map_err(|_| NotRecorded)?;
        drop(queue);
        match tokio::time::timeout(WAIT_MAX, answer).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(NotRecorded),
        }
    }

    /// Takes no more records, and returns when those that wait are written.
    /// Blocks; call it where that is allowed.
    pub fn close(&self) {
        drop(self.lock().take());
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if writer.is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("the audit writer ended with a panic");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<mpsc::Sender<Waiting>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what waits until the queue is closed and empty. A sink that panics
/// fails its batch, and only that.
fn write(sink: &dyn Sink, mut waiting: mpsc::Receiver<Waiting>) {
    let mut next = Vec::with_capacity(BATCH_MAX);
    while waiting.blocking_recv_many(&mut next, BATCH_MAX) > 0 {
        let (records, answers): (Vec<_>, Vec<_>) = next.drain(..).map(Waiting::settle).unzip();
        let append = std::panic::AssertUnwindSafe(|| sink.append(&records));
        match std::panic::catch_unwind(append) {
            Ok(Ok(())) => {
                for safe in answers {
                    // Nobody waits where the time was up.
                    safe.send(()).unwrap_or_default();
                }
            }
            Ok(Err(_)) | Err(_) => {
                tracing::error!(
                    records = records.len(),
                    "the audit log could not be written"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use torvus_domain::{Category, Timestamp};

    use super::*;
    use crate::SinkError;

    /// A sink whose batches wait for `gate`.
    #[derive(Default)]
    struct Memory {
        batches: Mutex<Vec<Vec<AuditRecord>>>,
        broken: AtomicBool,
        panics: AtomicBool,
        gate: Mutex<()>,
    }

    impl Memory {
        fn sizes(&self) -> Vec<usize> {
            self.batches.lock().unwrap().iter().map(Vec::len).collect()
        }
    }

    impl Sink for Memory {
        fn append(&self, batch: &[AuditRecord]) -> Result<(), SinkError> {
            let _held = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
            assert!(!self.panics.load(Ordering::SeqCst), "as it was told to");
            if self.broken.load(Ordering::SeqCst) {
                return Err(SinkError);
            }
            self.batches.lock().unwrap().push(batch.to_vec());
            Ok(())
        }
    }

    fn record() -> AuditRecord {
        AuditRecord::new(Timestamp::UNIX_EPOCH, Category::ApiActivity, Outcome::Ok)
    }

    fn start(sink: &Arc<Memory>) -> Arc<Recorder> {
        Arc::new(Recorder::start(Arc::clone(sink) as _).unwrap())
    }

    /// A thousand records that wait behind a sink that does not move, and the
    /// answers to come.
    async fn queued(
        recorder: &Arc<Recorder>,
    ) -> Vec<tokio::task::JoinHandle<Result<(), NotRecorded>>> {
        let tasks = (0..1_000)
            .map(|_| {
                let recorder = Arc::clone(recorder);
                tokio::spawn(async move { recorder.record(record()).await })
            })
            .collect();
        // On one thread, as many turns as there are tasks let each of them run
        // to its first wait.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        tasks
    }

    async fn all_safe(answers: Vec<tokio::task::JoinHandle<Result<(), NotRecorded>>>) {
        for answer in answers {
            assert_eq!(answer.await.unwrap(), Ok(()));
        }
    }

    #[tokio::test]
    #[expect(
        clippy::await_holding_lock,
        reason = "the lock is what makes the sink stuck"
    )]
    async fn what_waits_together_is_written_together_and_nothing_twice() {
        let sink = Arc::new(Memory::default());
        let recorder = start(&sink);
        let held = sink.gate.lock().unwrap();
        let answers = queued(&recorder).await;
        drop(held);
        all_safe(answers).await;
        let sizes = sink.sizes();
        assert_eq!(sizes.iter().sum::<usize>(), 1_000);
        assert!(sizes.iter().all(|size| *size <= BATCH_MAX), "{sizes:?}");
        assert!(sizes.len() <= 6, "{sizes:?}");
        let batches = sink.batches.lock().unwrap();
        let ids: std::collections::HashSet<_> = batches.iter().flatten().map(|r| r.id).collect();
        assert_eq!(ids.len(), 1_000);
    }

    #[tokio::test]
    async fn a_failing_sink_never_says_yes_and_comes_back() {
        let sink = Arc::new(Memory::default());
        let recorder = start(&sink);
        for fault in [&sink.broken, &sink.panics] {
            fault.store(true, Ordering::SeqCst);
            for _ in 0..20 {
                assert_eq!(recorder.record(record()).await, Err(NotRecorded));
            }
            fault.store(false, Ordering::SeqCst);
            assert_eq!(recorder.record(record()).await, Ok(()));
        }
    }

    #[tokio::test(start_paused = true)]
    #[expect(
        clippy::await_holding_lock,
        reason = "the lock is what makes the sink stuck"
    )]
    async fn a_stuck_sink_is_waited_for_two_seconds() {
        let sink = Arc::new(Memory::default());
        let recorder = start(&sink);
        let held = sink.gate.lock().unwrap();
        let asked = tokio::time::Instant::now();
        assert_eq!(recorder.record(record()).await, Err(NotRecorded));
        let waited = asked.elapsed();
        assert!(waited >= WAIT_MAX && waited < WAIT_MAX * 2, "{waited:?}");
        drop(held);
    }

    #[tokio::test(start_paused = true)]
    #[expect(
        clippy::await_holding_lock,
        reason = "the lock is what makes the sink stuck"
    )]
    async fn a_record_whose_answer_was_503_says_so() {
        let sink = Arc::new(Memory::default());
        let recorder = start(&sink);
        let held = sink.gate.lock().unwrap();
        let mut late = record();
        late.billable = true;
        // The first batch is under way; the second waits in the queue.
        assert_eq!(recorder.record(record()).await, Err(NotRecorded));
        assert_eq!(recorder.record(late.clone()).await, Err(NotRecorded));
        drop(held);
        recorder.close();
        let batches = sink.batches.lock().unwrap();
        let kept = batches.iter().flatten().find(|r| r.id == late.id).unwrap();
        assert_eq!(
            (kept.status, kept.outcome),
            (Some(503), Outcome::Unavailable)
        );
        assert!(!kept.billable);
    }

    #[tokio::test]
    #[expect(
        clippy::await_holding_lock,
        reason = "the lock is what makes the sink stuck"
    )]
    async fn closing_writes_what_waits_and_takes_no_more() {
        let sink = Arc::new(Memory::default());
        let recorder = start(&sink);
        let held = sink.gate.lock().unwrap();
        let answers = queued(&recorder).await;
        let closing = {
            let recorder = Arc::clone(&recorder);
            std::thread::spawn(move || recorder.close())
        };
        drop(held);
        closing.join().unwrap();
        assert_eq!(sink.sizes().iter().sum::<usize>(), 1_000);
        all_safe(answers).await;
        assert_eq!(recorder.record(record()).await, Err(NotRecorded));
    }
}
