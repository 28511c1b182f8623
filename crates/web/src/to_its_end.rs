//! A client that goes away must not cut a request off from its record.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::task::Poll;

use actix_web::HttpResponse;
use futures_util::{FutureExt, poll};

/// Whether the record of a request is on its way: from then on nothing is lost
/// if nobody waits for the answer any longer.
#[derive(Clone, Debug, Default)]
pub struct Kept(Rc<Cell<bool>>);

impl Kept {
    pub(crate) fn set(&self) {
        self.0.set(true);
    }
}

/// Runs the work of a request to its end, whether or not its client stays.
/// `None` where it panics.
///
/// The future of a handler is dropped when its connection ends. Most work is
/// done at once, up to its record, and needs nothing more; what has to wait
/// before that goes on in a task of its own, on actix's runtime.
pub async fn to_its_end<F>(work: impl FnOnce(Kept) -> F) -> Option<HttpResponse>
where
    F: Future<Output = HttpResponse> + 'static,
{
    let kept = Kept::default();
    let mut work = Box::pin(AssertUnwindSafe(work(kept.clone())).catch_unwind());
    match poll!(work.as_mut()) {
        Poll::Ready(answer) => answer.ok(),
        Poll::Pending if kept.0.get() => work.await.ok(),
        Poll::Pending => actix_web::rt::spawn(work).await.ok()?.ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::future::{pending, ready};
    use tokio::sync::oneshot;

    use super::*;

    #[actix_web::test]
    async fn what_waits_goes_on_when_nobody_waits_for_it() {
        let (go, gone_on) = oneshot::channel::<()>();
        let (done, told) = oneshot::channel::<()>();
        {
            let mut answer = pin!(to_its_end(|_| async {
                gone_on.await.unwrap();
                done.send(()).unwrap();
                HttpResponse::Ok().finish()
            }));
            assert!(poll!(answer.as_mut()).is_pending());
        }
        go.send(()).unwrap();
        told.await.unwrap();
    }

    #[actix_web::test]
    async fn what_only_waits_for_its_record_ends_with_its_client() {
        let (held, dropped) = oneshot::channel::<()>();
        {
            let mut answer = pin!(to_its_end(|kept| async move {
                let _held = held;
                kept.set();
                pending().await
            }));
            assert!(poll!(answer.as_mut()).is_pending());
        }
        assert!(dropped.await.is_err());
    }

    #[actix_web::test]
    async fn a_panic_is_no_answer() {
        assert!(to_its_end(|_| async { panic!("here") }).await.is_none());
        let at_once = to_its_end(|_| ready(HttpResponse::Ok().finish())).await;
        assert_eq!(at_once.unwrap().status(), 200);
    }
}
