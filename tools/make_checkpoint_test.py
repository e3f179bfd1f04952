#!/usr/bin/env python3
"""Tests of make_checkpoint.py: the files it writes, read back without any library of the format."""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

try:
    import numpy as np
except ImportError:
    np = None

HERE = pathlib.Path(__file__).resolve().parent
CONFIG = dict(model_type="qwen2", vocab_size=50, hidden_size=12, intermediate_size=20, num_hidden_layers=2,
              num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=False)


def read(path):
    """{name: (dtype, shape, bytes)}, checking that the tensors fill the file without gaps."""
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__")
    data, end, out = raw[8 + size:], 0, {}
    for name, entry in header.items():
        begin, stop = entry["data_offsets"]
        assert begin == end, name
        end, out[name] = stop, (entry["dtype"], entry["shape"], data[begin:stop])
    assert end == len(data)
    return out


@unittest.skipUnless(np, "needs NumPy")
class MakeCheckpointTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "config.json").write_text(json.dumps(CONFIG))

    def make(self, name, *options, config=None):
        command = [sys.executable, HERE / "make_checkpoint.py", "--config", config or self.root, "-o", self.root / name,
                   *options]
        return subprocess.run(command, capture_output=True, text=True)

    def test_shapes_and_values(self):
        self.assertEqual(self.make("a").returncode, 0)
        made = read(self.root / "a" / "model.safetensors")
        self.assertEqual(len(made), 3 + 2 * 12)
        self.assertEqual(made["model.layers.1.self_attn.k_proj.weight"][:2], ("BF16", [6, 12]))
        self.assertEqual(made["model.layers.0.self_attn.q_proj.bias"][2], bytes(24))
        self.assertEqual(made["model.norm.weight"][2], b"\x80\x3f" * 12)
        bits = np.frombuffer(made["lm_head.weight"][2], "<u2").astype(np.uint32) << 16
        self.assertAlmostEqual(float(bits.view(np.float32).std()), 0.02, delta=0.002)
        self.assertEqual(json.loads((self.root / "a" / "config.json").read_text())["torch_dtype"], "bfloat16")

    def test_shards_hold_the_same_values(self):
        self.assertEqual(self.make("one", "--dtype", "f32").returncode, 0)
        self.assertEqual(self.make("many", "--dtype", "f32", "--max-shard-size", "3KB").returncode, 0)
        index = json.loads((self.root / "many" / "model.safetensors.index.json").read_text())
        merged = {}
        for part in sorted(set(index["weight_map"].values())):
            merged.update(read(self.root / "many" / part))
        self.assertEqual(merged, read(self.root / "one" / "model.safetensors"))
        self.assertEqual(set(index["weight_map"]), set(merged))
        self.assertEqual(index["metadata"]["total_size"], sum(len(t[2]) for t in merged.values()))
        self.assertGreater(len(set(index["weight_map"].values())), 3)

    def test_seed_layers_and_tied_embeddings(self):
        (self.root / "config.json").write_text(json.dumps({**CONFIG, "tie_word_embeddings": True}))
        self.make("a", "--seed", "1", "--num-layers", "1")
        self.make("b", "--seed", "2", "--num-layers", "1")
        a, b = (read(self.root / n / "model.safetensors") for n in "ab")
        self.assertEqual(len(a), 2 + 12)
        self.assertNotEqual(a["model.embed_tokens.weight"], b["model.embed_tokens.weight"])

    def test_faults_are_one_line(self):
        (self.root / "config.json").write_text(json.dumps({**CONFIG, "model_type": "falcon"}))
        self.assertIn("model_type: expected one of llama, mistral, qwen2, got falcon", self.make("a").stderr)
        self.assertIn("No such file", self.make("a", config=self.root / "absent").stderr)
        (self.root / "full").mkdir()
        (self.root / "full" / "x").write_text("")
        (self.root / "config.json").write_text(json.dumps(CONFIG))
        self.assertIn("not empty", self.make("full").stderr)


if __name__ == "__main__":
    unittest.main()
