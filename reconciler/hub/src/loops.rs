//! One loop per source, for controllers that talk to its repository: one that does not answer holds up nobody else's.

use std::collections::BTreeMap;
use std::future::Future;

use plan::SourceName;
use runtime::Wake;
use tokio::task::{AbortHandle, JoinSet};

/// The loops of one controller. Dropping it ends them all.
#[derive(Default)]
pub(crate) struct Loops {
    tasks: JoinSet<()>,
    running: BTreeMap<SourceName, (Wake, AbortHandle)>,
}

impl Loops {
    /// Ends loops of sources that are gone, starts those of new ones, and wakes all that stay.
    pub(crate) fn keep<F>(
        &mut self,
        sources: impl IntoIterator<Item = SourceName>,
        start: impl Fn(SourceName, Wake) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        // A loop ends only by a panic; it starts anew, and the panic is in the log.
        while let Some(ended) = self.tasks.try_join_next() {
            if let Err(error) = ended
                && error.is_panic()
            {
                tracing::error!(%error, "the loop of a source died; it starts again");
            }
        }
        let mut before = std::mem::take(&mut self.running);
        for source in sources {
            let running = before.remove(&source).filter(|(_, task)| !task.is_finished());
            let running = running.unwrap_or_else(|| {
                let wake = Wake::new();
                let task = self.tasks.spawn(start(source.clone(), wake.clone()));
                (wake, task)
            });
            running.0.wake();
            self.running.insert(source, running);
        }
        before.into_values().for_each(|(_, task)| task.abort());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn loops_come_and_go_with_their_sources_and_start_again_after_a_panic() {
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let (said, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let start = |source: SourceName, wake: Wake| {
            let (told, said) = (Arc::clone(&told), said.clone());
            async move {
                loop {
                    wake.woken().await;
                    told.lock().unwrap().push(source.to_string());
                    said.send(source.to_string()).unwrap();
                    assert!(source != *"dies", "as the test wants");
                }
            }
        };
        let mut loops = Loops::default();
        loops.keep(["a".into()], start);
        assert_eq!(heard.recv().await.as_deref(), Some("a"));
        loops.keep(["b".into()], start);
        assert_eq!(heard.recv().await.as_deref(), Some("b"));
        loops.keep(["dies".into()], start);
        assert_eq!(heard.recv().await.as_deref(), Some("dies"));
        let (_, task) = loops.running.values().next().cloned().unwrap();
        while !task.is_finished() {
            tokio::task::yield_now().await;
        }
        loops.keep(["dies".into()], start);
        assert_eq!(heard.recv().await.as_deref(), Some("dies"));
        assert_eq!(*told.lock().unwrap(), ["a", "b", "dies", "dies"]);
    }
}
