"""The controls of a panel: one for each setting of an experiment, made from its declaration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import ipywidgets as w

from labs.experiment.experiment import Experiment
from labs.experiment.settings import Choice, Number, Setting, Switch, Value, resolve, unit_named
from labs.notebook.called import Called, called

_LABELLED = {"description_width": "190px"}


class Controls:
    """A row for each setting: the control and its help. Each has the class `t-set-NAME`."""

    def __init__(self, experiment: Experiment, values: Mapping[str, Value]) -> None:
        self._settings = settings = experiment.settings
        self._controls = {
            s.name: _control(s, experiment.help(s), called(experiment)) for s in settings
        }
        self.widget = w.VBox([_row(self._controls[s.name], experiment.help(s)) for s in settings])
        self.show(values)

    @property
    def values(self) -> dict[str, Value]:
        """What the controls show."""
        shown = {name: control.value for name, control in self._controls.items()}
        return resolve(self._settings, shown)

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call this whenever one of them shows another value."""
        for control in self._controls.values():
            control.observe(lambda _: changed(), "value")

    def show(self, values: Mapping[str, Value]) -> None:
        """Have the controls show these values."""
        for name, value in values.items():
            self._controls[name].value = value

    def enable(self, enabled: bool) -> None:
        """Whether they can be moved."""
        for control in self._controls.values():
            control.disabled = not enabled


def _control(setting: Setting, help: str, by: Called) -> w.Widget:
    unit = f" ({unit_named(setting.unit)})" if setting.unit else ""
    common = {
        "description": f"{setting.name}{unit}",
        "style": _LABELLED,
        "layout": w.Layout(width="100%"),
    }
    if isinstance(setting, Choice):
        control = _choice(setting, by, common)
    elif isinstance(setting, Switch):
        control = w.Checkbox(value=setting.default, **common)
    else:
        control = _slider(setting, common)
    control.tooltip = f"{help} ({by.allowed(setting)})"
    control.add_class(f"t-set-{setting.name}")
    return control


def _choice(setting: Choice, by: Called, common: Mapping[str, Any]) -> w.Widget:
    options = [(by.value(setting.name, option), option) for option in setting.options]
    few = len(options) <= 5 and sum(len(shown) for shown, _ in options) <= 28
    if not few:
        return w.Dropdown(options=options, value=setting.default, **common)
    style = {**_LABELLED, "button_width": "auto"}
    return w.ToggleButtons(options=options, value=setting.default, **{**common, "style": style})


def _slider(setting: Number, common: Mapping[str, Any]) -> w.Widget:
    kind = w.IntSlider if setting.whole else w.FloatSlider
    bounds = {"min": setting.low, "max": setting.high, "step": setting.step}
    if setting.whole:
        bounds = {name: int(value) for name, value in bounds.items()}
    form = "," if setting.whole else f",.{len(f'{setting.step:g}'.partition('.')[2])}f"
    return kind(value=setting.default, readout_format=form, **bounds, **common)


def _row(control: w.Widget, help: str) -> w.HBox:
    left = w.HBox([control], layout=w.Layout(flex="0 0 500px", max_width="100%", overflow="hidden"))
    help_text = w.HTML(f'<div class="labs-help">{escape(help)}</div>')
    help_text.layout.flex = "1 1 220px"
    row = w.HBox([left, help_text])
    row.add_class("labs-setting")
    return row
