"""In which order the pupils stand: the Danish alphabet's, whatever the database takes for one."""

from __future__ import annotations

from sqlalchemy import select, update

from app.domain.elevadgang import pupils
from app.models.people import Affiliation, Group, User
from tests.cast import CARLA, EVA
from tests.domain.helping import Helping

NAMES = ["Åse", "Ærø", "Øjvind", "Aage", "Anna", "Zacharias", "Århus", "anna-Sofie", "Ádám"]
# Aa is å; an accent counts for nothing; small letters stand among the large.
IN_ORDER = ["Ádám", "Anna", "anna-Sofie", "Zacharias", "Ærø", "Øjvind", "Aage", "Århus", "Åse"]


def rename(helping: Helping, class_name: str) -> None:
    """Give the first pupils of a class the names to put in order, and the others one that comes last."""
    with helping.acts.writing() as (db, _now):
        ids = db.scalars(
            select(User.id)
            .join(Affiliation, Affiliation.user_id == User.id)
            .join(Group, Group.id == Affiliation.main_group_id)
            .where(Group.name == class_name, Group.institution_id == helping.school_id())
            .order_by(User.id)
        ).all()
        for number, id in enumerate(ids):
            name = NAMES[number] if number < len(NAMES) else f"Ååse {number:02}"
            changed = {"given_name": name, "family_name": "Ås", "is_protected": False}
            db.execute(update(User).where(User.id == id).values(changed))


def test_a_class_stands_in_the_order_of_the_danish_alphabet(helping: Helping) -> None:
    rename(helping, "5.A")
    area = helping.area(CARLA, "5.A")
    with helping.reading() as db:
        listed = pupils.list_class(db, area, helping.acts.now())
    assert [one.given_name for one in listed.pupils][: len(NAMES)] == IN_ORDER


def test_an_institution_does_too_class_by_class_and_from_page_to_page(helping: Helping) -> None:
    rename(helping, "5.A")
    area, now = helping.area(EVA, None), helping.acts.now()
    with helping.reading() as db:
        group_id = helping.area(CARLA, "5.A").group_id
        first = pupils.list_institution(db, area, now, group_id=group_id)
        assert [one.given_name for one in first.pupils][: len(NAMES)] == IN_ORDER
        pages = [pupils.list_institution(db, area, now, page=number).pupils for number in range(1, 30)]
    seen = [(one.group_name, one.uni_id) for page in pages for one in page]
    classes = list(dict.fromkeys(name for name, _uni_id in seen))
    assert [name for name, _uni_id in seen] == sorted((name for name, _ in seen), key=classes.index)
    assert len(seen) == len(set(seen)) == first.total
    of_class = [one.given_name for page in pages for one in page if one.group_name == "5.A"]
    assert of_class[: len(NAMES)] == IN_ORDER
