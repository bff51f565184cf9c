# %% [markdown]
# # Which model, and is the difference real?
#
# A notebook for evalrun. The models are simulated on this machine: it needs no key and no network.

# %%
from evalrun import compare_runs, load_suite, run_suite

suite = load_suite("suites/basic.yaml", only={"model": ["large", "medium"]}, limit=40)
suite.forecast()

# %% [markdown]
# Nothing has been sent so far. Now it is: a run goes on where an earlier one stopped.

# %%
run = run_suite(suite, progress=True)
run

# %% [markdown]
# What the evidence supports, in a sentence or two; then the columns beside each other, with a paired test.

# %%
for sentence in run.comparison.conclusion:
    print(sentence)
beside = compare_runs(run)
beside

# %% [markdown]
# Answers as a table. What is missing is NA.

# %%
results = run.results()
results.explode("tags").groupby(["tags", "model"])["score"].agg(["mean", "count"])

# %% [markdown]
# Where the two differ.

# %%
beside.flips()

# %%
run.summary()[["label", "pass_rate", "pass_rate_low", "pass_rate_high", "prompt_tokens", "latency_p50_s"]]
