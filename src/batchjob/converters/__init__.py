"""JSON at the edge: jobs to and from the API's form, contexts to their classes, and JSON Schema.

The core knows only its own types. What is read here is read strictly: unknown keys and wrong types
are refused, all of them at once, each with its place; nothing is converted silently.
"""

from batchjob.converters.changes import change_to_json
from batchjob.converters.contexts import context_to_json, structure_context
from batchjob.converters.plain import dump_json, parse_json, plain_json
from batchjob.converters.schema import json_schema
from batchjob.converters.standings import standing_to_json
from batchjob.converters.tokens import token_to_json

__all__ = [
    "change_to_json",
    "context_to_json",
    "dump_json",
    "json_schema",
    "parse_json",
    "plain_json",
    "standing_to_json",
    "structure_context",
    "token_to_json",
]
