//! What computes the figures, how fast, and how exactly: a test that the visitor can run on this very device.

use leptos::prelude::*;

use super::state::State;
use crate::kernels::Weights;
use crate::self_test::Check;
use crate::words::grouped;

#[component]
pub fn Numerics(state: State) -> impl IntoView {
    view! {
        <div class="numerics">
            <section aria-label="Self-test"><SelfTest state=state/></section>
            <section aria-label="Model and engine"><Facts state=state/></section>
            <section aria-label="Kernels"><Kernels state=state/></section>
        </div>
    }
}

#[component]
fn SelfTest(state: State) -> impl IntoView {
    let n = state.numerics;
    let running = move || n.asked.get() > 0 && n.outcome.get().is_none();
    let verdict = move || match n.outcome.get() {
        _ if n.asked.get() == 0 => None,
        None => Some(("", format!("{} comparisons so far", n.checks.with(Vec::len)))),
        Some(Err(why)) => Some(("bad", format!("It broke off: {why}"))),
        Some(Ok(())) => {
            let failed = n.checks.with(|c| c.iter().filter(|c| !c.passed()).count());
            let worst = n.checks.with(|c| c.iter().map(|c| c.largest).fold(0.0, f64::max));
            Some(match failed {
                0 => ("good", format!("All within tolerance on this device; the largest difference is {worst:.1e}.")),
                n => ("bad", format!("{n} outside their tolerance: figures on this device are not to be trusted.")),
            })
        }
    };
    let row = |check: Check| {
        let (class, mark) = if check.passed() { ("passed", "✓") } else { ("failed", "✗") };
        view! {
            <tr class=class><th scope="row">{check.what}</th><td>{format!("{:.1e}", check.largest)}</td>
                <td>{format!("{:.0e}", check.tolerance)}</td><td><span aria-label=class>{mark}</span></td></tr>
        }
    };
    view! {
        <div class="text-head">
            <h2>"Self-test"<span>"this engine against a plain one, here"</span></h2>
            <button id="self-test" class="primary" disabled=running on:click=move |_| {
                n.checks.set(Vec::new());
                n.outcome.set(None);
                n.asked.update(|n| *n += 1);
            }>{move || if n.asked.get() == 0 { "Run the self-test" } else { "Run it again" }}</button>
        </div>
        <p class="numerics-note">
            "The plain one reads a token at a time on the CPU, with sums in float64, and shares no kernel with the engine. \
             Modes are compared on small random models of both families. Differences of losses are relative to one plus the loss."
        </p>
        <p id="self-test-verdict" role="status" class=move || verdict().map_or("", |v| v.0)>{move || verdict().map(|v| v.1)}</p>
        <Show when=move || !n.checks.with(Vec::is_empty)>
            <div class="table-scroll"><table class="heads checks">
                <thead><tr><th>"compared"</th><th>"largest difference"</th><th>"tolerance"</th><th></th></tr></thead>
                <tbody>{move || n.checks.get().into_iter().map(row).collect_view()}</tbody>
            </table></div>
        </Show>
    }
}

#[component]
fn Facts(state: State) -> impl IntoView {
    let facts = move || state.numerics.facts.get();
    let times = move || state.cost.times.get();
    let ms = |value: f64| format!("{value:.1} ms");
    let memory = move || facts().bytes.map_or("—".to_string(), |bytes| format!("{} bytes", grouped(bytes)));
    let clock = move || match facts().timestamps {
        true => "by the device’s own timestamps, and by the clock on the wall",
        false => "by the clock on the wall: this browser gives no timestamps of the device",
    };
    let solver = move || match facts().doubles {
        Some(true) => {
            "on the GPU, in pairs of f32: one head was solved in float64 as well, and is the same to f32’s last digit"
        }
        Some(false) => "on the processor, in float64: this GPU’s compiler does not keep pairs of f32",
        None => "on the processor, in float64",
    };
    let limits = move || {
        let rows = facts().limits.into_iter();
        rows.map(|(name, value)| view! { <dt>{name}</dt><dd>{grouped(value)}</dd> }).collect_view()
    };
    view! {
        <h2>"Model and engine"</h2>
        <dl class="facts">
            <dt>"model"</dt><dd>{move || state.model.get().title}", "{move || grouped(state.model.get().parameters)}" parameters"</dd>
            <dt>"SHA-256"</dt><dd class="hash">{move || state.model.get().sha256}</dd>
            <dt>"engine"</dt><dd>{move || if facts().engine == "gpu" { "WebGPU" } else { "CPU, WebAssembly" }}
                {move || facts().software.then_some(" (the processor does the work)")}</dd>
            <dt>"adapter"</dt><dd>{move || facts().adapter}</dd>
            <dt>"memory of the model and its runs"</dt><dd>{memory}</dd>
            <dt>"whole pass"</dt><dd class="time">{move || times().map_or("…".into(), |t| ms(t.forward))}</dd>
            <dt>"latest change"</dt><dd class="time">{move || times().map_or("…".into(), |t| {
                format!("{}, from layer {} on", ms(t.toggle), t.from_layer + 1)
            })}</dd>
            <dt>"timed"</dt><dd>{clock}</dd>
            <dt>"singular values"</dt><dd>{solver}</dd>
            {limits}
        </dl>
    }
}

#[component]
fn Kernels(state: State) -> impl IntoView {
    let facts = move || state.numerics.facts.get();
    let form = |(kernel, form, weights): (&'static str, String, Weights)| {
        view! { <tr><th scope="row">{kernel}</th><td>{form}</td><td>{weights.name()}</td></tr> }
    };
    view! {
        <h2>"Kernels"<span>"chosen for this adapter by a short measurement"</span></h2>
        <Show when=move || !facts().forms.is_empty() fallback=|| view! {
            <p class="numerics-note">"The CPU engine has one form of each kernel: there is nothing to choose."</p>
        }>
            <div class="table-scroll"><table class="heads kernel-forms">
                <thead><tr><th>"kernel"</th><th>"form"</th><th>"weights"</th></tr></thead>
                <tbody>{move || facts().forms.into_iter().map(form).collect_view()}</tbody>
            </table></div>
            <details class="measured">
                <summary>"The measurements"</summary>
                <div class="table-scroll"><table class="heads">
                    <thead><tr><th>"kernel"</th><th>"form"</th><th>"weights"</th><th>"ms a launch"</th></tr></thead>
                    <tbody>{move || facts().timings.into_iter().map(|t| view! {
                        <tr><th scope="row">{t.kernel}</th><td>{t.form}</td><td>{t.weights.name()}</td><td>{format!("{:.3}", t.ms)}</td></tr>
                    }).collect_view()}</tbody>
                </table></div>
            </details>
        </Show>
    }
}
