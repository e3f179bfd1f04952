#!/usr/bin/env python3
"""Writes tests/golden/templates/cases.json: the templates of tools/template_cases.py and the program's named templates,
with what Python's Jinja2 makes of them (null where it raises). Run again after a change of either.

    tools/make_template_goldens.py
"""

import json
import re
from pathlib import Path

import template_cases
import template_reference

ROOT = Path(__file__).resolve().parent.parent
NOW = "26 Jul 2024"
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
SYSTEM = {"role": "system", "content": "Be brief. "}
TALKS = [
    [SYSTEM, {"role": "user", "content": " Hi "}, {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "So?"}],
    [{"role": "user", "content": "Grüße 🙂"}],
    [{"role": "user", "content": "x"}, {"role": "tool", "content": "y"}],
]


def builtin_templates():
    """The templates in src/tokenizer/builtin_templates.cc by name."""
    source = (ROOT / "src/tokenizer/builtin_templates.cc").read_text()
    constants = dict(re.findall(r'constexpr std::string_view (k\w+) = R"\((.*?)\)";', source, re.S))
    names = re.findall(r'\{"(\w+)",\s*(k\w+)\}', source)
    return {name: constants[constant] for name, constant in names}


def render(template, request):
    try:
        return template_reference.render(template, request, TOKENS, NOW)
    except Exception:  # whatever a template makes Python raise
        return None


def main():
    request = {"messages": [SYSTEM, {"role": "user", "content": "Hi"}], **template_cases.DATA}
    sources = ["{{ [" + line + "] }}" for line in template_cases.EXPRESSIONS.split("\n")]
    cases = [{"template": source, "expected": render(source, request)} for source in sources + template_cases.TEMPLATES]
    builtins = []
    for name, template in builtin_templates().items():
        for messages in TALKS:
            for prompt in (True, False):
                talk = {"messages": messages, "add_generation_prompt": prompt}
                builtins.append({"name": name, **talk, "expected": render(template, talk)})
    golden = {"now": NOW, "tokens": TOKENS, "request": request, "cases": cases, "builtins": builtins}
    path = ROOT / "tests/golden/templates/cases.json"
    path.write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")
    raised = sum(case["expected"] is None for case in cases)
    print(f"{path}: {len(cases)} templates ({raised} raise), {len(builtins)} conversations in named formats")


if __name__ == "__main__":
    main()
