"""The people of the demo school that never change role: who they are, and what they log in with.

Tests, guides and outside checks all read them here. The rest of the school is drawn, in `population`.
"""

from __future__ import annotations

from app.demo.empty_lists import WITHOUT_PUPILS
from app.demo.member import Contact, Earlier, Member
from app.demo.schools import BOEGESKOLEN, EGESKOLEN
from app.models.credentials import Authorisation
from app.models.people import Category, PasswordType, Relation, RightKind, Role

PUPIL = (Category.PUPIL,)
EMPLOYEE = (Category.EMPLOYEE,)
CONTACT = (Category.CONTACT,)

ANNA = Member(
    word="anna",
    given_name="Anna",
    family_name="Holm",
    username="anna1001",
    role="pupil",
    described="elev i 2.B på Egeskolen, uden MitID",
    described_en="pupil in 2.B at Egeskolen, no MitID",
    is_woman=True,
    age=8,
    school=EGESKOLEN,
    class_name="2.B",
    categories=PUPIL,
    pictures=("ugle", "kage", "sol", "bamse"),
    authorisation=Authorisation.TEACHER,
)
IDA = Member(
    word="ida",
    given_name="Ida",
    family_name="Krogh",
    username="idak1002",
    role="pupil",
    described="elev i 5.A på Egeskolen, uden MitID",
    described_en="pupil in 5.A at Egeskolen, no MitID",
    is_woman=True,
    age=11,
    school=EGESKOLEN,
    class_name="5.A",
    categories=PUPIL,
    password="maanesten",
)
BO = Member(
    word="bo",
    given_name="Bo",
    family_name="Lind",
    username="boli1003",
    role="pupil",
    described="elev i 8.A på Egeskolen, har MitID",
    described_en="pupil in 8.A at Egeskolen, has MitID",
    is_woman=False,
    age=14,
    school=EGESKOLEN,
    class_name="8.A",
    categories=PUPIL,
    password="KanelTrappe58",
    has_mitid=True,
    earlier=(
        Earlier(PasswordType.WORDS, "fjerkompas", Authorisation.GUARDIAN, 900, 410),
        Earlier(PasswordType.WORDS_DIGITS, "PudeKanin31", Authorisation.TEACHER, 410, 40),
    ),
)
CARLA = Member(
    word="carla",
    given_name="Carla",
    family_name="Juhl",
    username="carl2001",
    role="teacher",
    described="lærer for 2.B og 5.A på Egeskolen",
    described_en="teacher of 2.B and 5.A at Egeskolen",
    is_woman=True,
    age=38,
    school=EGESKOLEN,
    categories=EMPLOYEE,
    roles=(Role.LAERER,),
    groups=("2.B", "5.A"),
    password="TavleVindue64",
    has_mitid=True,
)
DAN = Member(
    word="dan",
    given_name="Dan",
    family_name="Holm",
    username="danh3001",
    role="guardian",
    described="far til Anna; kontakt til Ida, uden forældremyndighed",
    described_en="father of Anna; contact of Ida, without custody",
    is_woman=False,
    age=41,
    school=EGESKOLEN,
    categories=CONTACT,
    contact_of=(Contact("anna", Relation.FAR, True), Contact("ida", Relation.ANDET, False)),
    password="HavreSejlbaad72",
    has_mitid=True,
)
EVA = Member(
    word="eva",
    given_name="Eva",
    family_name="Norup",
    username="evan4001",
    role="administrator",
    described="brugeradministrator på Egeskolen",
    described_en="user administrator at Egeskolen",
    is_woman=True,
    age=52,
    school=EGESKOLEN,
    categories=EMPLOYEE,
    roles=(Role.TAP,),
    right=RightKind.USER_ADMINISTRATOR,
    password="KontorKaktus39",
    has_mitid=True,
)
FINN = Member(
    word="finn",
    given_name="Finn",
    family_name="Brask",
    username="finn5001",
    role="teacher",
    described="lærer for 2.B og 5.A på Bøgeskolen",
    described_en="teacher of 2.B and 5.A at Bøgeskolen",
    is_woman=False,
    age=46,
    school=BOEGESKOLEN,
    categories=EMPLOYEE,
    roles=(Role.LAERER,),
    groups=("2.B", "5.A"),
    password="BirkeSpand45",
    has_mitid=True,
    note="must never get at Egeskolen",
)
GRY = Member(
    word="gry",
    given_name="Gry",
    family_name="Toft",
    username="gryt6001",
    role="supporter",
    described="support",
    described_en="support",
    is_woman=True,
    age=33,
    right=RightKind.SUPPORTER,
    password="LampeMuffin83",
    has_mitid=True,
)

PROTECTED = Member(
    word="protected",
    given_name="Sofia",
    family_name="Dahlgaard",
    username="maja1004",
    role="pupil",
    described="elev i 2.B på Egeskolen, navnebeskyttet",
    is_woman=True,
    age=8,
    school=EGESKOLEN,
    class_name="2.B",
    categories=PUPIL,
    pictures=("tog", "banan", "hat", "fisk"),
    authorisation=Authorisation.TEACHER,
    alias=("Maja", "Skov"),
    note="protected: only the alias may be seen",
)
MARKED = Member(
    word="marked",
    given_name="Viggo",
    family_name="Bæk",
    username="vigg1005",
    role="pupil",
    described="elev i 5.B på Egeskolen, har billeder",
    described_en="pupil in 5.B at Egeskolen, has pictures",
    is_woman=False,
    age=11,
    school=EGESKOLEN,
    class_name="5.B",
    categories=PUPIL,
    pictures=("raket", "drage", "gulerod", "noegle"),
    marked=PasswordType.PICTURES,
    authorisation=Authorisation.TEACHER,
    note="marked for pictures, where the level gives words",
)
NAMELESS = Member(
    word="nameless",
    given_name="Yusuf",
    family_name="Al-Khatib",
    username=None,
    role="pupil",
    described="elev i 3.A på Egeskolen, har aldrig haft et brugernavn",
    is_woman=False,
    age=9,
    school=EGESKOLEN,
    class_name="3.A",
    categories=PUPIL,
    note="never had a username",
)
STAGE = Member(
    word="stage",
    given_name="Liva",
    family_name="Østergaard",
    username="liva1007",
    role="pupil",
    described="elev i 4.A på Egeskolen, skal snart skifte billeder til ord",
    described_en="pupil in 4.A at Egeskolen, soon to change pictures for words",
    is_woman=True,
    age=10,
    school=EGESKOLEN,
    class_name="4.A",
    categories=PUPIL,
    pictures=("cykel", "regnbue", "elefant", "saks"),
    set_days_ago=430,
    stage_days_left=20,
    authorisation=Authorisation.TEACHER,
    note="in level 4 since this summer; the picture password is on its 30 days",
)
EXPIRING = Member(
    word="expiring",
    given_name="Kirsten",
    family_name="Aagaard",
    username="kirs417k",
    role="employee",
    described="pædagog på Egeskolen, skal snart skifte adgangskode",
    described_en="pedagogue at Egeskolen, must soon change password",
    is_woman=True,
    age=57,
    school=EGESKOLEN,
    categories=EMPLOYEE,
    roles=(Role.PAEDAGOG,),
    groups=("SFO",),
    password="KludeDukke67",
    age_days_left=10,
    has_mitid=True,
    note="the password expires in ten days; an old-style username",
)
BOTH = Member(
    word="both",
    given_name="Mette",
    family_name="Vang Iversen",
    username="mett2003",
    role="teacher",
    described="lærer for 6.B på Egeskolen og mor til Marius i 1.A",
    described_en="teacher of 6.B at Egeskolen and mother of Marius in 1.A",
    is_woman=True,
    age=36,
    school=EGESKOLEN,
    categories=(Category.EMPLOYEE, Category.CONTACT),
    roles=(Role.LAERER,),
    groups=("6.B",),
    contact_of=(Contact("child_of_both", Relation.MOR, True),),
    password="KridtPandekage52",
    has_mitid=True,
    note="both teacher and parent at the same school",
)
CHILD_OF_BOTH = Member(
    word="child_of_both",
    given_name="Marius",
    family_name="Vang Iversen",
    username="mari1008",
    role="pupil",
    described="elev i 1.A på Egeskolen",
    is_woman=False,
    age=7,
    school=EGESKOLEN,
    class_name="1.A",
    categories=PUPIL,
    pictures=("guitar", "aeble", "blomst", "bil"),
    authorisation=Authorisation.GUARDIAN,
)
PARENT = Member(
    word="parent",
    given_name="Hanne",
    family_name="Riis",
    username="hann3002",
    role="guardian",
    described="mor til Alba i 1.B og Otto i 6.A på Egeskolen",
    described_en="mother of Alba in 1.B and Otto in 6.A at Egeskolen",
    is_woman=True,
    age=39,
    school=EGESKOLEN,
    categories=CONTACT,
    contact_of=(Contact("alba", Relation.MOR, True), Contact("otto", Relation.MOR, True)),
    password="GulvKoral68",
    has_mitid=True,
    note="parent of two, with custody of both",
)
ALBA = Member(
    word="alba",
    given_name="Alba",
    family_name="Riis",
    username="alba1009",
    role="pupil",
    described="elev i 1.B på Egeskolen, uden MitID",
    is_woman=True,
    age=7,
    school=EGESKOLEN,
    class_name="1.B",
    categories=PUPIL,
    pictures=("fisk", "raket", "sol", "kage"),
    authorisation=Authorisation.TEACHER,
)
OTTO = Member(
    word="otto",
    given_name="Otto",
    family_name="Riis",
    username="otto1010",
    role="pupil",
    described="elev i 6.A på Egeskolen, uden MitID",
    is_woman=False,
    age=12,
    school=EGESKOLEN,
    class_name="6.A",
    categories=PUPIL,
    password="tapetkrukke",
)
ALIASED = Member(
    word="aliased",
    given_name="Freja",
    family_name="Toldstrup",
    username="clar1015",
    role="pupil",
    described="elev i 9.A på Egeskolen, navnebeskyttet, har MitID",
    described_en="pupil in 9.A at Egeskolen, name protected; MitID tells the real name",
    is_woman=True,
    age=15,
    school=EGESKOLEN,
    class_name="9.A",
    categories=PUPIL,
    password="HylderAnker57",
    alias=("Clara", "Berg"),
    has_mitid=True,
    note="protected: only the alias may be seen, while MitID answers with the real name",
)
WITHOUT_CPR = Member(
    word="without_cpr",
    given_name="Astrid",
    family_name="Ekström",
    username="astr2004",
    role="employee",
    described="vikar på Egeskolen, uden CPR-nummer hos MitID",
    described_en="substitute teacher at Egeskolen; MitID has no CPR number",
    is_woman=True,
    age=34,
    school=EGESKOLEN,
    categories=EMPLOYEE,
    roles=(Role.VIKAR,),
    password="KoralBroche94",
    has_mitid=True,
    tells_cpr=False,
    note="MitID answers without a CPR number",
)


def _formula(
    word: str, given_name: str, family_name: str, username: str, is_woman: bool, password: str
) -> Member:
    """Return a pupil of 9.B whose name a spreadsheet would reckon with (S-71)."""
    return Member(
        word=word,
        given_name=given_name,
        family_name=family_name,
        username=username,
        role="pupil",
        described="elev i 9.B på Egeskolen",
        is_woman=is_woman,
        age=15,
        school=EGESKOLEN,
        class_name="9.B",
        categories=PUPIL,
        password=password,
        note="the name begins like a formula",
    )


EQUALS = _formula("equals", "=Emil", "Gram", "emil1011", False, "GlasPerle41")
PLUS = _formula("plus", "+Signe", "Friis", "sign1012", True, "SnorKasket29")
MINUS = _formula("minus", "-Noah", "Winther", "noah1013", False, "KorkBamse86")
AT = _formula("at", "@Alma", "Bruun", "alma1014", True, "UldTallerken73")

FORMULAS = (EQUALS, PLUS, MINUS, AT)
FIXED = (ANNA, IDA, BO, CARLA, DAN, EVA, FINN, GRY)
SPECIAL = (PROTECTED, MARKED, NAMELESS, STAGE, EXPIRING, BOTH, CHILD_OF_BOTH)
AT_MITID = (PARENT, ALBA, OTTO, ALIASED, WITHOUT_CPR)
# Whoever is added goes last: the numbers of those before do not change with it.
CAST = (*FIXED, *SPECIAL, *FORMULAS, *AT_MITID, *WITHOUT_PUPILS)
# Whom the terminal suggests to a newcomer.
SUGGESTED = (*FIXED, STAGE, EXPIRING, MARKED)
