#!/usr/bin/env python3
"""Renders chat templates with Python's Jinja2, set up as Hugging Face transformers sets it up, and with `spate tokenize
--chat`, and compares the bytes. Where Jinja2 raises, spate must fail too, with exit code 3.

    tools/check_templates.py FOLDER [--spate build/release/bin/spate] [--jobs 2]

FOLDER holds *.jinja files. Each is rendered for nine conversations. Needs Jinja2 >= 3.1.6. Exit status 0, or 1 with at
least one difference.
"""

import argparse
import concurrent.futures
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import template_reference

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a place, e.g. \"Zürich\" <today>.",
        "parameters": {
            "type": "object",
            "properties": {
                "place": {"type": "string", "description": "Name of the place"},
                "unit": {"type": "string", "enum": ["C", "F"], "description": "Unit & scale"},
                "days": {"type": "integer", "default": 1},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["place"],
        },
    },
}
SEARCH = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Searches.",
        "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
        "return": {"type": "string"},
    },
}
CALL = {
    "id": "call00001",
    "type": "function",
    "function": {"name": "get_weather", "arguments": {"place": "Zürich", "days": 2, "tags": ["a", "b"], "exact": True}},
}


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


def system(text):
    return {"role": "system", "content": text}


# name -> request
CONVERSATIONS = {
    "system": {"messages": [system("You are a helpful assistant."), user("Hello, who are you?")]},
    "tools": {
        "messages": [system("Use tools."), user("What is the weather in Zürich?")],
        "tools": [WEATHER, SEARCH],
    },
    "results": {
        "messages": [
            user("What is the weather in Zürich?"),
            assistant("", tool_calls=[CALL]),
            {"role": "tool", "name": "get_weather", "tool_call_id": "call00001", "content": "{\"sky\": \"clear\"}"},
            assistant("It is clear."),
            user("Thanks! And tomorrow?"),
        ],
        "tools": [WEATHER],
    },
    "turns": {
        "messages": [
            system("Be brief."),
            user("1+1?"),
            assistant("<think>\nEasy.\n</think>\n\n2"),
            user(" 2+2? "),
            assistant("4", reasoning_content="Two and two."),
            user("3+3?\n"),
        ]
    },
    "empty": {"messages": [system(""), user(""), assistant(""), user("x")]},
    "list": {
        "messages": [
            system([{"type": "text", "text": "You see."}]),
            user([{"type": "text", "text": "What is "}, {"type": "text", "text": "this?"}]),
        ]
    },
    "unicode": {
        "messages": [
            user("Grüße 你好 🙂 e\u0301 \u2028 'quotes' \"double\" \\ {{ x }} {% y %} <b>&amp;</b>\ttab"),
            assistant("naïve — ✓ \u00a0 done"),
            user("日本語？"),
        ]
    },
    "no_prompt": {
        "messages": [user("Hi"), assistant("Hello! How can I help?")],
        "add_generation_prompt": False,
    },
    "variables": {
        "messages": [system("Think."), user("Why?"), assistant("Because.", reasoning_content="Hm."), user("So?")],
        "enable_thinking": False,
        "thinking": True,
        "reasoning_effort": "high",
        "documents": [{"title": "T", "text": "Words."}],
    },
}
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
NOW = "26 Jul 2024"


def compare(spate, path, name, request, folder):
    """(verdict, detail) of one template and conversation."""
    source = path.read_bytes().decode()
    try:
        expected = template_reference.render(source, request, TOKENS, NOW)
    except Exception as error:  # whatever a template makes Python raise
        expected = error
    file = folder / f"{path.stem}.{name}.json"
    file.write_text(json.dumps(request, ensure_ascii=False))
    command = [spate, "tokenize", "--chat", str(file), "--template", str(path), "--now", NOW]
    command += ["--bos", TOKENS["bos_token"], "--eos", TOKENS["eos_token"]]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    if isinstance(expected, Exception):
        if done.returncode == 3:
            return "raises", ""
        return "DIFFERS", f"Jinja2 raises {type(expected).__name__}: {expected}; spate exits with {done.returncode}"
    if done.returncode != 0:
        return "DIFFERS", f"spate exits with {done.returncode}: {done.stderr.decode().strip()}"
    if done.stdout == expected.encode():
        return "equal", ""
    got = done.stdout.decode(errors="replace")
    at = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b), min(len(got), len(expected)))
    return "DIFFERS", f"at character {at}: expected {expected[at - 20:at + 40]!r}, got {got[at - 20:at + 40]!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--spate", default="build/release/bin/spate")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    templates = sorted(args.folder.glob("*.jinja"))
    if not templates:
        sys.exit(f"check_templates.py: no *.jinja in {args.folder}")
    width = max(len(path.stem) for path in templates)
    print("template".ljust(width), *(name.ljust(9) for name in CONVERSATIONS))
    counts = {"equal": 0, "raises": 0, "DIFFERS": 0}
    details = []
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for path in templates:
            results = pool.map(lambda item: compare(args.spate, path, *item, Path(folder)), CONVERSATIONS.items())
            row = []
            for name, (verdict, detail) in zip(CONVERSATIONS, results):
                counts[verdict] += 1
                row.append(verdict.ljust(9))
                if detail:
                    details.append(f"{path.stem}, {name}: {detail}")
            print(path.stem.ljust(width), *row)
    for detail in details:
        print(detail)
    print(f"{len(templates)} templates, {len(CONVERSATIONS)} conversations each: {counts['equal']} equal, "
          f"{counts['raises']} refused by both, {counts['DIFFERS']} differences")
    return 1 if counts["DIFFERS"] else 0


if __name__ == "__main__":
    sys.exit(main())
