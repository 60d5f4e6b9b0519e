"""`flask people`: the first administrator, and what only the operator does to people."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.cli import terminal
from app.db import instant, longest
from app.domain import blocking, cpr, credentials, operating
from app.domain import people as directory
from app.domain.operating import Added, NewPerson, Outcome
from app.models.people import Institution, Role, User

REFUSALS = {
    Outcome.NO_USERNAME: "a username is four letters and four digits: evan4001",
    Outcome.USERNAME_TAKEN: "somebody has that username already",
    Outcome.NO_INSTITUTION: "no institution has that number; to make it, say --institution-name",
    Outcome.NO_INSTITUTION_NUMBER: "an institution number is six digits or letters: 101047",
    Outcome.NO_INSTITUTION_NAME: "an institution needs a name and a type",
    Outcome.NO_NAME: "a person needs a given name and a family name",
    Outcome.TOO_LONG: (
        f"given names have {longest(User.given_name)} characters at most, a family name"
        f" {longest(User.family_name)}, an institution's name {longest(Institution.name)} and its type"
        f" {longest(Institution.type)}"
    ),
}


@click.group(cls=AppGroup)
def people() -> None:
    """Add, find and block people."""


@people.command()
@click.option("--username", required=True, help="Four letters and four digits.")
@click.option("--name", required=True, help="Given names and family name; the last word is the family name.")
@click.option("--institution", "number", required=True, help="The institution's number.")
@click.option("--institution-name", help="Make the institution, with this name, where it is missing.")
@click.option("--institution-type", default="Folkeskole", show_default=True)
@click.option("--private", "is_private", is_flag=True, help="The new institution is no public body.")
@click.option(
    "--role",
    type=click.Choice([str(role) for role in operating.ADULT_ROLES]),
    default=str(Role.TAP),
    show_default=True,
)
@click.option("--administrator", is_flag=True, help="Give the right of user administrator there.")
def add(
    username: str,
    name: str,
    number: str,
    institution_name: str | None,
    institution_type: str,
    is_private: bool,
    role: str,
    administrator: bool,
) -> None:
    """Add an adult at an institution: above all its first user administrator.

    The first administrator of an institution has nobody to help with a password. For that person alone
    a one-time password is dealt and shown here, once. It has run out already, so that the first login
    leads to the choice of a new one and to nothing else: let the person log in at once, at this machine
    or on the telephone. Nobody else gets a password from a terminal.
    """
    given_name, _, family_name = name.strip().rpartition(" ")
    wanted = NewPerson(
        username,
        given_name,
        family_name,
        number,
        Role(role),
        is_administrator=administrator,
        institution_name=institution_name,
        institution_type=institution_type,
        is_public_body=not is_private,
    )
    dice, hasher, config = terminal.world().dice, terminal.hasher(), terminal.config()
    with terminal.writing() as (db, now):
        added: Added = operating.add_person(
            db, dice, hasher, config, wanted, now, operator=terminal.operator()
        )
        if added.outcome is not Outcome.ADDED:
            terminal.fail(REFUSALS[added.outcome])
    click.echo(f"Added {terminal.plain(name)} at {number}.")
    if added.password:
        click.echo(f"One-time password: {added.password}")
        click.echo("It is shown only here, and must be changed at the first login.")
    else:
        click.echo("No password was dealt: the institution's administrator helps with that.")


@people.command()
@click.argument("username")
def find(username: str) -> None:
    """Show what there is to know of the person with USERNAME, the CPR number masked."""
    keys = terminal.keys()
    with terminal.reading() as db:
        user = _get(directory.find_by_username(db, directory.normal_username(username) or ""), username)
        today = instant(terminal.world().clock).today
        click.echo(f"{user.username}  {terminal.plain(user.shown_name)}  UniID {user.uni_id}")
        for place in directory.list_places(db, user.id, today):
            group = f" {place.main_group}" if place.main_group else ""
            roles = ", ".join(place.roles) or place.category.name.lower()
            click.echo(f"  {place.institution_number} {place.institution_name}{group}: {roles}")
        for right, institution in directory.list_rights(db, user.id):
            click.echo(f"  right: {right.name}{f' at {institution}' if institution else ''}")
        if user.cpr_sealed:
            click.echo(f"  CPR {cpr.masked(cpr.unseal(keys, user.cpr_sealed, user.id))}")
        kind = credentials.find_type(db, user.id)
        click.echo(f"  password: {kind.name}")
        if user.is_protected:
            click.echo("  protected: the name shown is an alias")
        if user.blocked_at:
            by = _holder(blocking.find_holder(db, user.id))
            click.echo(f"  blocked since {user.blocked_at:%Y-%m-%d %H:%M} UTC by {by}")


@people.command()
@click.argument("username")
def block(username: str) -> None:
    """Block the person with USERNAME, and end every login at once.

    A block of a school's is taken over: the school can lift it no more.
    """
    with terminal.writing() as (db, now):
        user = _get(directory.find_by_username(db, directory.normal_username(username) or ""), username)
        before = blocking.find_holder(db, user.id, is_held=True)
        school = _holder(before) if before else None
        if not blocking.block(db, user.id, now, operator=terminal.operator()):
            terminal.fail(f"{user.username} is blocked already")
    click.echo(f"{user.username} is blocked.")
    if school:
        click.echo(
            f"The block was that of {school}. It is taken over: from now on the operator alone lifts it."
        )


@people.command()
@click.argument("username")
def unblock(username: str) -> None:
    """Let the blocked person with USERNAME log in again."""
    with terminal.writing() as (db, now):
        user = _get(directory.find_by_username(db, directory.normal_username(username) or ""), username)
        before = blocking.find_holder(db, user.id, is_held=True)
        school = _holder(before) if before else None
        if not blocking.unblock(db, user.id, now, operator=terminal.operator()):
            terminal.fail(f"{user.username} is not blocked")
    click.echo(f"{user.username} may log in again.")
    if school:
        click.echo(f"The block was that of {school}: tell them.")


@people.command("forget-tries")
@click.argument("username")
def forget_tries(username: str) -> None:
    """Let the person with USERNAME try at once again after too many wrong passwords.

    Make sure on the telephone that it is the person who asks: fifty wrong tries may have been a stranger's.
    """
    with terminal.writing() as (db, now):
        user = _get(directory.find_by_username(db, directory.normal_username(username) or ""), username)
        operating.forget_tries(db, terminal.keys(), user, now, operator=terminal.operator())
    click.echo(f"{user.username} may try again.")


@people.command("forget-mitid")
@click.argument("username")
def forget_mitid(username: str) -> None:
    """Forget the MitID that the person with USERNAME is known by.

    For one with a new MitID, or whose CPR number the school has corrected: both are refused as a
    conflict until then. The next MitID with the person's CPR number is kept in its place. Make sure
    first that the number is right.
    """
    with terminal.writing() as (db, now):
        user = _get(directory.find_by_username(db, directory.normal_username(username) or ""), username)
        if not operating.forget_mitid(db, user, now, operator=terminal.operator()):
            terminal.fail(f"no MitID is known of {user.username}")
    click.echo(f"The MitID of {user.username} is forgotten.")


@people.command("renew-pictures")
@click.option("--yes", is_flag=True, help="Do it; without this the command only counts.")
def renew_pictures(yes: bool) -> None:
    """Void every picture password, after a leak of the keys.

    Each pupil's pictures and logins end at once, and the pupil gets new pictures with the help of a
    teacher or a parent. Change the keys first: flask keys rotate password_store.
    """
    if not yes:
        with terminal.reading() as db:
            count = operating.count_pictures(db)
        click.echo(f"{count} picture passwords would end. Nothing was changed; to do it, say --yes.")
        return
    total = 0
    while True:
        with terminal.writing() as (db, now):
            count = operating.void_pictures(db, now, operator=terminal.operator())
        if not count:
            break
        total += count
        click.echo(f"{total} picture passwords ended")
    click.echo(f"Done: {total} picture passwords ended.")


def _holder(school: Institution | None) -> str:
    return f"{school.number} {terminal.plain(school.name)}" if school else "the operator"


def _get(user: User | None, username: str) -> User:
    if user is None:
        terminal.fail(f"nobody has the username {terminal.plain(username)}")
    return user
