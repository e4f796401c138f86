//! Fingers, pointer and keys on a map.

use super::Viewport;

/// Movement, in shares of the map's side, that still counts as a click.
const SLOP: f64 = 0.02;

/// The pointers that are down on a map: one drags, two pinch.
#[derive(Clone, Debug, Default)]
pub struct Gesture {
    /// Each pointer's id and place, in shares of the map's sides.
    down: Vec<(i32, (f64, f64))>,
    travelled: f64,
}

impl Gesture {
    pub fn press(&mut self, id: i32, at: (f64, f64)) {
        self.down.retain(|(other, _)| *other != id);
        if self.down.is_empty() {
            self.travelled = 0.0;
        }
        self.down.push((id, at));
        if self.down.len() > 1 {
            self.travelled = f64::INFINITY;
        }
    }

    /// Whether any pointer is down.
    pub fn is_held(&self) -> bool {
        !self.down.is_empty()
    }

    /// A pointer that is down moves: the view follows it. None where it is not down or nothing changes yet.
    pub fn drag(&mut self, id: i32, to: (f64, f64), view: Viewport, tokens: usize) -> Option<Viewport> {
        let index = self.down.iter().position(|(other, _)| *other == id)?;
        let from = self.down[index].1;
        if let [one, two] = self.down[..] {
            let other = if index == 0 { two.1 } else { one.1 };
            self.down[index].1 = to;
            // Fingers that lie on each other have no distance to compare.
            let factor = distance(to, other).max(0.02) / distance(from, other).max(0.02);
            let (before, now) = (middle(from, other), middle(to, other));
            return Some(view.zoom(tokens, factor, before).pan(tokens, (before.0 - now.0, before.1 - now.1)));
        }
        self.travelled += distance(from, to);
        self.down[index].1 = to;
        (self.travelled > SLOP).then(|| view.pan(tokens, (from.0 - to.0, from.1 - to.1)))
    }

    /// A pointer goes up: whether that was a click.
    pub fn release(&mut self, id: i32) -> bool {
        let clicked = self.travelled <= SLOP && self.down.iter().any(|(other, _)| *other == id);
        self.cancel(id);
        clicked
    }

    /// The browser took a pointer away.
    pub fn cancel(&mut self, id: i32) {
        self.down.retain(|(other, _)| *other != id);
    }
}

fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

fn middle(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (0.5 * (a.0 + b.0), 0.5 * (a.1 + b.1))
}

/// How much closer a turn of the wheel brings: `delta` in pixels, down is away. Pinching a touch pad arrives as
/// small turns with the control key.
pub fn wheel_factor(delta: f64, control: bool) -> f64 {
    (-delta * if control { 0.01 } else { 0.002 }).clamp(-1.0, 1.0).exp()
}

/// The cell that an arrow, Home or End leads to; ten at a time with `far`. None for other keys.
pub fn step((i, j): (usize, usize), key: &str, far: bool, tokens: usize) -> Option<(usize, usize)> {
    let (by, last) = (if far { 10 } else { 1 }, tokens.saturating_sub(1));
    Some(match key {
        "ArrowUp" => (i.saturating_sub(by), j),
        "ArrowDown" => ((i + by).min(last), j),
        "ArrowLeft" => (i, j.saturating_sub(by)),
        "ArrowRight" => (i, (j + by).min(last)),
        "Home" => (i, 0),
        "End" => (i, last),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_finger_clicks_or_drags() {
        let view = Viewport::WHOLE.zoom(100, 4.0, (0.5, 0.5));
        let mut gesture = Gesture::default();
        gesture.press(1, (0.5, 0.5));
        assert_eq!(gesture.drag(1, (0.51, 0.5), view, 100), None);
        assert!(gesture.is_held() && gesture.release(1) && !gesture.is_held());
        gesture.press(1, (0.5, 0.5));
        let moved = gesture.drag(1, (0.3, 0.6), view, 100).unwrap();
        assert_eq!(moved, view.pan(100, (0.5 - 0.3, 0.5 - 0.6)));
        assert!(!gesture.release(1), "a drag is no click");
        assert_eq!(gesture.drag(1, (0.9, 0.9), view, 100), None, "nothing is down");
        assert!(!gesture.release(1));
    }

    #[test]
    fn two_fingers_pinch_about_their_middle() {
        let mut gesture = Gesture::default();
        gesture.press(1, (0.4, 0.5));
        gesture.press(2, (0.6, 0.5));
        let middle = Viewport::WHOLE.cell(256, (0.5, 0.5));
        let half = gesture.drag(1, (0.3, 0.5), Viewport::WHOLE, 256).unwrap();
        let view = gesture.drag(2, (0.7, 0.5), half, 256).unwrap();
        assert!((view.size(256) - 128.0).abs() < 1e-9, "twice the distance is twice as close: {view:?}");
        let (i, j) = view.cell(256, (0.5, 0.5));
        assert!(i.abs_diff(middle.0) <= 1 && j.abs_diff(middle.1) <= 1, "{i} {j}");
        assert!(!gesture.release(1) && !gesture.release(2), "a pinch is no click");
    }

    #[test]
    fn keys_and_wheel() {
        assert_eq!(step((3, 3), "ArrowUp", false, 9), Some((2, 3)));
        assert_eq!(step((3, 3), "ArrowDown", true, 9), Some((8, 3)));
        assert_eq!(step((0, 0), "ArrowLeft", false, 9), Some((0, 0)));
        assert_eq!((step((3, 3), "End", false, 9), step((3, 3), "Home", true, 9)), (Some((3, 8)), Some((3, 0))));
        assert_eq!(step((3, 3), "a", false, 9), None);
        assert!(wheel_factor(-100.0, false) > 1.2 && wheel_factor(100.0, false) < 0.85);
        assert!((wheel_factor(1e9, false) * wheel_factor(-1e9, true) - 1.0).abs() < 1e-12);
    }
}
