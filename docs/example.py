# %% [markdown]
# # Which model, and is the difference real?
#
# A notebook for evalrun. The models are simulated on this machine: it needs no key and no network.

# %%
from evalrun import load_suite, run_suite

suite = load_suite("suites/basic.yaml", only={"model": ["large", "medium"]}, limit=40)
suite.forecast()

# %% [markdown]
# Nothing has been sent so far. Now it is: a run goes on where an earlier one stopped.

# %%
run = run_suite(suite, progress=True)
run

# %% [markdown]
# What the evidence supports, in a sentence, and each pair of columns with its paired test.

# %%
for sentence in run.comparison.conclusion:
    print(sentence)
for pair in run.comparison.pairs:
    print(f"{pair.first} against {pair.second}: only one passed in {pair.only_first} and {pair.only_second} cells,")
    print(f"  a difference of {pair.difference.mean:+.3f}, p = {pair.p_value:.3g}")

# %% [markdown]
# Answers as a table. What is missing is NA.

# %%
results = run.results()
results.explode("tags").groupby(["tags", "model"])["score"].agg(["mean", "count"])

# %% [markdown]
# Where the two differ.

# %%
verdicts = results.pivot_table(index=["case", "sample"], columns="model", values="verdict", aggfunc="first")
verdicts[verdicts["large"] != verdicts["medium"]]

# %%
run.summary()[["label", "pass_rate", "pass_rate_low", "pass_rate_high", "prompt_tokens", "latency_p50_s"]]
