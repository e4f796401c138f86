//! What the current switches cost in arithmetic, parameters and memory, beside softmax in every layer.

use leptos::prelude::*;

use super::export::Save;
use super::plot::{Growth, Picture, growth};
use super::state::State;
use crate::cost::{
    LONGEST, Memory, all_attention_parameters, arithmetic, bytes, columns, crossover, crossover_sentence, flops,
    memory, memory_sentence, sentence, tokens,
};
use crate::model::{Config, LayerMode};

/// Everything that the panel shows.
#[derive(Clone, PartialEq)]
struct Costs {
    config: std::sync::Arc<Config>,
    modes: Vec<LayerMode>,
    tokens: u64,
}

impl Costs {
    fn softmax(&self) -> Vec<LayerMode> {
        vec![LayerMode::Softmax; self.config.layers]
    }

    /// The text's own length, and powers of four from `from` to the longest.
    fn lengths(&self, from: u64) -> Vec<u64> {
        let powers = (0..).map(|i| 1u64 << (2 * i)).take_while(|n| *n <= LONGEST);
        let mut lengths: Vec<u64> = powers.filter(|n| *n >= from && *n != self.tokens).collect();
        lengths.push(self.tokens);
        lengths.sort_unstable();
        lengths
    }

    fn memory(&self, modes: &[LayerMode]) -> Memory {
        memory(&self.config, modes)
    }

    fn work(&self, modes: &[LayerMode], tokens: u64) -> f64 {
        arithmetic(&self.config, modes, tokens).total()
    }
}

#[component]
pub fn Cost(state: State) -> impl IntoView {
    // The configuration comes with the weights; another model's would be a lie.
    let costs = Memo::new(move |_| {
        let (_, config) = state.cost.config.get().filter(|(id, _)| *id == state.model.get().id)?;
        let modes = state.modes.get();
        let tokens = state.reading.with(|r| r.as_ref().map(|r| r.ids.len() as u64))?;
        (modes.len() == config.layers).then_some(Costs { config, modes, tokens })
    });
    let words = move || costs.with(|c| c.as_ref().map(|c| sentence(&c.config, &c.modes, c.tokens)));
    let crossing = move || costs.with(|c| c.as_ref().and_then(|c| crossover_sentence(&c.config, &c.modes)));
    let here = move || costs.with(|c| c.as_ref().map(|c| format!("for this text of {} tokens", c.tokens)));
    view! {
        <h2>"Cost"<span>{here}</span></h2>
        <p id="cost-sentence" aria-live="polite">{words}" "{crossing}</p>
        {move || costs.with(Option::is_none).then(|| view! { <p class="cut">"The figures come with the model."</p> })}
        <div class="cost-panel">
            <div>
                <Parts costs=costs/>
                <Times state=state/>
            </div>
            <div>
                <Remembered costs=costs/>
            </div>
        </div>
        <h2>"Longer texts"<span>"the same model, as if its positions went on"</span></h2>
        <div class="cost-panel">
            <Grown state=state costs=costs id="memory" title="memory to go on with the text"
                name=bytes of=|c, modes, n| c.memory(modes).bytes(n)/>
            <Grown state=state costs=costs id="arithmetic" title="arithmetic of reading it"
                name=flops of=|c, modes, n| c.work(modes, n)/>
        </div>
        <Lengths costs=costs/>
        <p class="cut">
            "A multiplication with its addition counts as two operations. Exponentials, norms, biases and activations are "
            "left out. Linear modes are counted as running sums; this page computes them in chunks of 64 tokens, which takes "
            "a little more, and it projects scores that uniform averaging has no use for. Weights are stored as f16 and "
            "computed with as f32; states and caches are counted as f32."
        </p>
    }
}

/// Arithmetic by part, and attention parameters.
#[component]
fn Parts(costs: Memo<Option<Costs>>) -> impl IntoView {
    let rows = move || {
        let c = costs.get()?;
        let (now, softmax) = (arithmetic(&c.config, &c.modes, c.tokens), arithmetic(&c.config, &c.softmax(), c.tokens));
        let row = |name: &'static str, a: f64, b: f64, write: fn(f64) -> String, class: &'static str| {
            let id = name.replace(' ', "-");
            view! {
                <tr class=class data-part=id>
                    <th scope="row">{name}</th><td>{write(a)}</td><td>{write(b)}</td><td>{share(a, b)}</td>
                </tr>
            }
        };
        let parts = now.parts().into_iter().zip(softmax.parts());
        let mut rows: Vec<_> = parts.map(|((name, a), (_, b))| row(name, a, b, flops, "")).collect();
        rows.push(row("all arithmetic", now.total(), softmax.total(), flops, "total"));
        let kept = |modes: &[LayerMode]| c.memory(modes).bytes(c.tokens);
        rows.push(row("memory for the text", kept(&c.modes), kept(&c.softmax()), bytes, ""));
        let used = |modes: &[LayerMode]| all_attention_parameters(&c.config, modes) as f64;
        rows.push(row("attention parameters in use", used(&c.modes), used(&c.softmax()), parameters, ""));
        Some(rows)
    };
    view! {
        <div class="table-scroll">
            <table class="heads cost-table" id="cost-parts">
                <caption>"One pass over the text."</caption>
                <thead><tr><th></th><th scope="col">"now"</th><th scope="col">"all softmax"</th><th scope="col">"ratio"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

fn share(now: f64, softmax: f64) -> String {
    if softmax > 0.0 { format!("×{:.2}", now / softmax) } else { "".into() }
}

fn parameters(count: f64) -> String {
    if count < 1e6 { format!("{:.1} k", count / 1e3) } else { format!("{:.3} M", count / 1e6) }
}

/// Wall-clock times of this device.
#[component]
fn Times(state: State) -> impl IntoView {
    let rows = move || {
        let times = state.cost.times.get()?;
        let unmodified = state.modified.with(|m| m.as_ref().is_none_or(|run| run.modes == state.model.get().trained()));
        let toggle = if unmodified {
            "no layer is switched".to_string()
        } else {
            let layer = times.from_layer + 1;
            format!("{}, computing from layer {layer} on", time(times.toggle, times.toggle_gpu))
        };
        Some(view! {
            <dt>"Whole text, as trained"</dt><dd id="cost-forward">{time(times.forward, times.forward_gpu)}</dd>
            <dt>"Latest switch to its losses"</dt><dd id="cost-toggle">{toggle}</dd>
        })
    };
    view! {
        <h3>"Measured here"</h3>
        <dl class="times">{rows}</dl>
        <p class="cut">
            "Wall-clock time in this tab, with waiting and reading back; once each, so it varies."
            {move || state.cost.times.get().filter(|t| t.forward_gpu.is_none()).map(|_| {
                " This device does not tell how long the GPU itself worked."
            })}
        </p>
    }
}

/// Wall clock, and of it what the GPU worked where it can tell.
fn time(wall: f64, gpu: Option<f64>) -> String {
    let gpu = gpu.map_or(String::new(), |ms| format!(", the GPU {ms:.2} ms of it"));
    format!("{wall:.1} ms{gpu}")
}

/// What each run of layers keeps of the text.
#[component]
fn Remembered(costs: Memo<Option<Costs>>) -> impl IntoView {
    let rows = move || {
        let c = costs.get()?;
        let lines = memory_sentence(&c.config, &c.modes, c.tokens);
        let rows = lines.into_iter().map(|(layers, kept, size)| {
            view! { <tr><th scope="row">{layers}</th><td class="words">{kept}</td><td>{size}</td></tr> }
        });
        Some(rows.collect_view())
    };
    view! {
        <div class="table-scroll">
            <table class="heads cost-table" id="cost-memory">
                <caption>"What each layer keeps of the text, to go on with it."</caption>
                <thead><tr><th></th><th scope="col" class="words">"numbers"</th><th scope="col">"now"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

type Quantity = fn(&Costs, &[LayerMode], u64) -> f64;

/// One quantity against the length of the text.
#[component]
fn Grown(
    state: State,
    costs: Memo<Option<Costs>>,
    id: &'static str,
    title: &'static str,
    name: fn(f64) -> String,
    of: Quantity,
) -> impl IntoView {
    let picture = move || -> Option<Picture> {
        let c = costs.get()?;
        let (lengths, softmax) = (c.lengths(4), c.softmax());
        let series = |modes: &[LayerMode]| lengths.iter().map(|n| of(&c, modes, *n)).collect::<Vec<_>>();
        let figure = Growth {
            title,
            lengths: &lengths,
            now: &series(&c.modes),
            softmax: &series(&softmax),
            crossover: crossover(|n| of(&c, &c.modes, n), |n| of(&c, &softmax, n)),
            context: c.config.context as u64,
            name,
        };
        Some(growth(&figure, state.narrow.get()))
    };
    let data = move || costs.get().map_or(Vec::new(), |c| columns(&c.config, &c.modes, &c.lengths(4)));
    let words = move || costs.with(|c| c.as_ref().map_or(String::new(), |c| sentence(&c.config, &c.modes, c.tokens)));
    view! {
        <figure>
            <div class="plot" role="img" aria-label=format!("{title}, now and with softmax in every layer; figures in the table below")
                inner_html=move || picture().map(|p| p.svg)></div>
            <Save state=state id=id title=title data=data sentence=Signal::derive(words)/>
        </figure>
    }
}

/// The same figures as a table.
#[component]
fn Lengths(costs: Memo<Option<Costs>>) -> impl IntoView {
    let rows = move || {
        let c = costs.get()?;
        let softmax = c.softmax();
        let rows = c.lengths(1024).into_iter().map(|n| {
            let kept = |modes: &[LayerMode]| bytes(c.memory(modes).bytes(n));
            let work = |modes: &[LayerMode]| flops(c.work(modes, n));
            view! {
                <tr data-tokens=n>
                    <th scope="row">{tokens(n)}</th>
                    <td>{kept(&c.modes)}</td><td>{kept(&softmax)}</td><td>{work(&c.modes)}</td><td>{work(&softmax)}</td>
                </tr>
            }
        });
        Some(rows.collect_view())
    };
    view! {
        <div class="table-scroll">
            <table class="heads cost-table" id="cost-lengths">
                <thead>
                    <tr><th></th><th colspan="2" scope="colgroup">"memory"</th><th colspan="2" scope="colgroup">"arithmetic"</th></tr>
                    <tr><th scope="col">"tokens"</th><th scope="col">"now"</th><th scope="col">"softmax"</th>
                        <th scope="col">"now"</th><th scope="col">"softmax"</th></tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}
