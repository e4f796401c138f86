//! All heads of a model, the orders they can be put in, and the one to begin with.

use crate::card::MomentLayer;

/// One head at a glance. Layer and head from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadFigures {
    pub layer: usize,
    pub head: usize,
    /// Effective rank of routing on the text, and of the weight kernel's routing part.
    pub operating: f64,
    pub capacity: f64,
    /// Share of the scores' energy that is routing.
    pub fraction: f64,
    /// Perplexity ratio with the head's whole layer linearised alone; None while it is not known.
    pub layer_cost: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// A row a layer.
    #[default]
    Layers,
    /// Lowest operating rank first.
    Rank,
    /// Most routing first.
    Routing,
    /// Dearest layer first.
    LayerCost,
}

impl Order {
    pub const ALL: [Order; 4] = [Order::Layers, Order::Rank, Order::Routing, Order::LayerCost];

    pub fn id(self) -> &'static str {
        match self {
            Order::Layers => "layers",
            Order::Rank => "rank",
            Order::Routing => "routing",
            Order::LayerCost => "cost",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Order::Layers => "layer by layer",
            Order::Rank => "lowest rank first",
            Order::Routing => "most routing first",
            Order::LayerCost => "dearest layer to linearise first",
        }
    }

    pub fn find(id: &str) -> Option<Order> {
        Order::ALL.into_iter().find(|order| order.id() == id)
    }

    /// Puts heads in this order; equals, and heads whose figure is not known, stay in reading order.
    pub fn sort(self, heads: &mut [HeadFigures]) {
        // An overflow is dearer than any number; what is not known comes last.
        let cost =
            |h: &HeadFigures| h.layer_cost.map_or(f64::NEG_INFINITY, |c| if c.is_nan() { f64::INFINITY } else { c });
        heads.sort_by(|a, b| {
            let figures = match self {
                Order::Layers => std::cmp::Ordering::Equal,
                Order::Rank => a.operating.total_cmp(&b.operating),
                Order::Routing => b.fraction.total_cmp(&a.fraction),
                Order::LayerCost => cost(b).total_cmp(&cost(a)),
            };
            figures.then((a.layer, a.head).cmp(&(b.layer, b.head)))
        });
    }
}

/// The head that shows low-rank routing most clearly, layer and head from 0: much of its energy is routing, in
/// few of the dimensions that its weights allow, fraction · capacity / operating rank. The first head of all
/// where there are none.
pub fn telling_head(layers: &[MomentLayer]) -> (usize, usize) {
    let mut best = ((0, 0), 0.0);
    for (l, layer) in layers.iter().enumerate() {
        let ranks = layer.operating.routing_erank.iter().zip(&layer.capacity.routing_erank);
        for (h, ((operating, capacity), fraction)) in ranks.zip(&layer.operating.routing_fraction).enumerate() {
            let score = fraction * capacity / operating;
            if score > best.1 {
                best = ((l, h), score);
            }
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::MomentPart;

    fn head(layer: usize, head: usize, operating: f64, fraction: f64, layer_cost: Option<f64>) -> HeadFigures {
        HeadFigures { layer, head, operating, capacity: 9.0, fraction, layer_cost }
    }

    #[test]
    fn orders() {
        let heads = [
            head(0, 0, 5.0, 0.5, None),
            head(0, 1, 2.0, 0.9, None),
            head(1, 0, 2.0, 0.9, Some(1.1)),
            head(1, 1, 9.0, 0.1, Some(1.1)),
            head(2, 0, 3.0, 0.2, Some(f64::NAN)),
        ];
        let sorted = |order: Order| {
            let mut all = heads.to_vec();
            all.reverse();
            order.sort(&mut all);
            all.iter().map(|h| (h.layer, h.head)).collect::<Vec<_>>()
        };
        assert_eq!(sorted(Order::Layers), [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]);
        assert_eq!(sorted(Order::Rank), [(0, 1), (1, 0), (2, 0), (0, 0), (1, 1)]);
        assert_eq!(sorted(Order::Routing), [(0, 1), (1, 0), (0, 0), (2, 0), (1, 1)]);
        assert_eq!(sorted(Order::LayerCost), [(2, 0), (1, 0), (1, 1), (0, 0), (0, 1)]);
        assert!(Order::ALL.iter().all(|o| Order::find(o.id()) == Some(*o)));
    }

    #[test]
    fn the_telling_head_routes_much_through_little() {
        let layer = |operating: [f64; 2], capacity: [f64; 2], fraction: [f64; 2]| MomentLayer {
            capacity: MomentPart { routing_erank: capacity.into(), routing_fraction: vec![0.5; 2] },
            operating: MomentPart { routing_erank: operating.into(), routing_fraction: fraction.into() },
        };
        // Little capacity to begin with; low rank but little routing; and the one that is meant.
        let layers = [layer([2.0, 2.0], [2.0, 20.0], [0.9, 0.2]), layer([9.0, 2.5], [20.0, 20.0], [0.9, 0.8])];
        assert_eq!(telling_head(&layers), (1, 1));
        assert_eq!(telling_head(&[]), (0, 0));
    }
}
