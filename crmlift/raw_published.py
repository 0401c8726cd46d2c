"""Raw tables of sources that `privacy.publish_raw` names, for the published copy: without personal columns."""

from __future__ import annotations

from connectors.landing import LandingZone, read_manifest
from crmlift.settings_file import Loaded
from crmlift.warehouse.publish import RawTable


def raw_tables(loaded: Loaded) -> list[RawTable]:
    """Each stream's table of the named sources, as its newest manifest describes it."""
    zone = LandingZone(loaded.places.landing)
    found: dict[tuple[str, str], RawTable] = {}
    for source_id in loaded.settings.privacy.publish_raw:
        for manifest in map(read_manifest, zone.manifests(source_id)):
            schema = manifest.schema
            personal = frozenset(field.name for field in schema.fields if field.is_personal)
            key = (schema.system, schema.table)
            known = found.get(key, RawTable(f"raw_{schema.system}", schema.table))
            found[key] = RawTable(known.schema, known.table, known.personal | personal, known.sources | {source_id})
    return [found[key] for key in sorted(found)]
