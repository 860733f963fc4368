"""What a course is made of: steps, artefacts, checks, drills. Data only; nothing here acts.

A course is one value, `COURSE`, in the package `course/` of its folder. Beside it lie `steps/`
(what to do), `checks/` (what must hold) and `docs/` (what to read).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from labkit.course.blueprint import Blueprint
from labkit.course.submission import AS_USUAL, ReadingRules, Submission

if TYPE_CHECKING:
    from labkit.course.artefacts import Artefact, Files
    from labkit.remote import Shells


class StepFunction(Protocol):
    """Carries out a step: given the shells of the step's machines, and the artefacts."""

    def __call__(self, shells: Shells, files: Files, /) -> None:
        """`StepFailedError` if it cannot be carried out."""
        ...


@dataclass(frozen=True)
class Beginning:
    """What a step does before anything else, and which machines and steps that alone needs.

    The rest of the step finds it done. In a submission it need not wait for the steps before.
    """

    run: StepFunction
    on: tuple[str, ...]  # of the step's machines
    needs: tuple[str, ...]  # of the steps that the step needs


@dataclass(frozen=True)
class Step:
    """One step of the practical. `run` is given the shells of the machines in `on`.

    Where there is a `beginning`, that is called first, each time.
    """

    number: int
    slug: str
    letter: str
    on: tuple[str, ...]
    run: StepFunction
    needs: tuple[str, ...] = ()  # slugs of the steps whose results this one uses
    artefacts: tuple[Artefact, ...] = ()
    beside: tuple[Artefact, ...] = ()  # brought as well; the step is not made of them
    titles: dict[str, str] = field(default_factory=dict)  # language code -> title
    shows: bool = False  # it shows what holds and brings nothing: a submission does without
    # Takes away what it brought, so that it can be carried out as if for the first time.
    undo: Callable[[Shells], None] | None = None
    beginning: Beginning | None = None

    def title(self, language: str) -> str:
        return self.titles.get(language) or self.titles["en"]

    @property
    def is_the_labs(self) -> bool:
        """Whether nothing of a learner's is in it: it makes machines ready for the others."""
        return not (self.needs or self.artefacts or self.beside)


@dataclass(frozen=True)
class Foundation:
    """What later steps stand on and one artefact gives.

    In a submission that cannot give it, the reference does in its place, once the steps that judge
    the artefact have judged the learner's own.
    """

    artefact: str  # its path in the reference layout
    judged: tuple[str, ...]  # slugs of the steps that judge it
    gives: tuple[str, ...]  # the checks by which it is known to be there
    made_of: tuple[str, ...] = ()  # what else goes into it: paths in the reference layout


@dataclass(frozen=True)
class CheckSpec:
    """What `@check` says about a pytest test.

    `needs` names other checks (`slug.name`) or whole steps (`slug`): when one of them does not
    pass, this one is blocked. A check that `disturbs` stops or loads something: it belongs to
    `grade` and `drill`, never to `check` or to the post-conditions of a step. Its texts are
    English; their translations are in the course's catalogue.
    """

    points: float
    needs: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()  # three levels: a question, the idea, the answer to type
    disturbs: bool = False
    drill: str = ""  # the drill that this check judges, if any
    probes: str = ""  # what exactly is asked, of whom, within which limit
    why: str = ""  # what goes wrong in real life where this does not hold
    # What of a machine beyond its programs it asks about (labkit.lab.parity): power, firewall, ...
    requires: tuple[str, ...] = ()
    # The artefact that it judges (its path), where its step brings that one beside: in a submission
    # without it, a pass would be the reference's.
    judges: str = ""
    limit_s: int = 0  # after which it is ended, and nobody can tell; 0: the grader's own limit


@dataclass(frozen=True)
class Limits:
    """What a drill may cost at one bar; None is not judged. Counts are requests."""

    lost_get: int | None = None
    lost_post: int | None = None
    lost: int | None = None  # both together
    slow_share: float | None = None  # 0 to 1, slower than `Load.slow_s`
    detect_s: float | None = None
    recover_s: float | None = None
    outage_s: float | None = None  # from the fault to the last lost request's arrival
    gap_s: float | None = None  # the longest time without a right answer
    duplicates: int | None = None
    ghosts: int | None = None
    flaps: int | None = None
    uneven: int | None = None  # difference of the servers' shares before the fault
    untrue: int | None = None  # answers that claim something false (`Drill.judge`)
    early: int | None = 0  # lost before the fault, though somebody answered: the service's own


@dataclass(frozen=True)
class Load:
    """An open-loop load. Times in seconds, rate in requests per second."""

    scenario: str  # file in `checks/load/`, without .py
    rate: float = 100.0
    post_share: float = 0.1
    patience_s: float = 5.0
    slow_s: float = 1.0
    workers: int = 1  # processes that share the schedule, 1 to 8; each can keep up with 500/s


@dataclass(frozen=True)
class Aim:
    """What exactly a load asks of the entry machine, as found at the moment of the drill.

    `options` go to the scenario. `unready` says why the service is not whole, "" when it is; it
    is polled before the load and after it. `address` is one that moves between the machines of the
    lab; "" is the entry machine's own.
    """

    port: int = 80
    scheme: str = "http"
    address: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    unready: Callable[[], str] = lambda: ""


class FindAim(Protocol):
    """Finds where a load goes, and sets it up if need be, for the time of a `with`."""

    def __call__(self, shells: Shells, /) -> AbstractContextManager[Aim]:
        """`CannotTellError` or `NotMetError` if there is nothing to load."""
        ...


class Fault(Protocol):
    """Breaks something, having armed its end on the machine itself before."""

    def __call__(self, shells: Shells, /, *, heal_after: float) -> int | None:
        """How many servers it takes away, for `heal_after` seconds; None if nobody can say."""
        ...


@dataclass(frozen=True)
class PowerCut:
    """The fault that no machine can heal by itself: it is without power, and then boots again."""

    machine: str
    servers: int = 1  # that it takes away


class Request(Protocol):
    """What became of one request, as a judge is shown it (`labkit.load.rows.Row`)."""

    @property
    def scheduled(self) -> float: ...
    @property
    def ended(self) -> float: ...
    @property
    def method(self) -> str: ...
    @property
    def server(self) -> str: ...
    @property
    def error(self) -> str: ...
    @property
    def ok(self) -> bool: ...


class Glance(Protocol):
    """The states of the servers at one moment (`labkit.load.readings.Reading`)."""

    @property
    def at(self) -> float: ...
    @property
    def states(self) -> Mapping[str, str]: ...


class Outage(Protocol):
    """When a fault took effect, and until when it surely lasted; epoch seconds."""

    @property
    def at(self) -> float: ...
    @property
    def sure_until(self) -> float: ...


class Judge(Protocol):
    """Counts what a load alone cannot know to be wrong: answers that claim what was not so."""

    def __call__(
        self, requests: Sequence[Request], seen: Sequence[Glance], outage: Outage, /
    ) -> int:
        """`CannotTellError` if such an answer could not have been seen."""
        ...


@dataclass(frozen=True)
class Drill:
    """Load, fault and thresholds; the fault carries its own expiry."""

    name: str
    titles: dict[str, str]
    step: str  # the slug of the step that it belongs to
    entry: str  # the machine that is loaded
    load: Load
    fault: Fault | PowerCut
    limits: dict[str, Limits]  # bar ("course", that of the distinction) -> limits
    aim: FindAim | None = None  # None: the page on port 80
    watched: bool = True  # whether the course's watcher follows the entry machine
    # What the watcher is told: words of its command line.
    watching: Callable[[Shells], Sequence[str]] = lambda _shells: ()
    fault_at_s: float = 5.0
    heal_after_s: float = 10.0
    duration_s: float = 26.0
    restore_s: float = 30.0  # after the heal was due: a container restarts in 4 s, a machine in 20
    control: bool = False  # nothing is broken, and no fault drawn
    mention: bool = False  # asked for the mention, beside the drills that are worth points
    # Half of the loss is not masked: it must be rate / servers x detection time.
    predictable: bool = False
    # The latest detection (s) that the balancer's own settings allow for this fault, None if
    # they allow any.
    promise: Callable[[Shells], float | None] | None = None
    judge: Judge | None = None
    # Brings back what the fault took away and did not come back.
    restore: Callable[[Shells], None] | None = None
    # The ids of the POSTs that the servers have executed, one per execution: called with the word
    # that the ids of this run begin with, too.
    executed: Callable[[Shells, str], Sequence[str]] | None = None

    def title(self, language: str) -> str:
        return self.titles.get(language) or self.titles["en"]


@dataclass(frozen=True)
class Mutation:
    """A small fault that a learner could make, planted by a program into a right artefact.

    `mutate` is given the artefact's text and yields each changed text that it can make of it,
    none if it finds nothing to change. `caught_by` is the check that must fail, as the root
    cause, for every one of them; `also` are others that fail rightly, where one artefact is that of
    several machines. A mutant with a reason in `equivalent` behaves like its original: nothing may
    fail.
    """

    name: str  # ARTEFACT-SLUG.WHAT, as "haproxy.no-check"
    artefact: str  # its path in the reference layout, as "haproxy/haproxy.cfg"
    caught_by: str
    mutate: Callable[[str], Iterable[str]]
    why: str  # one sentence: what a learner would have done
    equivalent: str = ""
    also: tuple[str, ...] = ()


class Says(Protocol):
    """What a tool says of a submission: "" if it accepts it, else its words.

    None where it has nothing to say: what it reads was not handed in, or the tool is not there.
    """

    def __call__(self, submission: Submission, shells: Shells, /) -> str | None: ...


@dataclass(frozen=True)
class Opinion:
    """A tool that is not ours, which judges what a check of the course judges.

    `labkit verify` asks it after the case was graded, on its machines. Of a tool that reads the
    `whole` of what the check asks for, both must say the same; of one that reads a part, it must
    only not refuse what the check passes.
    """

    tool: str  # as one types it
    check: str
    says: Says
    whole: bool = False


class Recognise(Protocol):
    """Says what the files of a submission are."""

    def __call__(
        self,
        files: Mapping[str, bytes],
        reference: Path,
        reading: ReadingRules = AS_USUAL,
        /,
        *,
        executable: Collection[str] = (),
    ) -> Submission:
        """With `reference`, the folder of the reference artefacts, for what is missing.

        `executable` are those of the files that may be executed where they come from.
        """
        ...


def _as_it_is(
    files: Mapping[str, bytes],
    _reference: Path,
    reading: ReadingRules = AS_USUAL,
    *,
    executable: Collection[str] = (),
) -> Submission:
    """A submission of a course that recognises nothing in it."""
    return Submission(files, fill=reading.fill, executable=frozenset(executable))


class CarryForward(Protocol):
    """Puts the reference's artefact in the place of a submission's own, fitted to its names."""

    def __call__(self, submission: Submission, artefact: str, reference: Path, /) -> Submission:
        """`artefact` is the path in the reference layout, `reference` the references' folder."""
        ...


def _none_of_it(submission: Submission, _artefact: str, _reference: Path) -> Submission:
    """Of a course without foundations nothing is carried forward."""
    return submission


@dataclass(frozen=True)
class Trait:
    """What differs from one learner's variant to another's: each has one of these values.

    The values are words that nobody writes by chance; whoever has one in the artefact has it from
    a variant.
    """

    name: str
    artefact: str  # its path in the reference layout: the file in which the value stands
    values: Sequence[str]
    titles: dict[str, str]
    statements: dict[str, str]  # language -> what the learner is told, with {value}

    def title(self, language: str) -> str:
        return self.titles.get(language) or self.titles["en"]

    def statement(self, value: str, language: str) -> str:
        """What a learner with this value is told."""
        return (self.statements.get(language) or self.statements["en"]).format(value=value)


class Personal(Protocol):
    """Makes the given files of a variant."""

    def __call__(self, values: Mapping[str, str], /) -> Mapping[str, bytes]:
        """Trait -> its value; path in the starter -> what stands there instead."""
        ...


def _alike(_values: Mapping[str, str]) -> Mapping[str, bytes]:
    """Of a course whose given files are the same for everybody."""
    return {}


@dataclass(frozen=True)
class Course:
    """A course, as it describes itself. `points_max` is the sum over the steps' checks.

    `root` is its folder. `checks` gives its modules of checks, `test_NN_SLUG`, as pytest finds
    them too: a function, since what checks import takes long and most commands need none of it.
    """

    name: str
    root: Path
    titles: dict[str, str]
    blueprint: Blueprint  # its machines, and the images of its mirror
    steps: Sequence[Step]
    points_max: float
    distinction: str = ""  # the bar beyond the mark, if the course has one
    checks: Callable[[], Sequence[ModuleType]] = tuple
    drills: Sequence[Drill] = ()
    recognise: Recognise = _as_it_is
    # Waits, with a limit of its own, until what was just started on these machines answers.
    settle: Callable[[Shells], None] = lambda _shells: None
    foundations: Sequence[Foundation] = ()  # in the order of the steps that judge them
    carry_forward: CarryForward = _none_of_it
    mutations: Sequence[Mutation] = ()
    opinions: Sequence[Opinion] = ()
    given: Sequence[str] = ()  # files of the project that are not the learner's to write
    survey: Mapping[str, str] = field(default_factory=dict)  # heading -> question to a machine
    traits: Sequence[Trait] = ()  # in which the variants of learners differ
    personal: Personal = _alike

    def artefacts_of(self, step: Step) -> set[str]:
        """The artefacts that a step is made of: its own, or else those of what it needs."""
        own = {artefact.path for artefact in step.artefacts}
        if own:
            return own
        needed = (self.step(slug) for slug in step.needs)
        return set().union(*(self.artefacts_of(step) for step in needed if step))

    def step(self, name: str) -> Step | None:
        """The step with this number, letter or slug, or None."""
        wanted = name.strip().lower()
        for step in self.steps:
            if wanted in (str(step.number), step.letter, step.slug):
                return step
        return None
