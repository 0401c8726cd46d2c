"""SOAP login(), gone from API version 65 on."""

from __future__ import annotations

from xml.etree import ElementTree
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response

from crmlift.simulator.options import SF_ORG_ID, SF_USER_ID, SF_USERNAME
from crmlift.simulator.responses import base_url
from crmlift.simulator.salesforce.auth import check_password
from crmlift.simulator.salesforce.errors import OAuthError
from crmlift.simulator.salesforce.org import org_of

_FIRST_VERSION_WITHOUT_LOGIN = 65.0
_SESSION_SECONDS = 7_200
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" {namespaces}>'
    "<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
)


async def login(request: Request) -> Response:
    """POST /services/Soap/u/{version}."""
    version = request.path_params["version"]
    if float(version) >= _FIRST_VERSION_WITHOUT_LOGIN:
        return _fault("UNSUPPORTED_API_VERSION", f"SOAP login() is not available in API version {version}.")
    try:
        document = ElementTree.fromstring(await request.body())
        names = {element.tag.rpartition("}")[2]: element.text or "" for element in document.iter()}
    except ElementTree.ParseError:
        return _fault("MALFORMED_REQUEST", "The request is not well-formed XML.")
    if "login" not in names:
        return _fault("UNSUPPORTED_CLIENT", "Only login() is available here.")
    try:
        check_password(names.get("username", ""), names.get("password", ""))
    except OAuthError:
        return _fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
    return _answer(request, version, org_of(request).open_session())


def _answer(request: Request, version: str, session: str) -> Response:
    server, org = base_url(request), SF_ORG_ID[:15]
    body = (
        "<loginResponse><result>"
        f"<metadataServerUrl>{server}/services/Soap/m/{version}/{org}</metadataServerUrl>"
        "<passwordExpired>false</passwordExpired><sandbox>false</sandbox>"
        f"<serverUrl>{server}/services/Soap/u/{version}/{org}</serverUrl>"
        f"<sessionId>{escape(session)}</sessionId><userId>{SF_USER_ID}</userId>"
        f"<userInfo><organizationId>{SF_ORG_ID}</organizationId><userName>{escape(SF_USERNAME)}</userName>"
        f"<sessionSecondsValid>{_SESSION_SECONDS}</sessionSecondsValid></userInfo>"
        "</result></loginResponse>"
    )
    return _xml(_ENVELOPE.format(namespaces='xmlns="urn:partner.soap.sforce.com"', body=body), 200)


def _fault(code: str, message: str) -> Response:
    body = (
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {escape(message)}</faultstring>"
        f'<detail><sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>{code}</sf:exceptionCode>'
        f"<sf:exceptionMessage>{escape(message)}</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>"
    )
    namespaces = 'xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    return _xml(_ENVELOPE.format(namespaces=namespaces, body=body), 500)


def _xml(text: str, status: int) -> Response:
    return Response(text, status, media_type="text/xml")
