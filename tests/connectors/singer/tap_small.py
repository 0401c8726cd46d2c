"""A tap for tests: says what its config scripts, follows its state, and dies where it is told to.

config: records {stream: [[…]]}, catalog, log: a file it notes its arguments in, die_after: records before it exits 1
saying `last_words`, later: {number of records sent: properties that another SCHEMA tells of then}.
A stream marked `versioned` sends versions and ACTIVATE_VERSION; others resume after the id in their bookmark.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any


def say(**message: Any) -> None:
    print(json.dumps(message), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config")
    parser.add_argument("--catalog")
    parser.add_argument("--state")
    parser.add_argument("--discover", action="store_true")
    given = parser.parse_args()
    with open(given.config) as opened:
        config = json.load(opened)
    if given.discover:
        print("starting up", file=sys.stderr)
        print(json.dumps(config["catalog"], indent=1))
        return
    with open(given.catalog) as opened:
        catalog = json.load(opened)
    state: dict[str, Any] = {"bookmarks": {}}
    if given.state:
        with open(given.state) as opened:
            state = json.load(opened)
    with open(config["log"], "a") as opened:
        opened.write(json.dumps({"state": state if given.state else None}) + "\n")
    print(f"Authorization: Bearer {config.get('api_token', '')} for everybody", file=sys.stderr)
    print("not a message")
    for entry in catalog["streams"]:
        root = next(place["metadata"] for place in entry["metadata"] if not place["breadcrumb"])
        if root.get("selected"):
            sync(entry, config, state)


def sync(entry: dict[str, Any], config: dict[str, Any], state: dict[str, Any]) -> None:
    stream = entry["tap_stream_id"]
    plan = config["records"][stream]
    say(type="SCHEMA", stream="a parent", schema={}, key_properties=["id"])
    say(type="RECORD", stream="a parent", record={"id": 1})
    say(type="SCHEMA", stream=stream, schema=entry["schema"], key_properties=plan.get("keys", entry["key_properties"]))
    done = state["bookmarks"].get(stream, {}).get("id", -1)
    version = {"version": plan["version"]} if "version" in plan else {}
    sent = 0
    for row in plan["rows"]:
        if not version and isinstance(row.get("id"), int) and row["id"] <= done:
            continue
        if sent == plan.get("die_after"):
            said = plan.get("last_words", f"Traceback: 401 Unauthorized for token {config.get('api_token')}")
            print(said, file=sys.stderr)
            sys.exit(1)
        more = plan.get("later", {}).get(str(sent))
        if more:
            wider = {"properties": entry["schema"]["properties"] | more}
            say(type="SCHEMA", stream=stream, schema=wider, key_properties=entry["key_properties"])
        say(type="RECORD", stream=stream, record=row, **version)
        sent += 1
        if isinstance(row.get("id"), int):
            state["bookmarks"][stream] = {"id": row["id"]}
        if sent % plan.get("state_every", 3) == 0:
            say(type="STATE", value=state)
    if version and plan.get("activate", True):
        say(type="ACTIVATE_VERSION", stream=stream, **version)
    say(type="STATE", value=state)


main()
