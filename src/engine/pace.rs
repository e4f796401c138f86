//! Long work on the page's only thread, in slices.

use std::time::Duration;

use web_time::Instant;

use super::breathe;

/// Half a frame: what the page can do without, 60 times a second.
const SLICE: Duration = Duration::from_millis(8);

/// Lets the page breathe between pieces of work, as often as it needs and not more: giving way costs some
/// milliseconds itself.
pub struct Pace(Instant);

impl Pace {
    #[allow(clippy::new_without_default)] // It starts a clock.
    pub fn new() -> Self {
        Pace(Instant::now())
    }

    /// Called between any two pieces, however small.
    pub async fn rest(&mut self) {
        if self.0.elapsed() >= SLICE {
            breathe().await;
            self.0 = Instant::now();
        }
    }
}
