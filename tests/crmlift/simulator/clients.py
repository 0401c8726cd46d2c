"""Sessions that trust a running simulator's certificate and nothing of the environment."""

from __future__ import annotations

import requests

from crmlift.simulator.options import SF_CLIENT_ID, SF_CLIENT_SECRET
from crmlift.simulator.server import ServerInfo

CLIENT_CREDENTIALS = {
    "grant_type": "client_credentials",
    "client_id": SF_CLIENT_ID,
    "client_secret": SF_CLIENT_SECRET,
}


def trusting_session(server: ServerInfo) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # REQUESTS_CA_BUNDLE would take the place of the simulator's certificate
    session.verify = str(server.ca_file) if server.ca_file else True
    return session


def salesforce_session(server: ServerInfo) -> requests.Session:
    session = trusting_session(server)
    answer = session.post(f"{server.base_url}/services/oauth2/token", data=CLIENT_CREDENTIALS)
    answer.raise_for_status()
    session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return session
