"""All that clients may see otherwise than MLflow's server shows it to its newest client, and why."""

from tests.team.clients import Difference

OF_OUR_SERVER = (
    Difference(
        "/run/data/metrics/most", "infinity is kept; MLflow's SQL store keeps the largest number instead"
    ),
    Difference("/run/data/metrics/least", "likewise"),
    Difference("/too long/*", "nothing is cut short: what is too long is refused, as by MLflow before 3"),
    Difference(
        "/files/whole/empty", "an empty file has 0 bytes; MLflow leaves 0 out, and its client reads None"
    ),
)
"""By any client, on our server."""

OF_A_KNOWN_CALLER = (
    Difference("*/user_id", "where there are tokens, a version tells who registered it; MLflow does not"),
)
"""On a server of ours that asks for tokens."""

_SINCE_3_17 = (
    Difference("*/workspace", "a field of newer clients"),
    Difference("*/trace_location", "likewise"),
    Difference("*/effective_trace_archival_retention", "likewise"),
    Difference("*/deployment_job_state*", "3.0 fills a field for Databricks with words for nothing"),
)
_PROMPTS = Difference("/models by themselves/*prompt*", "mlflow.genai.register_prompt is newer than 3.0")
_SINCE_3 = (
    Difference("/models by themselves*", "there were none before 3.0"),
    Difference("*/inputs/model_inputs*", "likewise"),
    Difference("*/outputs/*", "likewise"),
    Difference("*/model_id", "a field of newer clients"),
    Difference("*/params", "a version's field of newer clients"),
    Difference("*/metrics", "likewise"),
    Difference("*/deployment_job_id", "likewise"),
    Difference("*/status_message", "empty text before, nothing since"),
    Difference("*/run_uuid", "the older name of a run's id, which newer clients leave out"),
    Difference("*/mlflow.log-model.history", "how older clients note a model in its run"),
)
OF_CLIENTS = {
    "3.17": (),
    "3.0": (*_SINCE_3_17, _PROMPTS),
    "2.22": (*_SINCE_3_17, *_SINCE_3),
    "2.10": (*_SINCE_3_17, *_SINCE_3),
}
"""On any server, by older clients: against the same server each sees the same as on MLflow's."""
