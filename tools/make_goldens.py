#!/usr/bin/env python3
"""Writes tests/golden/<name>/: tiny random checkpoints with the values Hugging Face transformers computes for them.

Each folder is a checkpoint as one would download it (config.json in the spelling of the published models, weights in
safetensors) plus golden.json and NumPy files:

    prompts[i].ids, .logits    f32 [tokens, vocab], every position's logits, float32 eager attention on a CPU
    hidden.prompt, .file       f32 [layers + 1, tokens, hidden], the residual stream after the embedding and after each
                               layer, before the final norm
    greedy[i].prompt, .ids     32 tokens; at every step the two best logits differ by more than 10 x the tolerance
    tolerance                  largest difference of a logit a float32 implementation may show, as a part of the
                               largest |logit| of the file it is compared with
    float64_difference         the same measure for float32 against float64 of the reference itself

The reference works on the stored values: weights are rounded to the storage type first. Run it from anywhere; it
replaces the folders:

    python tools/make_goldens.py [NAME...]
"""

import argparse
import copy
import json
import pathlib
import shutil
import tempfile
import zlib

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file

import golden_models
import golden_models_a
import golden_models_b
import golden_models_quantized

TOLERANCE = 5e-4
ROUTER_MARGIN = 0.08  # between the last expert chosen and the next, as a part of the largest |router logit|
LENGTHS = (1, 2, 7, 33, 80)  # the last two fill several 16-token blocks and a part of one
HIDDEN_LENGTH = 33
GREEDY_LENGTHS, GREEDY_TOKENS = (3, 21), 32
GREEDY_BATCH = 50  # prompts tried at once
LIMIT = 300_000  # bytes a folder may take

VARIANTS = {
    **golden_models.VARIANTS,
    **golden_models_a.VARIANTS,
    **golden_models_b.VARIANTS,
    **golden_models_quantized.VARIANTS,
}


def routers(model):
    return [m for m in model.modules() if "router" in type(m).__name__.lower()]


def random_weights(model, generator, dtype, embed=0, gain=0):
    """Values large enough for spread logits and peaked attention, rounded to the storage type."""
    tied, seen = model.config.get_text_config().tie_word_embeddings, set()
    for path, module in model.named_modules():
        for name, p in module.named_parameters(recurse=False):
            if p in seen:
                continue
            seen.add(p)
            draw = torch.randn(p.shape, generator=generator)
            fan_in = p.shape[0] if type(module).__name__ == "Conv1D" else p.shape[-1]
            if "norm" in type(module).__name__.lower() and name == "weight":
                draw = p.mean().round() + 0.25 * draw  # around what does nothing: 1, or 0 where 1 is added
                if gain and not any(part.isdigit() for part in path.split(".")):
                    draw *= torch.randint(2, p.shape, generator=generator) * 2 - 1
            elif p.dim() == 1:
                draw = 0.4 * draw
            elif isinstance(module, torch.nn.Embedding):
                usual = 0.4 if tied or module is not model.get_input_embeddings() else 1.0
                draw = (embed or usual) * draw
            elif path.endswith(("q_proj", "k_proj")):
                draw = 1.5 * draw / fan_in ** 0.5
            elif module is model.get_output_embeddings():
                draw = 2.0 * draw / fan_in ** 0.5
            else:
                draw = (gain or 1.0) * draw / fan_in ** 0.5
            p.data.copy_(draw.to(dtype))


def published_weights(model, dtype, stacked):
    """The model's weights under the names of published checkpoints, but for experts if `stacked`."""
    if not isinstance(model, transformers.PreTrainedModel):
        return {n: p.data.to(dtype).contiguous() for n, p in model.named_parameters()}
    order = [n for n, _ in model.named_parameters()]
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder, save_original_format=not stacked)
        state = load_file(pathlib.Path(folder) / "model.safetensors")
    place = lambda n: (order.index(n) if n in order else len(order), n)
    return {n: state[n].to(dtype) for n in sorted(state, key=place)}


def write_weights(folder, state, files):
    if files == 1:
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names, shards = list(state), {}
    for i in range(files):
        part = f"model-{i + 1:05}-of-{files:05}.safetensors"
        chosen = names[i * len(names) // files:(i + 1) * len(names) // files]
        save_file({n: state[n] for n in chosen}, folder / part, metadata={"format": "pt"})
        shards.update((n, part) for n in chosen)
    index = dict(metadata=dict(total_size=sum(t.numel() * t.element_size() for t in state.values())), weight_map=shards)
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


@torch.no_grad()
def run(model, ids):
    """(logits [tokens, vocab], hidden [layers + 1, tokens, hidden]) as NumPy arrays."""
    depth = model.config.get_text_config().num_hidden_layers
    layers = next(m for m in model.modules() if isinstance(m, torch.nn.ModuleList) and len(m) == depth)
    taps = []
    first = lambda module, inputs, named: taps.append((inputs[0] if inputs else named["hidden_states"])[0].clone())
    keep = lambda module, inputs, output: taps.append((output[0] if isinstance(output, tuple) else output)[0].clone())
    hooks = [layers[0].register_forward_pre_hook(first, with_kwargs=True)]
    hooks += [m.register_forward_hook(keep) for m in layers]
    logits = model(torch.tensor([ids]), use_cache=False).logits[0]
    for hook in hooks:
        hook.remove()
    return logits.numpy(), torch.stack([t.reshape(len(ids), -1) for t in taps]).numpy()


@torch.no_grad()
def clear_choices(model, batch):
    """Of each sequence of a batch: whether no expert of its last token is chosen by less than what bf16 may blur."""
    clear = torch.ones(len(batch), dtype=torch.bool)

    def check(module, inputs, output):
        logits = (output[0] if isinstance(output, tuple) else output).reshape(len(batch), len(batch[0]), -1)[:, -1]
        ranked = logits.sort(descending=True).values
        clear.logical_and_(ranked[:, module.top_k - 1] - ranked[:, module.top_k] > ROUTER_MARGIN * logits.abs().amax(1))

    hooks = [m.register_forward_hook(check) for m in routers(model)]
    model(torch.tensor(batch), use_cache=False)
    for hook in hooks:
        hook.remove()
    return clear.tolist()


def draw_prompt(model, length, rng, vocab):
    draw = lambda count: [int(t) for t in rng.integers(3, vocab, count)]
    if not routers(model):
        return draw(length)
    ids = []
    while len(ids) < length:
        tried = draw(16)
        found = [t for t, clear in zip(tried, clear_choices(model, [ids + [t] for t in tried])) if clear]
        ids = ids + found[:1] if found else ids[:-1]
    return ids


def greedy(model, prompt, eos):
    """(ids, smallest margin relative to the largest |logit|), or None where a step is too close to call."""
    ids, worst = list(prompt), float("inf")
    for _ in range(GREEDY_TOKENS):
        last = run(model, ids)[0][-1]
        second, first = np.sort(last)[-2:]
        margin = float((first - second) / np.abs(last).max())
        if margin < 10 * TOLERANCE or int(last.argmax()) == eos:
            return None
        worst = min(worst, margin)
        ids.append(int(last.argmax()))
    out = ids[len(prompt):]
    return (out, worst) if len(set(out)) > 8 else None  # not a short loop


@torch.no_grad()
def promising(model, prompts, eos):
    """The first of many prompts of which greedy() will make something, or None: all at once, so without its care."""
    ids, good, length = torch.tensor(prompts), torch.ones(len(prompts), dtype=torch.bool), len(prompts[0])
    for _ in range(GREEDY_TOKENS):
        last = model(ids, use_cache=False).logits[:, -1]
        best = last.topk(2).values
        good &= (best[:, 0] - best[:, 1] > 10 * TOLERANCE * last.abs().amax(1)) & (last.argmax(1) != eos)
        if not good.any():
            return None
        ids = torch.cat([ids, last.argmax(1, keepdim=True)], 1)
    good &= torch.tensor([len(set(row)) > 8 for row in ids[:, length:].tolist()])
    return int(good.nonzero()[0]) if good.any() else None


def transformers_reference(folder):
    """As Variant.reference says, of the class that config.json names."""
    settings = transformers.AutoConfig.from_pretrained(folder)
    model = getattr(transformers, settings.architectures[0])
    options = dict(dtype=torch.float32, attn_implementation="eager", experts_implementation="eager")
    def make_model(_, state):
        return model.from_pretrained(folder, **options) if state else model._from_config(settings, **options)
    return make_model


def make(name, root):
    variant, folder = VARIANTS[name], root / name
    config, seed = variant.config, zlib.crc32(name.encode()) % 10000
    if (folder / "golden.json").exists():  # written again with what it was written
        seed = json.loads((folder / "golden.json").read_text())["seed"]
    dtype, generator = getattr(torch, variant.dtype), torch.Generator().manual_seed(seed)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({**config, "torch_dtype": variant.dtype}, indent=2) + "\n")

    reference = variant.reference or transformers_reference(folder)
    skeleton = reference(config, None).eval()
    random_weights(skeleton, generator, dtype, variant.embed, variant.gain)
    state = published_weights(skeleton, dtype, variant.stacked)
    if variant.renamed:
        state = variant.renamed(state)
    write_weights(folder, state, variant.files)
    # The values compared with are those of the files, read by the reference itself.
    model = reference(config, state).eval()
    exact = copy.deepcopy(model).double()
    if not variant.reference:
        for (n, p), (_, q) in zip(skeleton.named_parameters(), model.named_parameters()):
            assert torch.equal(p, q), n

    rng, vocab = np.random.default_rng(seed), model.config.get_text_config().vocab_size
    draw = lambda length: draw_prompt(model, length, rng, vocab)
    golden = dict(name=name, tolerance=TOLERANCE, float64_difference=0.0, largest_logit=0.0, prompts=[], hidden=None,
                  greedy=[], seed=seed, weights=variant.dtype, torch=torch.__version__.split("+")[0],
                  transformers=transformers.__version__)
    for length in sorted({max(length, variant.shortest) for length in LENGTHS}):
        ids = draw(length)
        logits, hidden = run(model, ids)
        difference = float(np.abs(run(exact, ids)[0] - logits).max() / np.abs(logits).max())
        golden["float64_difference"] = max(golden["float64_difference"], difference)
        golden["largest_logit"] = max(golden["largest_logit"], float(np.abs(logits).max()))
        np.save(folder / f"logits_{length}.npy", logits.astype(np.float32))
        if length == max(HIDDEN_LENGTH, variant.shortest):
            np.save(folder / f"hidden_{length}.npy", hidden.astype(np.float32))
            golden["hidden"] = dict(prompt=len(golden["prompts"]), file=f"hidden_{length}.npy")
        golden["prompts"].append(dict(ids=ids, logits=f"logits_{length}.npy"))
    for length in sorted({max(length, variant.shortest) for length in GREEDY_LENGTHS}):
        eos = config.get("eos_token_id")
        for attempt in range(2000 // GREEDY_BATCH):
            before = rng.bit_generator.state
            first = promising(model, [draw(length) for _ in range(GREEDY_BATCH)], eos if isinstance(eos, int) else -1)
            if first is None:
                continue
            rng.bit_generator.state = before  # as if prompts had been drawn one by one up to that one
            prompt = [draw(length) for _ in range(first + 1)][-1]
            found = greedy(model, prompt, eos)
            if found:
                golden["greedy"].append(dict(prompt=prompt, ids=found[0], smallest_margin=found[1]))
                break
        else:
            raise SystemExit(f"{name}: no prompt of {length} tokens has a clear greedy continuation")
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in golden.items())
    (folder / "golden.json").write_text("{\n" + lines + "\n}\n")
    size = sum(f.stat().st_size for f in folder.iterdir())
    assert size <= LIMIT, (name, size)
    print(f"{name}: {size} bytes, float64 difference {golden['float64_difference']:.1e}, largest logit "
          f"{golden['largest_logit']:.2f}, margins {[round(g['smallest_margin'], 4) for g in golden['greedy']]}",
          flush=True)


def main():
    arg = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arg.add_argument("names", nargs="*", default=list(VARIANTS), help="variants (all)")
    names = arg.parse_args().names
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in names:
        make(name, pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden")


if __name__ == "__main__":
    main()
