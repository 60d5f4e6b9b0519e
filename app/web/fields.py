"""Forms: what shape a post has. They never ask the database; the domain decides."""

from __future__ import annotations

from dataclasses import dataclass

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import ValidationError

from app.web import pictures
from app.web.i18n import gettext as _


class Filled:
    """Refuses an empty field with a sentence that says what to do."""

    def __init__(self, sentence: str) -> None:
        """Take the Danish sentence; it is translated when it is needed."""
        self.sentence = sentence

    def __call__(self, form: FlaskForm, field: StringField) -> None:
        """Check one field.

        Raises:
            ValidationError: it is empty.

        """
        if not (field.data or "").strip():
            raise ValidationError(_(self.sentence))


class FourPictures:
    """Refuses picture names that are not four, by what was typed alone, and never repeats it (S-24)."""

    def __call__(self, form: FlaskForm, field: StringField) -> None:
        """Check one field, if it was sent.

        Raises:
            ValidationError: they are not the names of four different pictures.

        """
        if field.data is None or pictures.is_oversized(field.data):
            return
        typed = pictures.read(field.data)
        if typed.is_code:
            return
        if typed.strange:
            raise ValidationError(
                _(
                    "Navn nummer %(number)s er ikke et af billederne. Navnene står under billederne.",
                    number=typed.strange,
                )
            )
        if len(set(typed.ids)) < len(typed.ids):
            raise ValidationError(_("Skriv fire forskellige billeder."))
        raise ValidationError(_("Skriv navnene på fire billeder."))


class ChoiceField(StringField):
    """One of several choices, which the page draws and a validator knows."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several: its value, its words, and rows that may help whoever chooses it."""

    value: str
    text: str
    guides: tuple[object, ...] = ()


class OneOf:
    """Refuses a choice that is none."""

    def __init__(self, values: tuple[str, ...], sentence: str) -> None:
        """Take what there is to choose from, and the Danish sentence."""
        self.values, self.sentence = values, sentence

    def __call__(self, form: FlaskForm, field: StringField) -> None:
        """Check one field.

        Raises:
            ValidationError: nothing was chosen, or something else.

        """
        if field.data not in self.values:
            raise ValidationError(_(self.sentence))


class Short:
    """Refuses a text that is longer than there is room for."""

    def __init__(self, most: int, sentence: str) -> None:
        """Take how many characters there may be, and the Danish sentence with `most` in it."""
        self.most, self.sentence = most, sentence

    def __call__(self, form: FlaskForm, field: StringField) -> None:
        """Check one field.

        Raises:
            ValidationError: it is too long.

        """
        if len(field.data or "") > self.most:
            raise ValidationError(_(self.sentence, most=self.most))


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for a string that is translated later
    """Mark a string for the catalogues without translating it yet."""
    return message


class Form(FlaskForm):  # type: ignore[misc]
    """A form whose post has been checked for forgery before any view saw it (S-63)."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        """No second token: the one of the page is enough."""

        csrf = False


class UsernameForm(Form):
    """The username step."""

    username = StringField(validators=[Filled(N_("Skriv dit brugernavn."))])
    destination = HiddenField()


class PasswordForm(Form):
    """Any step with one password; an empty one costs as much as any other (S-10)."""

    password = PasswordField()


class NewPasswordForm(Form):
    """An own choice of password."""

    password = PasswordField(validators=[Filled(N_("Skriv den adgangskode, du vil have."))])


class PicturesForm(Form):
    """The pictures, tapped or typed."""

    code = HiddenField()
    typed = PasswordField(validators=[FourPictures()])


def window_named(text: str) -> tuple[int, str]:
    """Read what a button names of a password window: its number, 0 for what is none, and a picture or «»."""
    number, _, picture = text.partition(":")
    return int(number) if number.isdecimal() and len(number) < 19 else 0, picture


def has_repeats(form: MultiDict[str, str], *, allowed: str | None = None) -> bool:
    """Whether a request names a field twice, or as an array (S-11); `allowed` is a list of tick boxes."""
    return any((len(values) > 1 and name != allowed) or "[" in name for name, values in form.lists())
