//! Draws one side's tokens in slices, so that the page stays awake.

use leptos::prelude::*;
use leptos::task::spawn_local;
use web_time::Instant;

use crate::decode::{DecodeError, Decoder};
use crate::engine::breathe;
use crate::sample::draw;
use crate::ui::state::{End, Side, State, Wish};

/// Milliseconds of work between two breaths: a frame or two.
const SLICE_MS: u128 = 24;

/// Follows what is wanted of both sides for as long as the view is open.
pub fn follow(state: State) {
    for (side, modified) in [(state.continuation.baseline, false), (state.continuation.now, true)] {
        let wish = Memo::new(move |_| state.continuation_wish(modified));
        Effect::new(move |_| {
            if let Some(wish) = wish.get() {
                start(side, wish);
            }
        });
    }
    on_cleanup(move || state.continuation.stop());
}

fn start(side: RwSignal<Side>, wish: Wish) {
    let run = side.with_untracked(|side| side.run) + 1;
    side.set(Side { run, prompt: wish.prompt.len(), ..Side::default() });
    spawn_local(async move {
        let mut last = Instant::now();
        let mut decoder = match Decoder::new(wish.model.clone(), &wish.modes) {
            Ok(decoder) => decoder,
            // The wish was made with one mode a layer.
            Err(_) => return,
        };
        for id in &wish.prompt {
            if decoder.push(*id).is_err() || !alive(side, run, &mut last).await {
                return;
            }
            side.update(|side| side.read += 1);
        }
        let end = loop {
            let step = side.with_untracked(|side| side.drawn.len());
            if step >= wish.count {
                break End::Done;
            }
            let Some(drawn) = draw(&decoder.logits(), &wish.sampling, step) else { break End::Overflow };
            side.update(|side| {
                side.drawn.push(drawn);
                side.kept = decoder.kept_numbers();
            });
            if let Err(DecodeError::Full(_)) = decoder.push(drawn.id) {
                break End::Full;
            }
            if !alive(side, run, &mut last).await {
                return;
            }
        };
        side.update(|side| {
            side.kept = decoder.kept_numbers();
            side.end = Some(end);
        });
    });
}

/// Breathes when it is time; false where a newer run took over, or the page's part is gone.
async fn alive(side: RwSignal<Side>, run: u32, last: &mut Instant) -> bool {
    if last.elapsed().as_millis() >= SLICE_MS {
        breathe().await;
        *last = Instant::now();
    }
    side.try_with_untracked(|side| side.run == run).unwrap_or(false)
}
