// Prefill and decode of llama.cpp on a GGUF file, by node-llama-cpp; started by infer_llama_cpp.py from the folder
// where the package is installed. One argument, a JSON object:
//   {model: path, batch: [1, 4, 16], prompt: 512, gen: 128, threads: 2, flash: true | false, verbose: false}
// Prints one JSON object for the build and then one a batch size.
//
// Runs the package's binding rather than LlamaContextSequence.evaluate(): that puts a scheduler, a lock and a
// sampler's configuration, all of them promises, between any two tokens of a sequence, and joins sequences into a
// batch only as their promises happen to line up. Here a step is one llama_decode of one token a sequence, and the
// clock that counts (`decode_s`, `prefill_s`) runs only from its call to its return; sampling, greedy, is timed by
// itself (`sample_s`). The KV cache is f16, llama.cpp's default, one stream a sequence.
import {performance} from "node:perf_hooks";
import {createRequire} from "node:module";
import path from "node:path";
import {pathToFileURL} from "node:url";

const options = JSON.parse(process.argv[2]);
const require = createRequire(path.join(process.cwd(), "package.json"));
// The package is ESM alone, so require.resolve() finds its entry but import() has to load it.
const packageFolder = path.join(process.cwd(), "node_modules", "node-llama-cpp");
const {getLlama} = await import(pathToFileURL(path.join(packageFolder, "dist", "index.js")).href);
const version = require(path.join(packageFolder, "package.json")).version;

const llama = await getLlama({gpu: false, build: "never", maxThreads: options.threads, numa: false,
                              logLevel: options.verbose ? "debug" : "error"});
const model = await llama.loadModel({modelPath: options.model});
console.log(JSON.stringify({version, release: llama.llamaCppRelease.release, system: llama.systemInfo,
                            model: model.typeDescription, bytes: model.size}));

const VOCABULARY = 50257;
const CHUNK = 512; // tokens of a prompt in one llama_decode: llama.cpp's usual physical batch (n_ubatch)
const {prompt, gen, threads} = options;

// Random ids without a dependency: the linear congruential generator of Numerical Recipes.
let state = 1;
function randomIds(count) {
    return Uint32Array.from({length: count}, () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor(state / 2 ** 32 * (VOCABULARY - 1));
    });
}

for (const batch of options.batch) {
    const context = await model.createContext({
        sequences: batch, contextSize: prompt + gen, batchSize: Math.max(CHUNK, batch), flashAttention: options.flash,
        threads: {ideal: threads, min: threads}, failedCreationRemedy: false
    });
    const binding = context._ctx; // AddonContext
    binding.setThreads(threads);
    const samplers = Array.from({length: batch}, () => new llama._bindings.AddonSampler(model._model));
    for (const sampler of samplers)
        sampler.applyConfig({temperature: 0}); // greedy

    // One llama_decode: [[sequence, position, ids], ...]. Returns the seconds of the call, those of
    // the cores that it took, and where the logits are, those of every entry's last token, if wanted.
    async function decode(entries, wanted = true) {
        binding.initBatch(entries.reduce((sum, [, , ids]) => sum + ids.length, 0));
        const logits = entries.map(([sequence, position, ids]) => binding.addToBatch(
            sequence, position, ids, wanted ? Uint32Array.of(ids.length - 1) : new Uint32Array())[0]);
        const cpu = process.cpuUsage();
        const start = performance.now();
        await binding.decodeBatch();
        const seconds = (performance.now() - start) / 1000;
        const {user, system} = process.cpuUsage(cpu);
        return {seconds, coreSeconds: (user + system) / 1e6, logits};
    }

    async function prefill(sequence) {
        const ids = randomIds(prompt);
        let seconds = 0, coreSeconds = 0, logits;
        for (let at = 0; at < prompt; at += CHUNK) {
            const done = await decode([[sequence, at, ids.subarray(at, at + CHUNK)]], at + CHUNK >= prompt);
            seconds += done.seconds;
            coreSeconds += done.coreSeconds;
            logits = done.logits;
        }
        return {seconds, coreSeconds, logits};
    }

    // Greedy token of every row of logits.
    async function sample(sequences, logits) {
        const start = performance.now();
        const ids = [];
        for (const [i, sequence] of sequences.entries())
            ids.push(await binding.sampleToken(logits[i], samplers[sequence]));
        if (ids.some((id) => !(id >= 0 && id < VOCABULARY)))
            throw new Error(`sampled ${ids}`);
        return {seconds: (performance.now() - start) / 1000, ids};
    }

    // Pages of the weights, buffers and threads, out of the measurement.
    const warm = await prefill(0);
    let next = await sample([0], warm.logits);
    for (let i = 0; i < 4; i++)
        next = await sample([0], (await decode([[0, prompt + i, Uint32Array.of(next.ids[0])]])).logits);
    binding.disposeSequence(0);

    // The prompts one after the other; each fills llama.cpp's physical batch, so joining them would gain nothing.
    const tokens = [];
    let prefillSeconds = 0, prefillCores = 0, firstToken = 0;
    for (let sequence = 0; sequence < batch; sequence++) {
        const {seconds, coreSeconds, logits} = await prefill(sequence);
        const first = await sample([sequence], logits);
        prefillSeconds += seconds;
        prefillCores += coreSeconds;
        firstToken += seconds + first.seconds;
        tokens.push([first.ids[0]]);
    }

    // `gen` steps of one token a sequence. The last one's logits are sampled too, so that a step is a step.
    const sequences = tokens.map((_, sequence) => sequence);
    let decodeSeconds = 0, decodeCores = 0, sampleSeconds = 0;
    const start = performance.now();
    for (let step = 0; step < gen; step++) {
        const {seconds, coreSeconds, logits} = await decode(
            sequences.map((sequence) => [sequence, prompt + step, Uint32Array.of(tokens[sequence][step])]));
        const sampled = await sample(sequences, logits);
        decodeSeconds += seconds;
        decodeCores += coreSeconds;
        sampleSeconds += sampled.seconds;
        sampled.ids.forEach((id, sequence) => tokens[sequence].push(id));
    }
    const wallSeconds = (performance.now() - start) / 1000;

    // llama.cpp's own word on how far each sequence came.
    for (const sequence of sequences) {
        const last = binding.getSequenceKvCacheMaxPosition(sequence);
        if (last !== prompt + gen - 1 || tokens[sequence].length !== gen + 1)
            throw new Error(`sequence ${sequence} ends at position ${last}, ${tokens[sequence].length} tokens`);
    }
    const distinct = new Set(tokens.flat()).size;
    console.log(JSON.stringify({
        batch, flash: options.flash, decoded_tokens: batch * gen, distinct_tokens: distinct,
        prefill_tokens_per_s: batch * prompt / prefillSeconds,
        // The time until every sequence of the batch has its first token.
        ttft_ms: firstToken * 1000,
        decode_tokens_per_s: batch * gen / decodeSeconds,
        decode_and_sample_tokens_per_s: batch * gen / (decodeSeconds + sampleSeconds),
        wall_tokens_per_s: batch * gen / wallSeconds,
        // llama.cpp's threads spin at their barriers, so less than about 1 means that others had the cores.
        cpu_share: Math.min(prefillCores / prefillSeconds, decodeCores / decodeSeconds) / threads,
        sample_s: sampleSeconds, decode_s: decodeSeconds, prefill_s: prefillSeconds
    }));
    samplers.forEach((sampler) => sampler.dispose());
    await context.dispose();
}
await llama.dispose();
process.exit(0);
