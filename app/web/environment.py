"""The templates, compiled once for each language.

What is fixed in a language is worked out when a template is compiled, not at each request: a sentence, the
address of a page, a static file's name, a word of the site's, and a macro that is given nothing else. It
makes a page cost a third.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from types import CodeType
from typing import Any, ClassVar

from flask import Flask
from flask.templating import Environment as FlaskEnvironment
from jinja2 import BytecodeCache, StrictUndefined, Template, nodes
from jinja2.bccache import Bucket
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from app.web.i18n import DIRECTIONS, LANGUAGES, SOURCE, Catalogue, language

# Where macros stand, by what templates call them; each may use those before it.
MACROS = {"ui": "components.html", "tool": "elevadgang/components.html"}
# Addresses kept of those that hold a value: an audience's, a session's.
ADDRESSES = 1024

Functions = dict[str, Callable[..., Any]]


class _Compiled(BytecodeCache):
    """What this process has compiled: an app that says the very same as one before it need not do so again.

    Compiling is most of what making an app costs, and tests make thousands.
    """

    kept: ClassVar[dict[tuple[str, str, str], CodeType]] = {}
    independent: ClassVar[dict[tuple[str, str], set[str]]] = {}

    def __init__(self, salt: str) -> None:
        """Keep what is compiled with one set of fixed values, which `salt` stands for."""
        self.salt = salt

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give a template's code, where there is any."""
        bucket.code = self.kept.get((self.salt, bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template's code."""
        if bucket.code is not None:
            self.kept[self.salt, bucket.key, bucket.checksum] = bucket.code


class Environment(FlaskEnvironment):
    """Flask's environment, speaking one language."""

    # What is always answered alike; macros are added once they are known.
    fixed: Functions
    compiled: _Compiled

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        _Fixing(self.fixed, self.globals["site"]).visit(tree)
        return tree

    def add_macros(self) -> None:
        """Let every template call the macros; those that ask nothing of a request are fixed too."""
        for prefix, template in MACROS.items():
            source = self.loader.get_source(self, template)[0]  # type: ignore[union-attr]
            known = (self.compiled.salt, source)
            if known not in _Compiled.independent:
                _Compiled.independent[known] = _independent(self.parse(source))
            self.globals[prefix] = module = self.get_template(template).module
            self.fixed |= {f"{prefix}.{name}": getattr(module, name) for name in _Compiled.independent[known]}


class _Fixing(NodeTransformer):
    """Puts values in the place of calls whose arguments are all fixed, and of the site's words."""

    def __init__(self, fixed: Functions, site: object) -> None:
        self._fixed, self._site = fixed, site

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Expr:  # noqa: N802 - the visitor's own naming
        self.generic_visit(node)
        if _name(node.node) == "site" and isinstance(word := getattr(self._site, node.attr), str):
            return nodes.Const(word, lineno=node.lineno)
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Expr:  # noqa: N802 - the visitor's own naming
        self.generic_visit(node)
        function = self._fixed.get(_name(node.node))
        values = [*node.args, *(pair.value for pair in node.kwargs)]
        if function is None or node.dyn_args or node.dyn_kwargs:
            return node
        if not all(isinstance(value, nodes.Const) for value in values):
            return node
        arguments = [value.as_const() for value in node.args]
        named = {pair.key: pair.value.as_const() for pair in node.kwargs}
        return nodes.Const(function(*arguments, **named), lineno=node.lineno)


def _name(node: nodes.Node) -> str:
    """Return what is called or asked, as it is written: `asset`, `ui.button`."""
    if isinstance(node, nodes.Getattr):
        return f"{_name(node.node)}.{node.attr}"
    return node.name if isinstance(node, nodes.Name) else ""


def _independent(tree: nodes.Template) -> set[str]:
    """Return the macros that use only what they are given, their own words, and each other."""
    unknown = {}
    for macro in tree.find_all(nodes.Macro):
        names = list(macro.find_all(nodes.Name))
        own = {name.name for name in names if name.ctx != "load"} | {"_", "loop"}
        unknown[macro.name] = {name.name for name in names} - own
    found: set[str] = set()
    while more := {name for name, needs in unknown.items() if needs <= found} - found:
        found |= more
    return found


class Templates:
    """Every language's templates."""

    def __init__(self, app: Flask, catalogues: dict[str, Catalogue], globals: dict[str, Any]) -> None:
        """Make an environment a language; `globals` is what every template may ask."""
        self._environments = {
            code: _environment(app, code, catalogues.get(code, catalogues[SOURCE]), globals)
            for code in LANGUAGES
        }

    def get(self, name: str) -> Template:
        """Return a template in the reader's language."""
        return self._environments[language()].get_template(name)


def _salt(app: Flask, code: str, catalogue: Catalogue, globals: dict[str, Any]) -> str:
    """Return a mark of all that is worked out when a template is compiled."""
    fixed = (
        code,
        globals["site"],
        globals["asset"].__self__.addresses,
        getattr(catalogue, "_catalog", None),
        app.url_map,
    )
    return sha256(repr(fixed).encode()).hexdigest()


def _environment(app: Flask, code: str, catalogue: Catalogue, globals: dict[str, Any]) -> Environment:
    env = Environment(app, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    env.compiled = env.bytecode_cache = _Compiled(_salt(app, code, catalogue, globals))
    env.auto_reload = bool(app.debug)

    addresses = app.url_map.bind("")

    @lru_cache(ADDRESSES)
    def address(endpoint: str, **values: str | int) -> str:
        return addresses.build(endpoint, values)

    def sentence(text: str, **values: object) -> str:
        # The sentences are ours; what is put into them may be anybody's.
        found = catalogue.gettext(text)
        return Markup(found) % values if values else found  # noqa: S704

    env.fixed = {
        "_": sentence,
        "asset": globals["asset"],
        # Whether the page must say that no authority stands behind it.
        "is_demo": lambda: not globals["site"].operator,
        "lang": lambda: code,
        "text_direction": lambda: DIRECTIONS[code],
        "url_for": address,
    }
    env.globals.update(globals, **env.fixed)
    env.add_extension("jinja2.ext.i18n")
    env.install_gettext_callables(  # type: ignore[attr-defined]
        catalogue.gettext, catalogue.ngettext, newstyle=True
    )
    env.add_macros()
    return env
