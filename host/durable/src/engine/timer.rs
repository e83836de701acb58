//! Who looks at the clock.

use super::{Inner, written};
use crate::core::Wake;
use crate::store::Op;
use std::sync::Arc;

/// Wakes runs when it is time.
pub(super) async fn run(inner: Arc<Inner>) {
    loop {
        // What comes first may change while this is looked at; then there is another hold, and another round.
        let noticed = inner.rewinding().take();
        let next = inner.core().wakes.first().map(|(at, _)| *at);
        let Some(at) = next else {
            drop(noticed);
            inner.rewound.notified().await;
            continue;
        };
        let due = inner.clock.wait_until(at);
        drop(noticed);
        let hold = tokio::select! {
            biased;
            () = inner.rewound.notified() => continue,
            hold = due => hold,
        };
        if inner.note(|core| core.wake()) {
            sweep(&inner).await;
        }
        drop(hold);
    }
}

/// Forgets closed runs that are old enough, and notes when the next ones will be.
async fn sweep(inner: &Arc<Inner>) {
    let Some(retention) = inner.settings.retention else { return };
    let ((), committed) = inner.change(|core| {
        let past = i64::try_from(retention.as_nanos()).unwrap_or(i64::MAX);
        // One nanosecond more: what closed exactly so long ago goes too.
        let closed_before = perilune_workflow::Timestamp(core.now.0.saturating_sub(past).saturating_add(1));
        core.out.ops.push(Op::Forget { closed_before });
    });
    if written(committed).await.is_err() {
        return;
    }
    let first = match inner.read(|reader| reader.first_closed()).await {
        Ok(first) => first,
        Err(error) => return tracing::warn!(%error, "closed workflows are not forgotten"),
    };
    inner.note(|core| {
        core.swept = first.is_some();
        if let Some(first) = first {
            core.wakes.insert((first.after(retention), Wake::Sweep));
        }
    });
}
