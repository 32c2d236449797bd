"""Parts that the program does not do by calling a step: a person's turn, and the release of what is held on purpose."""

from __future__ import annotations

import msgspec

from app.engine import events
from app.engine.closing import Closer
from app.engine.effects import Leaving, Skipped, bring_to_proof, look
from app.engine.journal import Effect
from app.engine.prompter import GuidedCard, Stay
from app.engine.session import Branch, Session
from app.engine.step import Guided, Json, Release
from app.errors import UserError
from app.observation import Observation, State, could_not_look
from app.texts import NOTHING, text


class Turn:
    """A person's turn: the proof is looked at until it is there, skipped, or left for later."""

    def __init__(self, session: Session, branch: Branch, guided: Guided) -> None:
        self._session, self._branch, self._guided = session, branch, guided
        self._ctx = session.context(branch, guided)
        self.unclear, self.intended, self.tries = False, False, 0
        self.kept: Effect | None = None

    def go(self) -> Json:
        self.tries += 1
        self._branch.check_stop()
        self._branch.redone = True
        self._session.intend(self._branch, self._guided, {}, None)
        self.intended = True
        shown = NOTHING
        while (proof := self._proof()).state not in (State.PASSED, State.WARNING):
            if proof.found != shown:
                shown = proof.found
                instructions = self._guided.instructions
                self._session.tell_of(events.GuidedWaits, self._guided, instructions=instructions, found=shown)
            self._stay(proof)
            self._ctx.wait(self._session.patience.guided)
        if proof.state is State.WARNING:
            self._ctx.warn(proof.found)
        evidence: Json = msgspec.to_builtins(proof)
        return evidence

    def _proof(self) -> Observation:
        guided = self._guided
        try:
            return look(self._session, guided, self._ctx, lambda: guided.prove(self._ctx))
        except UserError as error:
            return could_not_look(guided.key, error)

    def _stay(self, proof: Observation) -> None:
        """Ask whether the window is still open; raise Leaving or Skipped where it is not."""
        session, guided = self._session, self._guided
        card = GuidedCard(guided.key, guided.title, guided.instructions, guided.why, proof, guided.may_skip)
        with session.asking:
            answer = session.given.prompter.guided(card)
        if answer is Stay.LEAVE:
            session.answered(guided.key, guided.instructions, answer)
            raise Leaving
        if answer is Stay.SKIP and guided.may_skip:
            session.answered(guided.key, guided.instructions, answer)
            raise Skipped


class Releasing:
    """Releases what is held: stands where the run has proven that it is safe."""

    def __init__(self, session: Session, branch: Branch, release: Release, closer: Closer) -> None:
        self._session, self._branch, self._release, self._closer = session, branch, release, closer
        self.unclear, self.intended, self.tries = False, False, 0
        self.kept: Effect | None = None

    def go(self) -> Json:
        self.tries += 1
        self._branch.check_stop()
        self._branch.redone = True
        session, release = self._session, self._release
        session.touch()
        session.intend(self._branch, release, {}, None)
        self.intended = True
        held = session.held(release.of)
        if held is None:
            return {"released": False}
        if not self._closer.close(held, last=True, connections=self._branch.connections):
            raise UserError(
                text("It could not be released: {what}", what=held.what_is_off),
                next((one.note for one in session.still_open() if one.number == held.number), NOTHING),
                text("Try again, or do what the commands by hand say."),
            )
        return {"released": True}


def take_turn(session: Session, branch: Branch, guided: Guided) -> None:
    """Wait for a person's work to be proven. Raises Leaving where it is left for later."""
    bring_to_proof(session, branch, guided, Turn(session, branch, guided), guided.may_skip)


def release(session: Session, branch: Branch, part: Release, closer: Closer) -> None:
    """Release what a `hold` bracket holds."""
    bring_to_proof(session, branch, part, Releasing(session, branch, part, closer), may_skip=False)
