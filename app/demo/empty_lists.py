"""The people whose list in Elevadgang is empty: one for each reason there is (domain 8).

The sixth reason, the wrong button, is Eva's: an administrator who uses the teachers'.
"""

from __future__ import annotations

from app.demo.member import Former, Member
from app.demo.schools import BOEGESKOLEN, EGESKOLEN, LINDESKOLEN
from app.models.people import Category, Role

HOLD = "Tysk 8"
EMPLOYEE = (Category.EMPLOYEE,)

NO_CLASS = Member(
    word="no_class",
    given_name="Nina",
    family_name="Kofoed",
    username="nina2005",
    role="teacher",
    described="lærer på Egeskolen, ikke knyttet til en klasse",
    is_woman=True,
    age=29,
    school=EGESKOLEN,
    categories=EMPLOYEE,
    roles=(Role.LAERER,),
    password="GyngeSolsort48",
    note="empty list: no class in the source system",
)
NOT_TEACHER = Member(
    word="not_teacher",
    given_name="Vera",
    family_name="Mikkelsen",
    username="vera2006",
    role="employee",
    described="vikar i 3.B på Egeskolen",
    is_woman=True,
    age=24,
    school=EGESKOLEN,
    categories=EMPLOYEE,
    roles=(Role.VIKAR,),
    groups=("3.B",),
    password="SnegleHavre27",
    note="empty list: the role is not Lærer",
)
NO_IMPORT = Member(
    word="no_import",
    given_name="Lone",
    family_name="Thygesen",
    username="lone2007",
    role="teacher",
    described="lærer for 1.A på Lindeskolen",
    is_woman=True,
    age=44,
    school=LINDESKOLEN,
    categories=EMPLOYEE,
    roles=(Role.LAERER,),
    groups=("1.A",),
    password="FarvelMelon91",
    note="empty list: the school's newest import was rejected",
)
ENDED = Member(
    word="ended",
    given_name="Poul",
    family_name="Ravn",
    username="poul2008",
    role="employee",
    described="konsulent på Bøgeskolen, var lærer for 4.B på Egeskolen",
    is_woman=False,
    age=61,
    school=BOEGESKOLEN,
    categories=EMPLOYEE,
    roles=(Role.KONSULENT,),
    former=Former(EGESKOLEN, (Role.LAERER,), ("4.B",), days_ago=30),
    password="KompasGarn35",
    note="empty list: the affiliation as a teacher has ended",
)
NOT_MAIN_GROUP = Member(
    word="not_main_group",
    given_name="Hugo",
    family_name="Steen",
    username="hugo2009",
    role="teacher",
    described="lærer for holdet Tysk 8 på Egeskolen",
    is_woman=False,
    age=35,
    school=EGESKOLEN,
    categories=EMPLOYEE,
    roles=(Role.LAERER,),
    groups=(HOLD,),
    password="PaddeTrompet63",
    note="empty list: the only group is a hold, no main group",
)

WITHOUT_PUPILS = (NO_CLASS, NOT_TEACHER, NO_IMPORT, ENDED, NOT_MAIN_GROUP)
