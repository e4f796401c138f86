//! Where direct labels go so that none lies on another.

/// Places for labels of one `height` along a line: as near as possible to where each is `wanted` (their middles),
/// none overlapping, within `from`…`to`. Labels that cannot all fit share the room evenly.
///
/// With label i of n sorted ones moved up by i heights, "not overlapping" is "not decreasing": the least squares
/// of the moves is an isotonic regression, solved by pooling neighbours that are out of order.
pub fn spread(wanted: &[f64], height: f64, from: f64, to: f64) -> Vec<f64> {
    let count = wanted.len();
    let height = height.min((to - from) / count.max(1) as f64);
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    // Pools of labels that touch: the sum of their tops so moved, and how many they are.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (i, label) in order.iter().enumerate() {
        let mut pool = (wanted[*label] - height / 2.0 - height * i as f64, 1);
        while let Some(before) = pools.pop_if(|before| before.0 / before.1 as f64 > pool.0 / pool.1 as f64) {
            pool = (before.0 + pool.0, before.1 + pool.1);
        }
        pools.push(pool);
    }
    let last = (to - height * count as f64).max(from);
    let tops = pools.into_iter().flat_map(|(sum, n)| std::iter::repeat_n((sum / n as f64).clamp(from, last), n));
    let mut places = vec![0.0; count];
    for (i, (label, top)) in order.iter().zip(tops).enumerate() {
        places[*label] = top + height * (i as f64 + 0.5);
    }
    places
}

/// A rectangle: left, top, width, height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Spot {
    /// What a line with its marks covers: small squares along it.
    pub fn along((ax, ay): (f64, f64), (bx, by): (f64, f64)) -> Vec<Spot> {
        const SIDE: f64 = 10.0;
        let steps = ((bx - ax).hypot(by - ay) / SIDE).ceil().max(1.0) as usize;
        let at = |i: usize| i as f64 / steps as f64;
        let square = |share: f64| Spot {
            left: ax + share * (bx - ax) - SIDE / 2.0,
            top: ay + share * (by - ay) - SIDE / 2.0,
            width: SIDE,
            height: SIDE,
        };
        (0..=steps).map(|i| square(at(i))).collect()
    }

    fn overlap(&self, other: &Spot) -> f64 {
        let width = (self.left + self.width).min(other.left + other.width) - self.left.max(other.left);
        let height = (self.top + self.height).min(other.top + other.height) - self.top.max(other.top);
        width.max(0.0) * height.max(0.0)
    }
}

/// The first candidate that covers nothing that is `taken`, or the one that covers least.
pub fn free_spot(candidates: &[Spot], taken: &[Spot]) -> Option<Spot> {
    let covered = |spot: &Spot| taken.iter().map(|t| spot.overlap(t)).sum::<f64>();
    candidates.iter().copied().min_by(|a, b| covered(a).total_cmp(&covered(b)))
}

/// About how wide a text is in a sans-serif font of that size: fonts differ, so it is on the safe side.
pub fn text_width(text: &str, size: f64) -> f64 {
    let wide = |c: char| match c {
        'i' | 'l' | 'j' | 't' | 'f' | 'r' | '.' | ',' | ':' | ' ' | '|' | '(' | ')' => 0.34,
        'm' | 'w' | 'M' | 'W' | '%' | '≥' | '×' => 0.9,
        c if c.is_uppercase() => 0.7,
        _ => 0.57,
    };
    size * text.chars().map(wide).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_apart(places: &[f64], height: f64) {
        let mut sorted = places.to_vec();
        sorted.sort_by(f64::total_cmp);
        assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] >= height - 1e-6), "{places:?}");
    }

    #[test]
    fn labels_with_room_stay_where_they_are() {
        assert_eq!(spread(&[70.0, 10.0, 40.0], 16.0, 0.0, 100.0), [70.0, 10.0, 40.0]);
        assert!(spread(&[], 16.0, 0.0, 100.0).is_empty());
    }

    #[test]
    fn colliding_labels_move_apart_evenly_and_keep_their_order() {
        assert_eq!(spread(&[50.0, 50.0], 20.0, 0.0, 100.0), [40.0, 60.0]);
        // Three that pile up, and one that is drawn into the pile.
        let places = spread(&[50.0, 52.0, 51.0, 75.0], 20.0, 0.0, 200.0);
        assert_apart(&places, 20.0);
        assert!(places[0] < places[2] && places[2] < places[1] && places[1] < places[3]);
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        assert!((mean(&places) - mean(&[50.0, 52.0, 51.0, 75.0])).abs() < 1e-9, "the pile is centred");
    }

    #[test]
    fn labels_stay_inside() {
        let places = spread(&[1.0, 2.0, 99.0, 100.0], 16.0, 0.0, 100.0);
        assert_apart(&places, 16.0);
        assert!(places.iter().all(|p| (8.0..=92.0).contains(p)), "{places:?}");
        // A pile at the edge pushes its neighbour.
        let places = spread(&[2.0, 2.0, 30.0], 20.0, 0.0, 100.0);
        assert_eq!(places, [10.0, 30.0, 50.0]);
    }

    #[test]
    fn too_many_labels_share_the_room() {
        let places = spread(&[5.0; 10], 16.0, 0.0, 100.0);
        assert_apart(&places, 10.0);
        assert_eq!((places.iter().copied().fold(f64::MAX, f64::min), places.len()), (5.0, 10));
    }

    #[test]
    fn a_free_spot_is_preferred_in_order() {
        let at = |left, top| Spot { left, top, width: 10.0, height: 10.0 };
        let taken = [at(0.0, 0.0), at(18.0, 0.0)];
        assert_eq!(free_spot(&[at(5.0, 5.0), at(10.0, 20.0), at(40.0, 0.0)], &taken), Some(at(10.0, 20.0)));
        assert_eq!(free_spot(&[at(1.0, 0.0), at(9.0, 0.0)], &taken), Some(at(9.0, 0.0)), "the least covered");
        assert_eq!(free_spot(&[], &taken), None);
    }

    #[test]
    fn lines_cover_what_they_pass() {
        let spots = Spot::along((0.0, 0.0), (30.0, 40.0));
        assert_eq!(spots.len(), 6);
        let box_at = |left, top| Spot { left, top, width: 4.0, height: 4.0 };
        assert!(spots.iter().any(|s| s.overlap(&box_at(14.0, 19.0)) > 0.0));
        assert!(spots.iter().all(|s| s.overlap(&box_at(28.0, 2.0)) == 0.0));
        assert_eq!(Spot::along((1.0, 1.0), (1.0, 1.0)).len(), 2);
    }

    #[test]
    fn widths_grow_with_the_text() {
        assert!(text_width("uniform", 14.0) < text_width("linearized", 14.0));
        assert!((40.0..75.0).contains(&text_width("linearized", 14.0)));
    }
}
