"""How the simulated CRMs behave, and the fixed fake credentials they accept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SF_CLIENT_ID = "crmlift-demo"
SF_CLIENT_SECRET = "crmlift-demo-secret"
SF_USERNAME = "integration@crmlift.example"
SF_PASSWORD = "crmlift-demo-password"
SF_SECURITY_TOKEN = "crmliftDemoToken"
SF_REFRESH_TOKEN = "crmlift-demo-refresh"
SF_ORG_ID = "00DSimulated00EAAQ"
SF_USER_ID = "005SimIntegratnAAA"

HS_SERVICE_KEY = "pat-crmlift-demo"
HS_CLIENT_ID = "crmlift-demo"
HS_CLIENT_SECRET = "crmlift-demo-secret"
HS_REFRESH_TOKEN = "crmlift-demo-hubspot-refresh"
HS_PORTAL_ID = 4242424

PD_API_TOKEN = "crmlift-demo-pipedrive-token"
PD_CLIENT_ID = "crmlift-demo"
PD_CLIENT_SECRET = "crmlift-demo-secret"
PD_REFRESH_TOKEN = "crmlift-demo-pipedrive-refresh"

REFUSALS = ("Campaign", "products")
"""What `--faults refusals` withholds for good: an object of each vendor."""

RateTier = Literal["free", "professional", "enterprise", "oauth"]


@dataclass(frozen=True)
class ServerOptions:
    """Everything about the server that is not the company.

    latency_s: added to every request. rate_limits: HubSpot's tier to enforce, None: advertise a huge allowance and
    enforce nothing. faults: the name of a storm (`faults.STORMS`), drawn from fault_seed, at most fault_share of the
    requests. sf_daily_limit: requests an org may make before REQUEST_LIMIT_EXCEEDED. job_polls: status answers of a
    Bulk job before it is complete. session_requests: requests a Salesforce session lives, None: for ever.
    search_lag_s: changes younger than this are not in HubSpot's search index yet. is_clock_ticking: the simulated
    present moves on from the company's as_of in real time, otherwise it stands still. jwt_public_key: PEM that JWT
    bearer assertions must verify against, None: any well-formed one is accepted. refused: objects that are listed and
    described like the others, and whose records nobody gets. has_repeats: each page of a Bulk query begins with its
    last record as that was an hour earlier, as where records change while pages are made.
    """

    latency_s: float = 0.0
    rate_limits: RateTier | None = None
    faults: str | None = None
    fault_seed: int = 1
    fault_share: float = 0.1
    sf_daily_limit: int = 100_000
    session_requests: int | None = None
    job_polls: int = 1
    rest_page_size: int = 2_000
    bulk_page_size: int = 50_000
    association_page_size: int = 500
    search_lag_s: float = 0.0
    is_clock_ticking: bool = False
    jwt_public_key: str | None = None
    is_gzip_honoured: bool = True
    refused: tuple[str, ...] = ()
    has_repeats: bool = False
