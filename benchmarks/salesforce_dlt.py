"""dlt on the same simulator, run by its own Python: pages of a Bulk 2.0 query, merged or appended into DuckDB."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import dlt
import requests
from simple_salesforce import Salesforce


def main() -> None:
    """Print rows and seconds, extraction included."""
    given = json.loads(sys.argv[1])
    session = requests.Session()
    session.trust_env, session.verify = False, given["ca_file"]
    form = {"grant_type": "client_credentials", "client_id": "crmlift-demo", "client_secret": "crmlift-demo-secret"}
    token = session.post(f"{given['url']}/services/oauth2/token", data=form).json()
    sf = Salesforce(instance_url=given["url"], session_id=token["access_token"], session=session, version="62.0")
    names = [field["name"] for field in sf.Opportunity.describe()["fields"]]
    query = f"SELECT {', '.join(names)} FROM Opportunity LIMIT {given['rows']}"

    def opportunities() -> Iterator[list[dict[str, Any]]]:
        for page in sf.bulk2.Opportunity.query(query, max_records=10_000, wait=0.1):
            yield list(csv.DictReader(io.StringIO(page)))

    pipeline = dlt.pipeline("bench", destination="duckdb", dataset_name="raw")
    is_merge = given["way"] == "merge"
    resource = dlt.resource(opportunities, name="opportunity", primary_key="Id" if is_merge else None,
                            write_disposition=given["way"])  # fmt: skip
    started = time.perf_counter()
    pipeline.run(resource, **({} if is_merge else {"loader_file_format": "parquet"}))
    seconds = time.perf_counter() - started
    with pipeline.sql_client() as client:
        ((rows,),) = client.execute_sql("select count(*) from opportunity") or [(0,)]
    print(json.dumps({"rows": rows, "seconds": seconds}))


if __name__ == "__main__":
    main()
