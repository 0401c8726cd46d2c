"""OAuth 2.0 at /services/oauth2, and the check of every other request's session."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any

import jwt
from starlette.requests import Request
from starlette.responses import Response

from crmlift.simulator.options import (
    SF_CLIENT_ID,
    SF_CLIENT_SECRET,
    SF_ORG_ID,
    SF_PASSWORD,
    SF_SECURITY_TOKEN,
    SF_USER_ID,
    SF_USERNAME,
)
from crmlift.simulator.responses import base_url, form_fields, json_response
from crmlift.simulator.salesforce.errors import OAuthError, invalid_session
from crmlift.simulator.salesforce.org import SalesforceOrg, org_of

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_LEEWAY_S = 300


def bearer_token(headers: Mapping[str, str]) -> str:
    """The session id in `Authorization: Bearer|OAuth …` or `X-SFDC-Session`, empty if none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() in {"bearer", "oauth"}:
        return token.strip()
    return headers.get("x-sfdc-session", "")


async def token(request: Request) -> Response:
    """POST /services/oauth2/token for the four grants connectors use."""
    form = await form_fields(request)
    org = org_of(request)
    grant = form.get("grant_type", "")
    answer: dict[str, Any] = {}
    if grant == _JWT_GRANT:
        _check_assertion(form.get("assertion", ""), org.options.jwt_public_key)
    elif grant in {"client_credentials", "password", "refresh_token"}:
        _check_client(request, form, needs_secret=grant != "refresh_token")
        if grant == "password":
            check_password(form.get("username", ""), form.get("password", ""))
        if grant == "refresh_token":
            used = form.get("refresh_token", "")
            if used not in org.refresh_tokens:
                raise OAuthError("invalid_grant", "expired access/refresh token")
            answer["refresh_token"] = org.rotate_refresh_token(used)
    else:
        raise OAuthError("unsupported_grant_type", "grant type not supported")
    return json_response(_token_answer(request, org) | answer)


async def userinfo(request: Request) -> Response:
    """GET /services/oauth2/userinfo, and the identity URL."""
    if not org_of(request).use_session(bearer_token(request.headers)):
        raise invalid_session()
    return json_response(
        {
            "sub": f"{base_url(request)}/id/{SF_ORG_ID}/{SF_USER_ID}",
            "user_id": SF_USER_ID,
            "organization_id": SF_ORG_ID,
            "preferred_username": SF_USERNAME,
            "email": SF_USERNAME,
            "name": "crmlift integration",
            "user_type": "STANDARD",
            "language": "en_US",
            "locale": "en_US",
            "utcOffset": 0,
            "active": True,
        }
    )


async def revoke(request: Request) -> Response:
    """POST /services/oauth2/revoke ends a session."""
    form = await form_fields(request)
    org_of(request).end_session(form.get("token", ""))
    return Response(status_code=200)


def check_password(username: str, password: str) -> None:
    """Accept the demo user with its password, with or without the security token."""
    is_user = username == SF_USERNAME
    if not is_user or password not in {SF_PASSWORD, SF_PASSWORD + SF_SECURITY_TOKEN}:
        raise OAuthError("invalid_grant", "authentication failure - Invalid Password")


def _check_client(request: Request, form: Mapping[str, str], *, needs_secret: bool) -> None:
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as cause:
            raise OAuthError("invalid_client", "invalid client credentials") from cause
    if client_id != SF_CLIENT_ID:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if (needs_secret or secret) and secret != SF_CLIENT_SECRET:
        raise OAuthError("invalid_client", "invalid client credentials")


def _check_assertion(assertion: str, public_key: str | None) -> None:
    checks = {"verify_signature": public_key is not None, "verify_aud": False, "verify_exp": False}
    try:
        claims = jwt.decode(assertion, public_key or "", algorithms=["RS256"], options=checks)  # type: ignore[arg-type]
        expires = float(claims["exp"])
    except (jwt.PyJWTError, KeyError, TypeError, ValueError) as cause:
        raise OAuthError("invalid_grant", "invalid assertion") from cause
    if claims.get("iss") != SF_CLIENT_ID:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if claims.get("sub") != SF_USERNAME:
        raise OAuthError("invalid_grant", "user hasn't approved this consumer")
    if expires < time.time() - _ASSERTION_LEEWAY_S:
        raise OAuthError("invalid_grant", "expired authorization code")


def _token_answer(request: Request, org: SalesforceOrg) -> dict[str, Any]:
    instance, issued_at = base_url(request), str(round(time.time() * 1000))
    identity = f"{instance}/id/{SF_ORG_ID}/{SF_USER_ID}"
    digest = hmac.new(SF_CLIENT_SECRET.encode(), (identity + issued_at).encode(), hashlib.sha256).digest()
    return {
        "access_token": org.open_session(),
        "signature": base64.b64encode(digest).decode(),
        "scope": "api",
        "instance_url": instance,
        "id": identity,
        "token_type": "Bearer",
        "issued_at": issued_at,
    }
