"""The roof: puts the features together, in the order people meet them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.config import Config
    from app.world import World


def create_app(config: Config | None = None, world: World | None = None) -> Flask:
    """Return the site as a WSGI app.

    Without arguments the settings come from the environment and the world is the real one.

    Raises:
        ConfigError: a setting is wrong.
        ContentError: a guide or another text is wrong.
        KeysError: the file of keys cannot be used, or is the demo's in production.

    """
    from flask_wtf import CSRFProtect

    from app import cli, translations
    from app import config as configuration
    from app import keys as keyring
    from app.config import PROJECT
    from app.db import Database
    from app.domain import site
    from app.domain.passwords import Hasher
    from app.protocols import mitid, smtp
    from app.web import (
        bodies,
        contact,
        crawlers,
        demo,
        elevadgang,
        errors,
        feedback,
        gate,
        guard,
        guides,
        headers,
        health,
        help_me,
        hours,
        i18n,
        kept,
        library,
        login,
        mine,
        news,
        notices,
        outbox,
        page,
        questions,
        recovery,
        searching,
        status,
        stills,
        support,
    )
    from app.web import mitid as trips
    from app.web.browser import FORM, FormCookie, KnownNetworks
    from app.web.transaction import TransactionalFlask, close
    from app.world import World

    features = (
        *((support, ""), (searching, ""), (help_me, "")),
        *((guides, ""), (questions, ""), (news, "")),
        *((contact, ""), (feedback, ""), (status, ""), (outbox, "")),
        *((login, ""), (recovery, ""), (trips, ""), (mine, ""), (elevadgang, "")),
        *((demo, ""), (crawlers, ""), (health, "")),
    )

    config = config or configuration.read()
    gate.set_up_logging(config.log_level)
    if world is None:
        broker = mitid.for_settings(config.mitid, is_demo=config.is_demo)
        calls = config.mitid_calls
        world = World(
            mitid=mitid.Client(broker, config.mitid_return, calls=calls) if broker else None,
            mail=smtp.for_settings(config.mail),
        )
    app = TransactionalFlask(__name__, static_folder=None)
    keys = keyring.for_mode(config)
    database = Database(config.database_url, pool=config.threads)
    app.extensions.update(
        config=config,
        world=world,
        database=database,
        notices=notices.Board(database, world.clock),
        keys=keys,
        hasher=Hasher(keys, slots=config.hash_slots, wait_seconds=config.hash_wait_seconds),
        networks=KnownNetworks(),
        site=site.read(PROJECT / "app" / "content" / "site.toml"),
        assets=kept.Assets(PROJECT / "app" / "static"),
        catalogues=i18n.read_catalogues(PROJECT / "translations"),
    )
    secrets = keys.signing_secrets()
    app.config.update(
        SECRET_KEY=secrets[-1],
        SECRET_KEY_FALLBACKS=secrets[:-1],
        SESSION_COOKIE_NAME=f"__Host-{FORM}" if config.is_https else FORM,
        SESSION_COOKIE_SECURE=config.is_https,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=config.form_bytes,
        MAX_FORM_MEMORY_SIZE=config.form_bytes,
        MAX_FORM_PARTS=config.form_fields,
        # Only absolute addresses are built from it, and those name the configured host (S-08).
        SERVER_NAME=None,
        PREFERRED_URL_SCHEME="https" if config.is_https else "http",
        # The token lives as long as the cookie it is bound to; our own check reads Origin (S-63).
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    app.session_interface = FormCookie()
    app.url_map.strict_slashes = True

    headers.init(app)
    guard.init(app)
    CSRFProtect(app)
    errors.init(app)
    for feature, address in features:
        app.register_blueprint(feature.blueprint, url_prefix=address or None)
    app.teardown_request(close)
    cli.register(app)
    translations.register(app)
    page.init(app)
    hours.init(app)
    library.init(app, PROJECT / "app" / "content")
    searching.init(app, PROJECT / "app" / "content")
    help_me.init(app, PROJECT / "app" / "content")
    stills.init(app, (feature for feature, _address in features))
    app.wsgi_app = bodies.Bodies(  # type: ignore[method-assign]
        app.wsgi_app,
        places=config.threads,
        seconds=config.body_seconds,
        patience=config.place_wait_seconds,
    )
    app.wsgi_app = kept.KeptLayer(  # type: ignore[method-assign]
        app.wsgi_app,
        app.extensions["assets"],
        kept.Editions(world.clock, app.extensions["notices"]),
    )
    app.wsgi_app = gate.Gate(app.wsgi_app, config)  # type: ignore[method-assign]
    return app
