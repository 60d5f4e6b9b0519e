"""The templates, compiled once for each language.

What is fixed in a language is worked out when a template is compiled, not at each request: a sentence
without values, the address of a page without values, a static file's name. It halves what a page costs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.templating import Environment as FlaskEnvironment
from jinja2 import StrictUndefined, Template, nodes
from jinja2.visitor import NodeTransformer

from app.web.i18n import LANGUAGES, SOURCE, Catalogue, language


class Environment(FlaskEnvironment):
    """Flask's environment, speaking one language."""

    fixed: dict[str, Callable[[str], str]]

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        _Fixing(self.fixed).visit(tree)
        return tree


class _Fixing(NodeTransformer):
    """Puts values in the place of calls whose one argument stands in the template."""

    def __init__(self, fixed: dict[str, Callable[[str], str]]) -> None:
        self._fixed = fixed

    def visit_Call(self, node: nodes.Call) -> nodes.Expr:  # noqa: N802 - the visitor's own naming
        self.generic_visit(node)
        is_fixed = (
            isinstance(node.node, nodes.Name)
            and node.node.name in self._fixed
            and len(node.args) == 1
            and isinstance(node.args[0], nodes.Const)
            and not (node.kwargs or node.dyn_args or node.dyn_kwargs)
        )
        if not is_fixed:
            return node
        value = self._fixed[node.node.name](node.args[0].value)  # type: ignore[attr-defined]
        return nodes.Const(value, lineno=node.lineno)


class Templates:
    """Every language's templates."""

    def __init__(self, app: Flask, catalogues: dict[str, Catalogue], globals: dict[str, Any]) -> None:
        """Make an environment a language; `globals` is what every template may ask."""
        self._environments = {
            code: _environment(app, catalogues.get(code, catalogues[SOURCE]), globals) for code in LANGUAGES
        }

    def get(self, name: str) -> Template:
        """Return a template in the reader's language."""
        return self._environments[language()].get_template(name)


def _environment(app: Flask, catalogue: Catalogue, globals: dict[str, Any]) -> Environment:
    env = Environment(app, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    env.auto_reload = bool(app.debug)

    addresses = app.url_map.bind("")
    env.globals.update(globals)
    env.fixed = {
        "_": catalogue.gettext,
        "url_for": addresses.build,
        "asset": globals["asset"],
    }
    env.add_extension("jinja2.ext.i18n")
    env.install_gettext_callables(  # type: ignore[attr-defined]
        catalogue.gettext, catalogue.ngettext, newstyle=True
    )
    env.globals["ui"] = env.get_template("components.html").module
    return env
