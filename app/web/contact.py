"""«Skriv til os»: the form, with guides that may help at once, and the receipt."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, make_response, request, session, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response
from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import ValidationError

from app.domain import contact, people
from app.domain.contact import BODY, LINE, Draft, Outcome, grouped
from app.domain.outbox import Letter
from app.models.contact import Subject, Writer
from app.web.browser import browser
from app.web.fields import N_, Choice, ChoiceField, Filled, Form, OneOf, Short
from app.web.guard import public
from app.web.hours import opening_hours
from app.web.i18n import LANGUAGES, language
from app.web.i18n import gettext as _
from app.web.library import entries, library
from app.web.page import onward, page, site
from app.web.transaction import config, db, keys, now, world

LANG = f"<any({', '.join(LANGUAGES)}):lang>"
# What each is called, in Danish; Elevadgang has the operator's word.
WRITERS = {
    Writer.PUPIL: N_("Elev"),
    Writer.GUARDIAN: N_("Forælder"),
    Writer.TEACHER: N_("Lærer eller pædagog"),
    Writer.STAFF: N_("Administrativt personale"),
    Writer.OTHER: N_("En anden"),
}
SUBJECTS = {
    Subject.LOGIN: N_("Jeg kan ikke logge ind"),
    Subject.USERNAME: N_("Jeg mangler et brugernavn"),
    Subject.PASSWORD: N_("Jeg vil have en ny adgangskode"),
    Subject.USERS: N_("Skolens brugere og kildesystem"),
    Subject.SITE: N_("Siden her, for eksempel noget jeg ikke kan læse eller bruge"),
    Subject.OTHER: N_("Noget andet"),
}
# What may help at once with each subject, at most three.
GUIDES: dict[Subject, tuple[str, ...]] = {
    Subject.LOGIN: ("faa-en-ny-adgangskode", "log-ind-med-billeder", "elever-uden-mitid"),
    Subject.USERNAME: ("find-dit-brugernavn-med-mitid", "find-dit-brugernavn-uden-mitid"),
    Subject.PASSWORD: ("faa-en-ny-adgangskode", "skift-din-adgangskode", "skift-dit-barns-adgangskode"),
    Subject.ELEVADGANG: ("giv-en-elev-en-ny-adgangskode", "faa-adgang-til-elevadgang"),
    Subject.USERS: (
        "tilknyt-brugere-gennem-skolens-system",
        "tilknyt-brugere-gennem-elevadministration",
        "skift-af-kildesystem",
    ),
    Subject.SITE: (),
    Subject.OTHER: (),
}
# Asked while somebody types an institution's name.
FEWEST_LETTERS = 2
# Chosen by whoever means none of the institutions that fit; no institution is called so.
NONE_OF_THEM = "-"
# Comes with the suggestions, and takes the place of the field of the same name in the form.
SUGGESTED = Markup('<input type="hidden" id="suggested" name="suggested" value="1" hx-swap-oob="true">')
# In the signed cookie of the forms: the number of the case that this browser sent last, and whether a CPR
# number was removed from it.
PLACE = "case"

blueprint = Blueprint("contact", __name__)


class Address:
    """Refuses what no mail can be sent to."""

    def __call__(self, form: Form, field: StringField) -> None:
        """Check one field.

        Raises:
            ValidationError: it is no address.

        """
        if contact.address(field.data or "") is None:
            raise ValidationError(_("Skriv en hel mailadresse, for eksempel navn@skole.dk."))


class ContactForm(Form):
    """A message to support; the fields in the order of the page, which is that of its errors."""

    subject = ChoiceField(validators=[OneOf(tuple(Subject), N_("Vælg, hvad det handler om."))])
    name = StringField(
        validators=[Filled(N_("Skriv dit navn.")), Short(LINE, N_("Skriv højst %(most)s tegn."))]
    )
    mail = StringField(validators=[Filled(N_("Skriv din mailadresse.")), Address()])
    writer = ChoiceField(validators=[OneOf(tuple(Writer), N_("Vælg, hvem du er."))])
    institution = StringField(validators=[Short(LINE, N_("Skriv højst %(most)s tegn."))])
    fitting = ChoiceField()
    # Filled in by the answer of `institutions`: whoever has been shown suggestions is not asked once more.
    suggested = HiddenField()
    text = TextAreaField(
        validators=[
            Filled(N_("Skriv, hvad vi kan hjælpe med.")),
            Short(BODY, N_("Skriv højst %(most)s tegn.")),
        ]
    )
    operation = HiddenField()

    def free(self) -> bool:
        """Take CPR numbers out before a text is kept or shown again (S-72); returns whether it held any."""
        self.name.data, in_name = contact.line(self.name.data or "")
        self.institution.data, in_institution = contact.line(self.institution.data or "")
        self.text.data, in_text = contact.body(self.text.data or "")
        return in_name or in_institution or in_text


@blueprint.get(f"/{LANG}/kontakt")
@public
def form(lang: str) -> Response:
    """Show the form."""
    blank = ContactForm(formdata=None)
    blank.operation.data = world().dice.token()
    return _page(blank)


@blueprint.post(f"/{LANG}/kontakt")
@public
def sent(lang: str) -> Response:
    """Take a message."""
    filled = ContactForm()
    had_number = filled.free()
    is_valid = filled.validate()
    fitting = [] if filled.suggested.data or filled.institution.errors else _settle_institution(filled)
    if fitting or not is_valid:
        return _page(filled, status=422, had_number=had_number, fitting=fitting)
    answer = contact.take(
        db(),
        keys(),
        world().dice,
        Draft(
            filled.name.data or "",
            contact.address(filled.mail.data or "") or "",
            Writer(filled.writer.data or ""),
            filled.institution.data or "",
            Subject(filled.subject.data or ""),
            filled.text.data or "",
        ),
        operation=filled.operation.data or world().dice.token(),
        network=browser().public_network,
        language=lang,
        host=config().public_url.partition("://")[2].partition(":")[0],
        letters=_letters,
        now=now(),
    )
    if answer.outcome is Outcome.TOO_MANY:
        return _page(filled, status=429, had_number=had_number)
    session[PLACE] = [answer.number, had_number]
    return onward("contact.received", lang=lang)


@blueprint.get(f"/{LANG}/kontakt/modtaget")
@public
def received(lang: str) -> Response:
    """Show the number of the case that this browser has just sent."""
    number, had_number = session.get(PLACE) or ("", False)
    if not number:
        return onward("contact.form", lang=lang)
    return page(
        "contact/received.html",
        number=grouped(number),
        had_number=had_number,
        sends_mail=config().mail.is_written,
        hours=opening_hours(),
    )


@blueprint.get(f"/{LANG}/kontakt/institutioner")
@public
def institutions(lang: str) -> Response:
    """Suggest institutions by the letters of their names, as the options of a list."""
    typed = " ".join(request.args.get("institution", "")[:LINE].split())
    names = people.list_institution_names(db(), typed) if len(typed) >= FEWEST_LETTERS else []
    options = Markup("").join(Markup('<option value="{}"></option>').format(name) for name in names)
    answer: Response = make_response(options + SUGGESTED if names else "")
    return answer


def _settle_institution(filled: ContactForm) -> list[str]:
    """Put the one institution that is meant in the place of what was typed; returns those to choose from."""
    typed, chosen = filled.institution.data or "", filled.fitting.data
    if chosen == NONE_OF_THEM or len(typed) < FEWEST_LETTERS:
        return []
    names = list(dict.fromkeys(people.list_institution_names(db(), typed)))
    meant = [name for name in names if name == chosen or name.casefold() == typed.casefold()]
    # The only name with these letters is meant if a word of it begins so; inside a word they may be chance.
    if len(names) == 1 and f" {typed}".casefold() in f" {names[0]}".casefold():
        meant = names
    if names and not meant:
        filled.fitting.errors = [_("Vælg, hvilken skole eller institution du mener.")]
        return names
    if names:
        filled.institution.data = chosen if chosen in meant else meant[0]
    return []


def _page(
    filled: ContactForm, status: int = 200, *, had_number: bool = False, fitting: Sequence[str] = ()
) -> Response:
    found = library()
    return page(
        "contact/form.html",
        status=status,
        form=filled,
        is_too_many=status == 429,
        had_number=had_number,
        writers=[Choice(one, _(WRITERS[one])) for one in Writer],
        subjects=[
            Choice(
                one.value,
                _(_subject_text(one)),
                tuple(entries(found.guides[slug] for slug in GUIDES[one] if slug in found.guides)),
            )
            for one in Subject
        ],
        fitting=[*(Choice(one, one) for one in fitting), Choice(NONE_OF_THEM, _("Ingen af dem"))]
        if fitting
        else [],
        hours=opening_hours(),
    )


def _subject_text(subject: Subject) -> str:
    """Return what a subject is called, in Danish: a message of the catalogues, or the operator's own word."""
    return site().elevadgang if subject is Subject.ELEVADGANG else SUBJECTS[subject]


def _letters(number: str, kept: Draft, may_receive: bool) -> list[Letter]:
    """Write the mails: one to the operator, and a receipt that holds no word of the writer's.

    Anybody's address may be given in the form, and nobody is to send others words of their own through us.
    """
    settings, names = config().mail, site()
    if not settings.is_written:
        return []
    # The operator's people read Danish, whatever language was written in.
    rows = (
        f"Sag: {grouped(number)}",
        f"Navn: {kept.name}",
        f"Mail: {kept.mail}",
        f"Rolle: {WRITERS[kept.writer]}",
        f"Institution: {kept.institution or '-'}",
        f"Emne: {_subject_text(kept.subject)}",
        f"Sprog: {language()}",
    )
    subject = f"{names.brand}: sag {grouped(number)}"
    found = [Letter(settings.recipient, subject, "\n".join(rows) + f"\n\n{kept.body}\n", kept.mail)]
    if may_receive:
        lines = (
            _("Vi har fået din besked."),
            _("Dit sagsnummer er %(number)s.", number=grouped(number)),
            _("Vi svarer på denne mailadresse."),
            _(
                "Haster det, så ring på telefon %(phone)s. Hav dit sagsnummer klar.",
                phone=names.support_phone,
            ),
            _("Har du ikke skrevet til os, kan du se bort fra denne mail."),
        )
        title = _("Vi har fået din besked (sag %(number)s)", number=grouped(number))
        body = "\n\n".join(
            (*lines, names.brand, config().public_url + url_for("support.front", lang=language()))
        )
        found.append(Letter(kept.mail, title, body + "\n"))
    return found
