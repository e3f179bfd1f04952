"""Quantized Hugging Face checkpoints for make_goldens.py: a Llama whose linear layers are stored as quantization tools
store them. What the reference runs is made from the stored tensors by code of its own: for compressed-tensors by the
library of that name, for the others by the layouts that AutoGPTQ, AutoAWQ and DeepSeek-V3 publish.
"""

import numpy as np
import torch
import transformers

from golden_models import Variant, llama, shape

GROUP, BLOCK = 32, (32, 64)
AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)  # output i of eight lies in nibble AWQ_ORDER.index(i)


def is_linear(name):
    return name.endswith("_proj.weight")


def pack_bits(values, bits):
    """Unsigned [count, n] to int32 [words, n]: a stream of bits along the first axis, the lowest first."""
    stream = (values[:, None, :] >> np.arange(bits)[None, :, None]) & 1
    stream = stream.reshape(-1, values.shape[1])
    stream = np.pad(stream, ((0, -len(stream) % 32), (0, 0)))
    words = (stream.reshape(-1, 32, values.shape[1]).astype(np.uint64) << np.arange(32, dtype=np.uint64)[None, :, None])
    return torch.from_numpy(words.sum(1).astype(np.uint32).view(np.int32).copy())


def unpack_bits(words, bits, count):
    words = words.numpy().view(np.uint32)
    stream = (words[:, None, :] >> np.arange(32, dtype=np.uint32)[None, :, None]) & 1
    stream = stream.reshape(-1, words.shape[1])[:count * bits].reshape(count, bits, -1)
    return (stream << np.arange(bits)[None, :, None]).sum(1).astype(np.int64)


def grid(weight, bits, groups_of_inputs):
    """Asymmetric levels of [out, in]: q [in, out], scales and zeros [groups, out]."""
    w, levels = weight.float().numpy().T, 2 ** bits - 1
    groups = groups_of_inputs.max() + 1
    scales, zeros = np.zeros((groups, w.shape[1]), np.float16), np.zeros((groups, w.shape[1]), np.int64)
    for g in range(groups):
        part = w[groups_of_inputs == g]
        low, high = np.minimum(part.min(0), 0), np.maximum(part.max(0), 0)
        scales[g] = (high - low) / levels
        zeros[g] = np.clip(np.round(-low / scales[g].astype(np.float32)), 0, levels)
    s, z = scales.astype(np.float32)[groups_of_inputs], zeros[groups_of_inputs]
    return np.clip(np.round(w / s) + z, 0, levels).astype(np.int64), scales, zeros


def gptq(bits, act_order):
    config = dict(quant_method="gptq", bits=bits, group_size=GROUP, desc_act=act_order, sym=False)

    def store(name, weight):
        inputs = weight.shape[1]
        index = np.arange(inputs) // GROUP
        if act_order:
            index = np.random.default_rng(inputs).permutation(index)
        q, scales, zeros = grid(weight, bits, index)
        stored_zeros = pack_bits(((zeros - 1) % 2 ** bits).T, bits).T.contiguous()
        return {"qweight": pack_bits(q, bits), "qzeros": stored_zeros, "scales": torch.from_numpy(scales),
                "g_idx": torch.from_numpy(index.astype(np.int32))}

    def read(t):
        outs, inputs = t["scales"].shape[1], len(t["g_idx"])
        q, index = unpack_bits(t["qweight"], bits, inputs), t["g_idx"].numpy()
        zeros = (unpack_bits(t["qzeros"].T.contiguous(), bits, outs).T + 1) % 2 ** bits
        return torch.from_numpy(t["scales"].float().numpy()[index] * (q - zeros[index])).float().T.contiguous()

    return config, store, read


def awq():
    config = dict(quant_method="awq", bits=4, group_size=GROUP, version="gemm", zero_point=True)

    def pack(values):  # [n, out] -> [n, out / 8]
        nibbles = values.reshape(len(values), -1, 8)[:, :, list(AWQ_ORDER)].astype(np.uint32)
        words = (nibbles << (4 * np.arange(8, dtype=np.uint32))).sum(2, dtype=np.uint32)
        return torch.from_numpy(words.view(np.int32).copy())

    def unpack(words):
        nibbles = (words.numpy().view(np.uint32)[:, :, None] >> (4 * np.arange(8, dtype=np.uint32))) & 15
        values = np.empty_like(nibbles)
        values[:, :, list(AWQ_ORDER)] = nibbles
        return values.reshape(len(nibbles), -1).astype(np.int64)

    def store(name, weight):
        q, scales, zeros = grid(weight, 4, np.arange(weight.shape[1]) // GROUP)
        return {"qweight": pack(q), "qzeros": pack(zeros), "scales": torch.from_numpy(scales)}

    def read(t):
        q, zeros, scales = unpack(t["qweight"]), unpack(t["qzeros"]), t["scales"].float().numpy()
        index = np.arange(len(q)) // GROUP
        return torch.from_numpy(scales[index] * (q - zeros[index])).float().T.contiguous()

    return config, store, read


def compressed(format, weights, **scheme):
    """By the library itself; scales in f32, so that its arithmetic is exact."""
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    from compressed_tensors.quantization.utils import calculate_qparams
    args = QuantizationArgs(**weights)
    full = QuantizationScheme(targets=["Linear"], weights=args, **scheme)
    compressor = BaseCompressor.get_value_from_registry(format)
    config = dict(quant_method="compressed-tensors", format=format, ignore=["lm_head"],
                  config_groups={"group_0": dict(targets=["Linear"], weights=weights, **scheme)})

    def store(name, weight):
        w = weight.float()
        rows = w.reshape(w.shape[0], -1, args.group_size or w.shape[1])
        if args.strategy == "tensor":
            scale, zero = calculate_qparams(w.min(), w.max(), args)
        else:
            scale, zero = calculate_qparams(rows.amin(-1), rows.amax(-1), args)
        scale = scale.float().reshape(-1) if args.strategy == "tensor" else scale.float()
        state = {"weight": w, "weight_scale": scale}
        if not args.symmetric:
            state["weight_zero_point"] = zero.to(torch.int8)
        return compressor.compress(state, full)

    return config, store, lambda t: compressor.decompress(dict(t), full)["weight"].float()


def block_floats():
    config = dict(quant_method="fp8", fmt="e4m3", activation_scheme="dynamic", weight_block_size=list(BLOCK))

    def blocks(inverse, outs, inputs):
        return inverse.repeat_interleave(BLOCK[0], 0)[:outs].repeat_interleave(BLOCK[1], 1)[:, :inputs]

    def store(name, weight):
        outs, inputs = weight.shape
        padded = torch.zeros(-(-outs // BLOCK[0]) * BLOCK[0], -(-inputs // BLOCK[1]) * BLOCK[1])
        padded[:outs, :inputs] = weight.float()
        tiles = padded.reshape(padded.shape[0] // BLOCK[0], BLOCK[0], -1, BLOCK[1])
        inverse = tiles.abs().amax((1, 3)) / 448
        stored = (weight.float() / blocks(inverse, outs, inputs)).to(torch.float8_e4m3fn)
        return {"weight": stored, "weight_scale_inv": inverse}

    def read(t):
        return t["weight"].float() * blocks(t["weight_scale_inv"], *t["weight"].shape)

    return config, store, read


def variant(method):
    config, store, read = method
    plain = llama(**shape(131, 64, 96, 2, 4, 2))

    def stored(state):
        result = {}
        for name, tensor in state.items():
            layer = name.removesuffix("weight")
            parts = store(name, tensor) if is_linear(name) else {"weight": tensor}
            result.update({layer + part: value.contiguous() for part, value in parts.items()})
        return result

    def reference(_, state):
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**plain, attn_implementation="eager"))
        if state is None:
            return model
        layers = {n.rsplit(".", 1)[0] for n in state}
        tensors = {}
        for layer in layers:
            own = {n[len(layer) + 1:]: t for n, t in state.items() if n.rsplit(".", 1)[0] == layer}
            tensors[layer + ".weight"] = read(own) if is_linear(layer + ".weight") else own["weight"].float()
        model.load_state_dict(tensors)
        return model.float()

    return Variant({**plain, "quantization_config": config}, dtype="float16", reference=reference, renamed=stored)


INT8 = dict(num_bits=8, type="int", symmetric=True, strategy="channel")
VARIANTS = {
    "gptq": variant(gptq(4, True)),
    "gptq_3bit": variant(gptq(3, False)),
    "awq": variant(awq()),
    "compressed_int4": variant(compressed("pack-quantized", dict(num_bits=4, type="int", symmetric=False,
                                                                 strategy="group", group_size=GROUP))),
    "compressed_w8a8": variant(compressed("int-quantized", INT8, input_activations=dict(
        num_bits=8, type="int", symmetric=True, strategy="token", dynamic=True))),
    "compressed_fp8": variant(compressed("float-quantized", dict(num_bits=8, type="float", symmetric=True,
                                                                 strategy="tensor"))),
    "fp8_blocks": variant(block_floats()),
}
