"""Whoever only opens a notebook has changed nothing: JupyterLab does not mark it, nor write it."""

from __future__ import annotations

import hashlib

import pytest
from playwright.sync_api import Page

from labs.supervise.home import PROJECT
from tests.browser.conftest import KERNEL_IS_IDLE, Lab
from tests.course import texts

pytestmark = pytest.mark.browser

BOOKS = [text.notebook.as_posix() for text in texts()]

OPEN = "(path) => window.jupyterapp.commands.execute('docmanager:open', {path}).then(() => true)"
IS_OPEN = f"(path) => window.jupyterapp.shell.currentWidget?.context?.path === path && \
    window.jupyterapp.shell.currentWidget.context.isReady && ({KERNEL_IS_IDLE})()"
#: It has a say of the kernel's language, and of its name, after the kernel has told of them.
TOLD = """async () => {
    const {sessionContext, context} = window.jupyterapp.shell.currentWidget;
    await sessionContext.session.kernel.info;
    await sessionContext.session.kernel.spec;
    await new Promise((later) => setTimeout(later, 500));
    return context.model.dirty;
}"""
MARKED = """() => [...document.querySelectorAll('.lm-TabBar-tab.jp-mod-dirty')]
    .map((tab) => tab.textContent)"""


def test_a_notebook_that_was_only_opened_is_not_changed(page: Page, lab: Lab) -> None:
    before = _hashes()
    page.goto(lab.address(BOOKS[0]))
    page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.context")
    changed = []
    for path in BOOKS:
        page.evaluate(OPEN, path)
        page.wait_for_function(IS_OPEN, arg=path)
        if page.evaluate(TOLD):
            changed.append(path)
    assert changed == []
    assert page.evaluate(MARKED) == []
    assert _hashes() == before


def _hashes() -> dict[str, str]:
    return {path: hashlib.sha256((PROJECT / path).read_bytes()).hexdigest() for path in BOOKS}
