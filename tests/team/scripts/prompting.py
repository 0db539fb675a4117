"""Prompts, which MLflow 3 keeps among the registered models, and hides there."""

import mlflow
from seeing import client, mine, refused, saw


def prompts():
    """Two versions of a prompt, an alias, and a search that must not find them among models."""
    name = f"{mine}-greeting"
    mlflow.genai.register_prompt(name, "Hello {{name}}", commit_message="first", tags={"team": "growth"})
    mlflow.genai.register_prompt(name, "Hi {{name}}")
    mlflow.genai.set_prompt_alias(name, "live", 2)
    for which in ("/1", "@live"):
        prompt = mlflow.genai.load_prompt(f"prompts:/{name}{which}")
        saw(f"prompt {which}", [prompt.name, prompt.version, prompt.template, prompt.tags])
    saw("prompts", [one.name for one in mlflow.genai.search_prompts(filter_string=f"name LIKE '{mine}%'")])
    models = client.search_registered_models(f"name LIKE '{mine}%'")
    saw("models besides prompts", [one.name for one in models])
    refused("a prompt as a model", lambda: client.get_latest_versions(f"{name}-absent"))
