"""Record ids as the vendors form them."""

from __future__ import annotations

from collections.abc import Iterable

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_POD = "5g0"
_PAIRS = [(a + b, a.isupper() | b.isupper() << 1) for a in _DIGITS for b in _DIGITS]

KEY_PREFIX = {
    "Account": "001", "Contact": "003", "Opportunity": "006", "OpportunityHistory": "008", "Lead": "00Q",
    "User": "005", "UserRole": "00E", "Profile": "00e", "Task": "00T", "Event": "00U", "Campaign": "701",
    "OpportunityLineItem": "00k", "Product2": "01t", "OpportunityStage": "01J", "LoginHistory": "0Ya",
    "CurrencyType": "01L", "DatedConversionRate": "04w", "OpportunityFieldHistory": "017", "LeadHistory": "00m",
    "Case": "500", "CaseHistory": "017", "CaseComment": "00a", "CaseStatus": "0CS", "CaseMilestone": "555",
    "MilestoneType": "557", "LeadStatus": "01Q", "CampaignMember": "00v", "OpportunityContactRole": "00K",
    "Organization": "00D",
}  # fmt: skip
"""The first three characters of an id tell its object."""

_HUBSPOT_FIRST = {
    "contacts": 51_200_000_101, "companies": 9_100_000_201, "deals": 17_300_000_301, "tickets": 2_400_000_401,
    "calls": 61_000_000_501, "emails": 62_000_000_601, "meetings": 63_000_000_701, "tasks": 64_000_000_801,
    "notes": 65_000_000_901, "leads": 41_000_000_011, "feedback_submissions": 31_000_000_021,
}  # fmt: skip


def case_safe(short: str) -> str:
    """The 18-character form of a 15-character Salesforce id: each suffix character tells the capitals of five."""
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << i for i, c in enumerate(short[start : start + 5]) if c.isupper())
        suffix += _SUFFIX[bits]
    return short + suffix


def salesforce_ids(prefix: str, numbers: Iterable[int]) -> list[str]:
    """Ids of the records with these running numbers (0 … 62^5 − 1)."""
    head = f"{prefix}{_POD}0000"
    fixed = case_safe(head + "00000")[15:17]
    out = []
    for number in numbers:
        rest, low = divmod(number + 1, 3844)
        high, middle = divmod(rest, 3844)
        text_middle, bits_middle = _PAIRS[middle]
        text_low, bits_low = _PAIRS[low]
        first = _DIGITS[high]
        bits = first.isupper() | bits_middle << 1 | bits_low << 3
        out.append(f"{head}{first}{text_middle}{text_low}{fixed}{_SUFFIX[bits]}")
    return out


def hubspot_ids(object_type: str, numbers: Iterable[int]) -> list[str]:
    """Ids of the records with these running numbers: numeric text with gaps, rising with creation."""
    first = _HUBSPOT_FIRST[object_type]
    return [str(first + 7 * number) for number in numbers]
