// Answers, errors and clocks that all contestants share.

const answers = new Map();

export const bytes = async (url) => {
  const reply = await fetch(url);
  if (!reply.ok) throw new Error(`${url}: ${reply.status}`);
  return new Uint8Array(await reply.arrayBuffer());
};
export const json = async (url) => JSON.parse(new TextDecoder().decode(await bytes(url)));

// Texts with their losses, and the singular values, all from float64.
export const answersOf = async (model) => {
  if (!answers.has(model)) answers.set(model, await json(`/models/${model}.answers.json`));
  return answers.get(model);
};

export const seconds = async (work) => {
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
};

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

// How far losses are from the answers: of the mean, relative; of the worst token, in nats.
export const lossError = (found, expected) => ({
  loss_error: Math.abs(mean(expected.map((_, t) => found[t])) / mean(expected) - 1),
  worst_token: Math.max(...expected.map((value, t) => Math.abs(found[t] - value))),
});

// How far singular values are from the answers, in units of the largest of their matrix: the worst of all.
export const spectraError = (found, { shape, values }) => {
  const side = shape.at(-1);
  let worst = 0;
  for (let i = 0; i < values.length; i += 1) {
    const top = values[i - (i % side)];
    worst = Math.max(worst, Math.abs(found[i] - values[i]) / top); // stays what is not a number
  }
  return { sigma_error: worst };
};

// A full run as an operation: `run(ids)` gives one loss a token.
export const fullRun = (run) => async (text) => {
  const { ms, result } = await seconds(() => run(text.ids));
  return { ms, ...lossError(result, text.loss) };
};

// ids and their successors as the peers take them; the last has none.
export const shifted = (ids) => [Int32Array.from(ids), Int32Array.from([...ids.slice(1), 0])];

// Of several ways to do the same, the fastest that is right on the first text; an error where none is.
export const fastest = async (candidates, text) => {
  const tried = {};
  let best;
  for (const [name, prepare] of Object.entries(candidates)) {
    try {
      const run = await prepare();
      const once = fullRun(run);
      // The first run compiles. Of several candidates the best of the next runs decides: of ten, or of as many as a
      // second allows.
      let { ms, loss_error } = await once(text);
      if (Object.keys(candidates).length > 1) {
        ms = Infinity;
        const until = performance.now() + 1000;
        let left = 10;
        do {
          const next = await once(text);
          ms = Math.min(ms, next.ms);
          loss_error = Math.max(loss_error, next.loss_error);
          left -= 1;
        } while (left > 0 && performance.now() < until);
      }
      const wrong = !(loss_error <= 1e-4);
      tried[name] = wrong ? `wrong by ${loss_error.toPrecision(2)}` : Math.round(ms * 10) / 10;
      if (!wrong && !(best?.ms <= ms)) {
        await best?.run.close?.();
        best = { name, ms, run };
      } else await run.close?.();
    } catch (error) {
      tried[name] = String(error?.message ?? error).slice(0, 200);
    }
  }
  if (!best) throw new Error(`no variant is right: ${JSON.stringify(tried)}`);
  return { run: best.run, facts: { variant: best.name, tried } };
};
