// onnxruntime-web: its WebGPU and its wasm back end, the latter on one thread.
import { bytes, fastest, fullRun, shifted } from "./common.mjs";

const folder = "/peers/onnxruntime-web/dist/";
// Two builds of the same WebGPU back end: they wait for the GPU in different ways.
const bundles = { "ort-webgpu": ["webgpu", "jspi"], "ort-wasm": ["wasm"] };

// The variant that won with the first model; where a run takes so long, others run that one.
const chosen = {};

const load = async (bundle) => {
  const ort = await import(`${folder}ort.${bundle}.bundle.min.mjs`);
  ort.env.wasm.wasmPaths = folder;
  ort.env.wasm.numThreads = 1;
  return ort;
};

const prepare = async (bundle, provider, url) => {
  const ort = await load(bundle);
  const session = await ort.InferenceSession.create(await bytes(url), {
    executionProviders: [provider],
    graphOptimizationLevel: "all",
  });
  const feed = (data) => new ort.Tensor("int32", data, [data.length]);
  const run = async (tokens) => {
    const [ids, targets] = shifted(tokens);
    const { loss } = await session.run({ ids: feed(ids), targets: feed(targets) });
    const data = await loss.getData();
    loss.dispose();
    return data;
  };
  run.close = () => session.release();
  return run;
};

export const open = async (contestant, model, answers) => {
  const provider = contestant.slice("ort-".length);
  const candidates = {};
  for (const bundle of bundles[contestant]) {
    for (const variant of answers.variants) {
      const name = `${bundle}, ${variant}`;
      if ((chosen[contestant] ?? name) === name) {
        candidates[name] = () => prepare(bundle, provider, `/models/${model}.${variant}.onnx`);
      }
    }
  }
  const { run, facts } = await fastest(candidates, answers.texts[0]);
  if (facts.tried[facts.variant] > 1000) chosen[contestant] = facts.variant;
  return { facts, full: fullRun(run) };
};
