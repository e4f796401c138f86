// The contestants of one page. The driver opens each once and then calls single operations in an order of its own;
// every operation times itself, ends with a readback of its result, and is held to the float64 answers.
import { answersOf } from "./common.mjs";

const modules = {
  cascade: "./cascade.mjs",
  "cascade-cpu": "./cascade.mjs",
  "ort-webgpu": "./ort.mjs",
  "ort-wasm": "./ort.mjs",
  tfjs: "./tfjs.mjs",
  jax: "./jax.mjs",
  floor: "./floor.mjs",
};
const operations = new Map();
const whileMs = 200;
const errors = ["loss_error", "worst_token", "sigma_error"];

// What went wrong is a result too: a peer that fails is shown as failed.
const outcome = async (work) => {
  try {
    return await work();
  } catch (error) {
    return { error: String(error?.message ?? error).slice(0, 300) };
  }
};

window.bench = {
  // Loads a contestant with a model, warms each of its operations up once; facts for the record.
  open: (contestant, model) =>
    outcome(async () => {
      const { open } = await import(modules[contestant]);
      const answers = model ? await answersOf(model) : undefined;
      const { facts, ...ops } = await open(contestant, model, answers);
      for (const [name, run] of Object.entries(ops)) {
        const key = [contestant, model, name].filter(Boolean).join("/");
        await run(answers?.texts.at(-1), -1);
        operations.set(key, { run, texts: answers?.texts });
      }
      return { facts, operations: [...operations.keys()].filter((key) => key.startsWith(`${contestant}/`)) };
    }),
  // One operation on the text of this round, { ms, … }: the median of as many as fit into a while, and the first of
  // them. GPUs lower their clocks as soon as they have little to do: the first one finds them low.
  run: (key, round) =>
    outcome(async () => {
      const { run, texts } = operations.get(key);
      const found = [];
      const until = performance.now() + whileMs;
      do found.push(await run(texts?.[round % texts.length], round));
      while (performance.now() < until);
      const first_ms = found[0].ms;
      // Whoever is wrong once is wrong.
      const worst = {};
      for (const name of errors.filter((name) => name in found[0])) {
        worst[name] = Math.max(...found.map((one) => one[name]));
        if (Number.isNaN(worst[name])) throw new Error(`${name} is not a number`);
      }
      found.sort((a, b) => a.ms - b.ms);
      return { ...found[found.length >> 1], ...worst, first_ms };
    }),
  async adapter() {
    // Chromium can say that there is none while it is still starting its GPU process.
    const found = (await navigator.gpu.requestAdapter()) ?? (await navigator.gpu.requestAdapter());
    const { vendor, architecture, device, description } = found.info;
    return [vendor, architecture, device, description].filter(Boolean).join(" ");
  },
};
