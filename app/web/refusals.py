"""What a trip to MitID that led nowhere says: what happened, that nothing was changed, and a way on."""

from __future__ import annotations

from enum import StrEnum, auto

from werkzeug.wrappers import Response

from app.domain.recovery import Authority
from app.models.recovery import Errand
from app.web.page import page
from app.world import MitIdFault


class Problem(StrEnum):
    """Why somebody is no further than before MitID."""

    CANCELLED = auto()
    TIMED_OUT = auto()
    UNREACHABLE = auto()
    REFUSED = auto()
    GONE = auto()  # used already, too old, or begun in another window
    OTHER_PERSON = auto()
    NO_CUSTODY = auto()
    MAY_NOT_HELP = auto()
    HELPER_BLOCKED = auto()
    NO_CONTACT = auto()  # any more
    UNKNOWN = auto()
    NO_CPR = auto()
    CONFLICT = auto()
    BLOCKED = auto()
    NO_PLACE = auto()
    CHILD_BLOCKED = auto()
    CHILD_NO_PLACE = auto()
    PRIVATE = auto()


FAULTS = {
    MitIdFault.CANCELLED: Problem.CANCELLED,
    MitIdFault.TIMED_OUT: Problem.TIMED_OUT,
    MitIdFault.UNREACHABLE: Problem.UNREACHABLE,
    MitIdFault.REFUSED: Problem.REFUSED,
}
# What an adult has lost who began to help, and may no longer.
LOST = {
    Authority.NO_CUSTODY: Problem.NO_CUSTODY,
    Authority.MAY_NOT_HELP: Problem.MAY_NOT_HELP,
    Authority.BLOCKED: Problem.HELPER_BLOCKED,
    Authority.NONE: Problem.NO_CONTACT,
}
STATUS = {Problem.UNREACHABLE: 503, Problem.GONE: 410}
# Where another try with the same MitID would end in the same way.
FINAL = {
    Problem.UNKNOWN,
    Problem.NO_CPR,
    Problem.CONFLICT,
    Problem.BLOCKED,
    Problem.HELPER_BLOCKED,
    Problem.NO_PLACE,
    Problem.CHILD_BLOCKED,
    Problem.CHILD_NO_PLACE,
    Problem.PRIVATE,
}
# What is about a parent and a child, and is explained where the child's password is.
CHILDS = {
    Problem.NO_CUSTODY,
    Problem.MAY_NOT_HELP,
    Problem.HELPER_BLOCKED,
    Problem.NO_CONTACT,
    Problem.CHILD_BLOCKED,
    Problem.CHILD_NO_PLACE,
}
ADDRESSES = {
    Errand.PASSWORD: "mitid.for_password",
    Errand.USERNAME: "mitid.for_username",
    Errand.LOGIN: "mitid.for_login",
}


def refused(
    problem: Problem, errand: Errand | None, username: str | None = None, half_done: str | None = None
) -> Response:
    """Answer with why MitID led nowhere.

    `username` is whose password it was about, `half_done` where this browser can go on without the answer.
    """
    has_retry = errand is not None and problem not in FINAL
    return page(
        "mitid/returned.html",
        status=STATUS.get(problem, 422),
        errors=True,
        about="username" if errand is Errand.USERNAME else "child" if problem in CHILDS else "",
        problem=problem.value,
        errand=errand.value if errand else "",
        username=username,
        half_done=half_done,
        retry=ADDRESSES[errand] if errand and has_retry else None,
    )
