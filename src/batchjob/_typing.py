"""Types that stand for JSON, shared by all floors; no logic belongs here."""

from collections.abc import Mapping, Sequence

from typing_extensions import TypeAliasType

JsonScalar = str | int | float | bool | None
Json = TypeAliasType("Json", "JsonScalar | Sequence[Json] | Mapping[str, Json]")
JsonObject = Mapping[str, Json]
