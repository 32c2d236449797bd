"""WS-Management's envelopes: requests taken apart strictly, answers and faults as Windows words them."""

from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
MICROSOFT = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"
IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identify/1/wsmanidentity.xsd"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"

NAMES = {"s": SOAP, "a": ADDRESSING, "w": WSMAN, "p": MICROSOFT, "x": TRANSFER, "rsp": SHELL, "cfg": CONFIG}
_DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMES.items())
_UNDERSTOOD = frozenset(
    {f"{{{ADDRESSING}}}{name}" for name in ("To", "ReplyTo", "MessageID", "Action", "FaultTo", "From", "RelatesTo")}
    | {f"{{{WSMAN}}}{name}" for name in (
        "ResourceURI", "SelectorSet", "OptionSet", "OperationTimeout", "MaxEnvelopeSize", "Locale")}
    | {f"{{{MICROSOFT}}}{name}" for name in (
        "DataLocale", "SessionId", "OperationID", "SequenceId", "FirstResponse", "CompressionType")}
)  # fmt: skip
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


class NotXml(Exception):
    """The body is no XML that Windows would read; it answers 400 without a fault."""


class WsFault(Exception):
    """A fault of WS-Management: its code (WSManFault's), SOAP subcode (w:...), and Windows' words for it."""

    def __init__(self, code: int, subcode: str, message: str, *, sender: bool = True) -> None:
        super().__init__(message)
        self.code, self.subcode, self.message, self.sender = code, subcode, message, sender


def schema_fault() -> WsFault:
    """Return what Windows answers to XML that is no valid message."""
    return WsFault(
        2150858817, "w:SchemaValidationError",
        "The SOAP XML in the message does not match the corresponding XML schema definition. Change the XML and retry.",
    )  # fmt: skip


@dataclass(frozen=True)
class Request:
    """A request: `timeout` in seconds; `envelope` is the largest answer, in bytes, that the client takes."""

    action: str
    message_id: str
    resource: str = ""
    selectors: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    timeout: float = 60.0
    envelope: int = 153600
    body: ET.Element = field(default_factory=lambda: ET.Element("Body"))


def parse(message: bytes) -> Request | None:
    """Take a request apart; None is an Identify. Raises NotXml, or WsFault where it is no valid message."""
    root = _element(message)
    header, body = root.find("s:Header", NAMES), root.find("s:Body", NAMES)
    if root.tag != f"{{{SOAP}}}Envelope" or body is None:
        raise schema_fault()
    if body.find(f"{{{IDENTITY}}}Identify") is not None:
        return None
    if header is None:
        raise schema_fault()
    for child in header:
        if child.tag not in _UNDERSTOOD and child.get(f"{{{SOAP}}}mustUnderstand", "").lower() in ("true", "1"):
            raise WsFault(
                2150858835,
                "s:MustUnderstand",
                "The WS-Management service cannot process the request because it contains a SOAP header "
                "that must be understood and is not.",
            )
    return Request(
        action=_one(header, "a:Action"),
        message_id=_one(header, "a:MessageID"),
        resource=_one(header, "w:ResourceURI"),
        selectors=_named(header, "w:SelectorSet/w:Selector"),
        options=_named(header, "w:OptionSet/w:Option"),
        timeout=seconds(header.findtext("w:OperationTimeout", "PT60S", NAMES)),
        envelope=_number(header.findtext("w:MaxEnvelopeSize", "153600", NAMES)),
        body=body,
    )


def seconds(duration: str) -> float:
    """Return the seconds of an xs:duration (PT20S, P0DT0H3M0.000S)."""
    found = _DURATION.fullmatch(duration.strip())
    if not found or not any(found.groups()):
        raise schema_fault()
    days, hours, minutes, rest = (float(part or 0) for part in found.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + rest


def answer(request: Request, body: str) -> bytes:
    """Return the answer's envelope around `body`."""
    return _envelope(_action_of_answer(request.action), request.message_id, body)


def identity(system: str) -> bytes:
    """Return the answer to Identify; `system` as Windows gives it: OS: 6.1.7601 SP: 1.0 Stack: 2.0."""
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:wsmid="{IDENTITY}"><s:Header/><s:Body><wsmid:IdentifyResponse>'
        f"<wsmid:ProtocolVersion>{WSMAN}</wsmid:ProtocolVersion>"
        f"<wsmid:ProductVendor>Microsoft Corporation</wsmid:ProductVendor>"
        f"<wsmid:ProductVersion>{escape(system)}</wsmid:ProductVersion>"
        f"</wsmid:IdentifyResponse></s:Body></s:Envelope>"
    ).encode()


def fault(relates_to: str, machine: str, error: WsFault) -> bytes:
    """Return the envelope of a fault."""
    role = "s:Sender" if error.sender else "s:Receiver"
    body = (
        f"<s:Fault><s:Code><s:Value>{role}</s:Value><s:Subcode><s:Value>{error.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{escape(error.message)} </s:Text></s:Reason>'
        f'<s:Detail><f:WSManFault xmlns:f="{FAULT}" Code="{error.code}" Machine={quoteattr(machine)}>'
        f"<f:Message>{escape(error.message)} </f:Message></f:WSManFault></s:Detail></s:Fault>"
    )
    return _envelope("http://schemas.dmtf.org/wbem/wsman/1/wsman/fault", relates_to, body)


def _element(message: bytes) -> ET.Element:
    if b"<!DOCTYPE" in message or b"<!ENTITY" in message:
        raise NotXml("a document type is not allowed")
    try:
        return ET.fromstring(message)  # noqa: S314  # without a document type there is nothing to expand
    except (ET.ParseError, ValueError) as error:
        raise NotXml(str(error)) from error


def _one(header: ET.Element, path: str) -> str:
    found = header.findall(path, NAMES)
    if len(found) != 1 or not (found[0].text or "").strip():
        raise schema_fault()
    return (found[0].text or "").strip()


def _named(header: ET.Element, path: str) -> dict[str, str]:
    return {element.get("Name", ""): element.text or "" for element in header.findall(path, NAMES)}


def _number(text: str) -> int:
    if not text.strip().isascii() or not text.strip().isdigit():
        raise schema_fault()
    return int(text)


def _action_of_answer(action: str) -> str:
    return f"{action}Response"


def _envelope(action: str, relates_to: str, body: str) -> bytes:
    return (
        f'<s:Envelope xml:lang="en-US" {_DECLARED}><s:Header><a:Action>{escape(action)}</a:Action>'
        f"<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>"
        f"<a:To>{ADDRESSING}/role/anonymous</a:To><a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()
