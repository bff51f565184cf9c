"""The suite that ``evalrun init`` writes: it runs at once, with no key, and says how to go on."""

from __future__ import annotations

STARTER = """\
# A first suite. Run it:         evalrun suite.yaml
# See what would be sent:        evalrun plan suite.yaml --show 2
# The models here are simulated: no key, no network, no cost. Put your own below.
version: 1
name: first
description: Which prompt and which model answer short questions best?

models:
  - simulator/large              # short form: provider/model
  - id: simulator/small          # long form, with settings
    label: small                 # its name in every column
    params: {temperature: 0.7}
# - openai/gpt-4o-mini           # needs OPENAI_API_KEY in the environment
# - local/llama3                 # an endpoint of your own, see providers

# providers:
#   local: {base_url: http://localhost:11434/v1}

params: {temperature: 0, max_tokens: 200, seed: 1}
samples: 1                       # ask each question so often
# matrix: {top_p: [0.5, 1]}      # every value is a column
# budget: {max_requests: 500, max_cost_usd: 2, deadline: 30m}

prompts:                         # {{ question }} is a variable of each case
  plain: {user: "{{ question }}"}
  terse:
    system: Answer with the answer alone, without a sentence around it.
    user: "{{ question }}"

cases:
  - id: capital
    tags: [facts]
    vars: {question: What is the capital of France?}
    expected: Paris              # a list would mean: any of these
  - id: currency
    tags: [facts]
    vars: {question: What is the currency of Japan?}
    expected: yen
  - id: continent
    tags: [facts]
    vars: {question: On which continent is Kenya?}
    expected: Africa
  - id: sum
    tags: [numbers]
    vars: {question: What is 17 + 25?}
    expected: "42"               # quoted: compared as text
  - id: product
    tags: [numbers]
    vars: {question: What is 12 * 12?}
    expected: "144"
# - {file: cases.csv, id: id, expected: answer}    # a row, a case; columns become variables

scorers:
  - icontains                    # the answer contains what is expected, upper or lower case
# - numeric: {tolerance: 0.01, extract: '(-?[0-9.]+)'}
# - latency: {max_s: 5, weight: 0}                 # weight 0: shown, but counts for nothing

# gates:                         # not met: exit code 1, for CI
#   - pass_rate >= 0.9
#   - {check: pass_rate >= 0.8, for: {model: small, tag: numbers}}
#   - no_regression            # not worse than the run that you blessed: evalrun bless RUN
"""
