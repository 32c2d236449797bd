"""Words and signs that the terminal and the screen share."""

from __future__ import annotations

import unicodedata

from app.engine import events
from app.observation import State
from app.texts import Text, text
from app.view import components

SIGNS = {State.PASSED: "+", State.WARNING: "!", State.BLOCKED: "x", State.UNKNOWN: "?"}
QUIET = (events.StepProgress, events.Heartbeat, events.Plan, events.QuestionAsked)
"""Events that no log shows: they move bars and clocks."""


def state_word(state: State) -> Text:
    """Return the word for a state."""
    return {
        State.PASSED: text("passed"),
        State.WARNING: text("warning"),
        State.BLOCKED: text("blocked"),
        State.UNKNOWN: text("unknown"),
    }[state]


RUN_WORDS = {
    "running": text("going on"),
    "interrupted": text("broken off"),
    "lost": text("silent for too long"),
    "done": text("done"),
    "failed": text("failed"),
    "stopped": text("stopped"),
    "undone": text("undone"),
    "needs-you": text("needs you"),
    "waiting": text("waits for a person"),
    "blocked": text("blocked"),
    "busy": text("busy"),
    "refused": text("refused"),
    "unknown": text("unknown"),
}
PHASE_WORDS = {
    "intent": text("begun"),
    "done": text("done"),
    "failed": text("failed"),
    "skipped": text("left out"),
    "kept": text("still good from before"),
    "abandoned": text("did not stop in time"),
    "undoing": text("being undone"),
    "undone": text("undone"),
}
POOL_KIND_WORDS = {
    "linked-clone": text("linked clones"),
    "full-clone": text("full clones"),
    "manual": text("manual"),
    "terminal": text("terminal servers"),
    "unknown": text("unknown"),
}
SWITCH_WORDS = {"on": text("on"), "off": text("off")}
RUNBOOK_WORDS = {"backup": text("backup")}


def run_word(status: str) -> Text:
    """Return the words for how a run stands or ended; programs are told `status` itself."""
    return RUN_WORDS.get(status, Text(status))


def phase_word(phase: str) -> Text:
    """Return the words for how a step of a run stands in the journal."""
    return PHASE_WORDS.get(phase, Text(phase))


def pool_kind_word(kind: str) -> Text:
    """Return the words for a kind of pools."""
    return POOL_KIND_WORDS.get(kind, Text(kind))


def switch_word(switch: str) -> Text:
    """Return the word for what is on or off."""
    return SWITCH_WORDS.get(switch, Text(switch))


def runbook_word(name: str) -> Text:
    """Return what a runbook is called."""
    return RUNBOOK_WORDS.get(name, Text(name))


COMPONENT_WORDS = {
    components.COMPOSER_DATABASE: text("View Composer database"),
    components.COMPOSER_KEYS: text("RSA keys of View Composer"),
    components.VCENTER_DATABASE: text("vCenter database"),
    components.VCENTER_FILES: text("Files of vCenter Server"),
    components.VSPHERE: text("vSphere: inventory and configuration"),
    components.AD_LDS: text("AD LDS of View"),
    components.EVENT_DATABASE: text("Event and log database"),
    components.README: text("How to restore by hand"),
    "active-directory": text("Active Directory"),
    "transfer-server": text("View Transfer Server"),
    "stateful-desktops": text("Stateful virtual desktops"),
    "thinapp-repository": text("ThinApp repository"),
    "connection-server": text("View Connection Server (the machine)"),
    "security-server": text("View Security Server"),
    "vcenter-server": text("vCenter Server (the machine)"),
    "composer-server": text("View Composer server (the machine)"),
    "esx-hosts": text("ESX hosts"),
    "replica-servers": text("View replica servers"),
    "client-management": text("Vendors' client management servers"),
}


def component_word(key: str) -> Text:
    """Return the name of a component of the paper, or of a part that a backup adds to them; else its key."""
    return COMPONENT_WORDS.get(key, Text(key))


def clean(words: str) -> str:
    """Return words of remote systems without what would steer the terminal."""
    return "".join(letter if letter in "\n\t" or unicodedata.category(letter)[0] != "C" else "�" for letter in words)
