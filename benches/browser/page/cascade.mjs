// Our own engine, as the page runs it, built without the page.
import { bytes, fullRun, lossError, mean, seconds, spectraError } from "./common.mjs";

const lengths = [256, 512, 1024, 2048, 4096];
let library;

const load = async () => {
  if (!library) {
    const module = await import("/engine/bench.js");
    await module.default("/engine/bench_bg.wasm");
    library = { module, gpu: await module.Adapter.gpu(), cpu: module.Adapter.cpu() };
  }
  return library;
};

// Attention alone on random weights: how the modes grow with the text.
const scaling = async (module, adapter) => {
  const session = module.Bench.attention(adapter, lengths.at(-1));
  const operations = {};
  let seed = 0;
  for (const mode of ["softmax", "linearized", "elu1"]) {
    for (const length of lengths) {
      operations[`${mode}/${length}`] = async () => {
        session.random_text(length, (seed += 1));
        const { ms } = await seconds(() => session.run("baseline", mode));
        return { ms };
      };
    }
  }
  return operations;
};

export const open = async (contestant, model, answers) => {
  const { module, gpu, cpu } = await load();
  const adapter = contestant === "cascade-cpu" ? cpu : gpu;
  const facts = { adapter: adapter.name(), forms: adapter.forms(), timings: adapter.timings() };
  if (!model) return { facts, ...(await scaling(module, adapter)) };
  const folder = `/checkpoints/${model}`;
  const files = [await bytes(`${folder}/config.json`), await bytes(`${folder}/model.safetensors`)];
  const session = module.Bench.load(adapter, ...files);
  const run = fullRun((ids) => {
    session.set_text(Uint32Array.from(ids));
    return session.run("baseline", "trained");
  });
  // A toggle or spectra may have run this round's text already: with another text the engine forgets it.
  const full = async (text) => {
    session.set_text(Uint32Array.from(text.ids).reverse());
    return { ...(await run(text)), device_ms: session.gpu_ms() };
  };
  // Unlike modes on the first text, against float64, before anything is timed.
  session.set_text(Uint32Array.from(answers.texts[0].ids));
  const mixed = lossError(await session.run("modified", answers.mixed.modes.join()), answers.mixed.loss);
  facts.mixed_loss_error = mixed.loss_error;
  if (!(mixed.loss_error <= 1e-4)) throw new Error(`unlike modes are wrong by ${mixed.loss_error}`);

  // One layer after the other switched to linearized, the baseline kept: what a click costs.
  const toggle = async (text) => {
    session.set_text(Uint32Array.from(text.ids));
    await session.run("baseline", "trained");
    const each = [];
    const onDevice = [];
    for (let layer = 0; layer < answers.layers; layer += 1) {
      const modes = Array.from({ length: answers.layers }, (_, i) => (i === layer ? "linearized" : "softmax")).join();
      each.push((await seconds(() => session.run("modified", modes))).ms);
      onDevice.push(session.gpu_ms());
    }
    return { ms: mean(each), each, ...(onDevice[0] !== undefined && { device_ms: mean(onDevice) }) };
  };
  // All 288 anew, from the baseline, which is there when a page asks; then for a page's two cases: another text, and a
  // model just loaded, whose buffers have to be made as well.
  const timeSpectra = async (bench, ids) => {
    bench.set_text(Uint32Array.from(ids));
    await bench.run("baseline", "trained");
    return seconds(() => bench.spectra());
  };
  const spectra = async (text) => {
    session.forget_spectra();
    const { ms, result } = await timeSpectra(session, text.ids);
    return { ms, ...(text === answers.texts[0] && spectraError(result, answers.spectra)) };
  };
  const again = async (text) => ({ ms: (await timeSpectra(session, text.ids)).ms });
  const loaded = async (text) => {
    const fresh = module.Bench.load(adapter, ...files);
    const { ms } = await timeSpectra(fresh, text.ids);
    fresh.free();
    return { ms };
  };
  return contestant === "cascade-cpu" ? { facts, full, toggle } : { facts, full, toggle, spectra, again, loaded };
};
