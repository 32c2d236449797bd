"""Walking a runbook's tree: what is kept of earlier episodes, brackets that close whatever happens, branches."""

from __future__ import annotations

from app.engine.closing import Closer
from app.engine.effects import carry_out, keep, still_stands
from app.engine.ending import needs_you
from app.engine.guided import release, take_turn
from app.engine.journal import GOOD, Effect, Leave
from app.engine.parallel import side_by_side
from app.engine.runbook import leaves
from app.engine.session import Branch, Session
from app.engine.step import Bracket, Guided, Parallel, Part, Release, Step


class Walk:
    """One walk through a runbook, the first or a resumed one.

    `earlier` holds the last effect of each key from earlier episodes: outside of brackets that close, what still stands
    is kept and what was begun is ended; once something is done anew, so is all that comes after it. Everything inside
    a bracket that closes is done anew, since a set must not mix two freezes."""

    def __init__(self, session: Session, closer: Closer, earlier: dict[str, Effect], released: set[str]) -> None:
        """`released` are the keys of openings whose hold was released by an earlier episode."""
        self._session, self._closer, self._earlier, self._released = session, closer, earlier, released

    def parts(self, branch: Branch, parts: tuple[Part, ...]) -> None:
        """Walk the parts in their order."""
        for part in parts:
            branch.check_stop()
            if isinstance(part, Bracket):
                self._bracket(branch, part)
            elif isinstance(part, Parallel):
                side_by_side(self._session, branch, part, self._closer, self.parts)
            elif isinstance(part, Guided):
                take_turn(self._session, branch, part)
            elif isinstance(part, Release):
                self._release(branch, part)
            else:
                self._step(branch, part)

    def _bracket(self, branch: Branch, bracket: Bracket) -> None:
        if bracket.leave == "hold":
            self._holding(branch, bracket)
            return
        key = bracket.opening.key
        closed = True
        try:
            carry_out(self._session, branch, bracket.opening, leave="close")  # anew, hence all of its body too
            self.parts(branch, bracket.body)
        finally:
            held = self._session.held(key)
            if held is not None:
                closed = self._closer.close(held, connections=branch.connections)
        if not closed:
            raise needs_you(tuple(held for held in self._session.still_open() if held.key == key))
        self._session.weigh(bracket.opening, 1, "closing")

    def _holding(self, branch: Branch, bracket: Bracket) -> None:
        """What is held stays off after its body. Where an earlier episode has released it, and all of its body still
        stands, it is not held again."""
        opening = bracket.opening
        earlier = self._kept_from(branch, opening.key)
        if earlier and self._released_whole(branch, bracket):
            keep(self._session, opening, earlier, earlier.result)
        else:
            self._step(branch, opening, leave="hold")
        self.parts(branch, bracket.body)

    def _released_whole(self, branch: Branch, bracket: Bracket) -> bool:
        if bracket.opening.key not in self._released:
            return False
        for leaf in leaves(bracket.body):
            earlier = self._kept_from(branch, leaf.key)
            if earlier is None:
                return False
            if not isinstance(leaf, Guided | Release) and still_stands(self._session, branch, leaf, earlier) is None:
                return False
        return True

    def _step(self, branch: Branch, step: Step, *, leave: Leave = "end") -> None:
        earlier = None if branch.redone else self._earlier.get(step.key)
        carry_out(self._session, branch, step, leave=leave, earlier=earlier)

    def _release(self, branch: Branch, part: Release) -> None:
        kept = self._kept_from(branch, part.key)
        if kept is not None and self._session.held(part.of) is None:
            keep(self._session, part, kept, kept.result)
        else:
            release(self._session, branch, part, self._closer)

    def _kept_from(self, branch: Branch, key: str) -> Effect | None:
        """Return the earlier effect that may be kept, if it still stands."""
        found = self._earlier.get(key)
        return found if found is not None and found.phase in GOOD and not branch.redone else None
